/** A line in the log for everything that somebody asked of a node as its operator, whether or not it was done. */
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Logger, TokenHolder } from '../../ports/index.ts'

/** Of a body, in the log. */
const MAX_SHOWN = 512

export class Audit {
  readonly #logger: Logger
  readonly #needsToken: boolean
  readonly #holders = new WeakMap<IncomingMessage, TokenHolder>()

  constructor(logger: Logger, needsToken: boolean) {
    this.#logger = logger
    this.#needsToken = needsToken
  }

  readonly identified = (request: IncomingMessage, holder: TokenHolder): void => {
    this.#holders.set(request, holder)
  }

  /** It was answered. What is refused for its sender or for lack of room is one line for each sender, and then counted: it may come in floods. */
  answered(request: FastifyRequest, status: number): void {
    const { method, url, raw, body } = request
    const remote = raw.socket.remoteAddress ?? 'unknown'
    const facts = { who: this.#who(raw), remote, request: `${method} ${shown(url)}`, body: shownBody(body), status }
    const isRefused = status === 401 || status === 403 || status === 429
    this.#logger.log('info', 'audit', facts, isRefused ? { cause: `AUDIT_${status}`, from: remote } : undefined)
  }

  #who(request: IncomingMessage): string {
    return this.#holders.get(request)?.name ?? (this.#needsToken ? 'nobody' : 'anybody: no token is needed')
  }
}

function shownBody(body: unknown): string | null {
  return body === undefined || body === null ? null : shown(JSON.stringify(body))
}

function shown(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`
}
