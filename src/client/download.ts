/** An answer of a node that is bytes, and too large to be held. */
import http from 'node:http'
import https from 'node:https'
import { AspenError } from '../api/index.ts'
import type { Backup } from '../api/index.ts'
import { MAX_SMALL_HTTP_BODY_SIZE } from '../limits.ts'
import { refusalIn } from './answers.ts'
import { failureWords } from './failure-words.ts'

export interface Download {
  readonly url: URL
  readonly path: string
  readonly token: string | undefined
  /** Certificates that are believed, in PEM. */
  readonly ca: string | undefined
  /** Until the answer begins, and between two pieces of it, in milliseconds. */
  readonly patienceMs: number
}

/**
 * Asks for a backup, and resolves when its first byte is on the way.
 * @throws AspenError that of the node; NO_LEADER when there is no answer
 */
export function download({ url, path, token, ca, patienceMs }: Download): Promise<Backup> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(new URL(path, url), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      agent: false,
      ...(ca === undefined ? {} : { ca }),
      timeout: patienceMs,
    })
    request.on('timeout', () =>
      request.destroy(new AspenError('DEADLINE_EXCEEDED', `nothing came from ${url.host} within ${patienceMs} ms`)),
    )
    request.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error instanceof AspenError
          ? error
          : new AspenError('NO_LEADER', `${url.host} does not answer: ${failureWords(error, url.protocol === 'https:')}`),
      )
    })
    request.on('response', (response) => {
      if (response.statusCode === 200) resolve(new ArrivingBackup(response))
      else refusalOf(response).then(reject, reject)
    })
    request.end()
  })
}

class ArrivingBackup implements Backup {
  readonly fileName: string
  readonly sizeBytes: number
  readonly #response: http.IncomingMessage

  constructor(response: http.IncomingMessage) {
    this.#response = response
    const { 'content-disposition': disposition = '', 'content-length': length = '0' } = response.headers
    // It becomes the name of a file here: nothing that leads elsewhere.
    this.fileName = /filename="([\w.-]+)"/.exec(disposition)?.[1] ?? 'aspen.backup'
    this.sizeBytes = Number(length)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of this.#response) yield chunk as Buffer
    } catch (error) {
      throw error instanceof AspenError
        ? error
        : new AspenError('DEADLINE_EXCEEDED', `the backup broke off: ${(error as Error).message}`)
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#response.destroy()
  }
}

async function refusalOf(response: http.IncomingMessage): Promise<AspenError> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response) {
    pieces.push(piece as Buffer)
    size += (piece as Buffer).length
    if (size > MAX_SMALL_HTTP_BODY_SIZE) break
  }
  const answer = { status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }
  return refusalIn(answer) ?? new AspenError('INTERNAL', `the node answers ${answer.status}, and not as a node does`)
}
