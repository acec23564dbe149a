import type { NodeConfig } from '../cluster/config/index.ts'
import { ConfigError, formatHostPort } from '../cluster/config/index.ts'
import { LaterVersion } from '../commands/index.ts'
import { EXIT } from './exit-code.ts'

interface ListenError extends Error {
  readonly code: string
  readonly port: number
}

/** An error and what is behind it. A chain of causes is as long as there are layers; a cycle must not hang the report. */
function* causesOf(error: unknown): Generator<Error> {
  let current = error
  for (let depth = 0; depth < 10 && current instanceof Error; depth++) {
    yield current
    current = current.cause
  }
}

/** The refusal to listen that is, or is behind, an error. */
function findListenError(error: unknown): ListenError | undefined {
  for (const found of causesOf(error)) {
    const { code, port } = found as Partial<ListenError>
    if (typeof code === 'string' && typeof port === 'number') return found as ListenError
  }
  return undefined
}

/** Whether it takes a later program to go on: this one would fail of it again. */
export function isLaterVersion(error: unknown): boolean {
  return [...causesOf(error)].some((found) => found instanceof LaterVersion)
}

export function startFailureCode(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.USAGE
  return isLaterVersion(error) ? EXIT.LATER_VERSION : EXIT.FAILURE
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there',
  ENOTFOUND: 'the name has no address',
}

function explainListenError({ code, port, message }: ListenError, config: NodeConfig): string {
  const reason = LISTEN_REASONS[code] ?? message
  if (port === config.httpAddr.port) {
    return `cannot listen for HTTP on ${formatHostPort(config.httpAddr)}: ${reason} (${code}). Move it with --http-addr HOST:PORT`
  }
  const links = formatHostPort({ host: config.ractorHost, port })
  return `cannot listen for other nodes on ${links}: ${reason} (${code}). Move it with --ractor-port PORT or --ractor-host HOST`
}

/** Why a node did not start and what to do about it, in one paragraph. */
export function explainStartFailure(error: unknown, config: NodeConfig): string {
  const listenError = findListenError(error)
  if (listenError !== undefined) return explainListenError(listenError, config)
  return error instanceof Error ? error.message : String(error)
}
