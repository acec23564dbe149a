/** The certificate that a node serves HTTPS with, from files that may be replaced while it runs. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { Clock, Logger, Timer } from '../../ports/index.ts'
import type { TlsKeyPair } from '../../faces/http/index.ts'
import { ConfigError } from '../config/index.ts'
import type { NodeConfig } from '../config/index.ts'
import { readSmallFile } from './small-file.ts'
import { WatchedFiles } from './watched-files.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** A certificate that ends sooner is worth a line. */
const WARN_BEFORE_MS = 14 * DAY_MS
const LOOK_AT_EXPIRY_MS = DAY_MS / 2
const OTHERS_MAY_ACCESS = 0o077

export interface OpenTls {
  readonly pair: TlsKeyPair
  /** Has `replace` called with each later pair that fits together. */
  follow(replace: (pair: TlsKeyPair) => void): void
  close(): void
}

type TlsConfig = Pick<NodeConfig, 'httpTlsCert' | 'httpTlsKey'>

/** Null where HTTP is plain. @throws ConfigError for files that cannot be used */
export function openTls({ httpTlsCert, httpTlsKey }: TlsConfig, clock: Clock, logger: Logger): OpenTls | null {
  if (httpTlsCert === null && httpTlsKey === null) return null
  if (httpTlsCert === null || httpTlsKey === null)
    throw new ConfigError('http_tls_cert and http_tls_key belong together: give both, or none')
  const paths = [httpTlsCert, httpTlsKey]
  const files = new TlsFiles(paths, clock, logger)
  const texts = paths.map((path) => read(path))
  try {
    return files.open(texts)
  } catch (error) {
    throw new ConfigError(
      `http_tls_cert ${httpTlsCert} and http_tls_key ${httpTlsKey} cannot be used: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
}

class TlsFiles {
  readonly #paths: readonly string[]
  readonly #clock: Clock
  readonly #logger: Logger
  #expiry: Timer | null = null
  #pair: TlsKeyPair = { cert: '', key: '' }

  constructor(paths: readonly string[], clock: Clock, logger: Logger) {
    this.#paths = paths
    this.#clock = clock
    this.#logger = logger
  }

  /** @throws Error when the two do not fit */
  open(texts: readonly string[]): OpenTls {
    this.#take(texts)
    let watch: WatchedFiles | null = null
    this.#lookAtExpiry()
    return {
      pair: this.#pair,
      follow: (replace) => {
        watch = new WatchedFiles({
          paths: this.#paths,
          clock: this.#clock,
          texts,
          changed: (changed) => {
            this.#take(changed)
            replace(this.#pair)
            this.#logger.log('info', 'the certificate of the HTTP API was read anew', this.#facts())
          },
          failed: ({ message }) => {
            const facts = { files: this.#paths, reason: message }
            this.#logger.log('error', 'the certificate of the HTTP API cannot be used: the one from before goes on', facts)
          },
        })
      },
      close: () => {
        watch?.stop()
        this.#expiry?.cancel()
      },
    }
  }

  #take([cert = '', key = '']: readonly string[]): void {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not that of the certificate')
    createSecureContext({ cert, key })
    this.#pair = { cert, key }
    this.#warnOfMode()
    this.#warnOfExpiry()
  }

  #facts(): Readonly<Record<string, unknown>> {
    const { subject, validTo } = new X509Certificate(this.#pair.cert)
    return { subject, valid_to: new Date(validTo).toISOString() }
  }

  #lookAtExpiry(): void {
    this.#expiry = this.#clock.setTimer(LOOK_AT_EXPIRY_MS, () => {
      this.#warnOfExpiry()
      this.#lookAtExpiry()
    })
  }

  #warnOfExpiry(): void {
    const { validTo } = new X509Certificate(this.#pair.cert)
    const left = Date.parse(validTo) - Date.now()
    if (left <= 0) this.#logger.log('error', 'the certificate of the HTTP API has expired: clients refuse it', this.#facts())
    else if (left < WARN_BEFORE_MS) this.#logger.log('warn', 'the certificate of the HTTP API expires soon', this.#facts())
  }

  #warnOfMode(): void {
    const [, key = ''] = this.#paths
    // Windows has no such modes.
    if (process.platform === 'win32') return
    const mode = statSync(key, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & OTHERS_MAY_ACCESS) !== 0)
      this.#logger.log('warn', 'the private key of the HTTP API can be read by others: chmod 600 it', { file: key })
  }
}

function read(path: string): string {
  try {
    return readSmallFile(path)
  } catch (error) {
    throw new ConfigError(`the file ${path}, of http_tls_cert or http_tls_key, cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
