import { AspenError } from '../../api/index.ts'
import { MAX_CLIENT_LINK_REQUEST_BYTES, MAX_CLIENT_LINK_REQUESTS } from '../../limits.ts'
import type { ServedLink } from '../../ports/index.ts'
import { decodeClientRequest, encodeClientAnswer, UnknownMessageError, WireError } from '../../wire/index.ts'
import type { ClientRequest } from '../../wire/index.ts'
import { answerRequest } from './answer-request.ts'
import type { ClientReply, LinkedStore } from './answer-request.ts'

/** The bounds that all connections share. */
export interface Admission {
  /** Takes a request of this size on, until {@link release}; or says why not. */
  admit(size: number): AspenError | undefined
  release(size: number): void
  /** Whether an answer of this size may wait for this client. */
  hasRoom(link: ServedLink, size: number): boolean
  /** Whether not even refusals may wait for this client any more. */
  isOverfull(link: ServedLink): boolean
  /** Counts a message for what this node does not have. */
  unknown(error: UnknownMessageError): void
  /** Takes an error that only a bug can have caused to where uncaught ones end up. */
  broken(error: unknown): void
  /** Counts a refusal, and words it. */
  overloaded(queue: string, message: string): AspenError
}

/** The requests of one client. */
export class ClientConnection {
  readonly #link: ServedLink
  readonly #store: LinkedStore
  readonly #admission: Admission
  /** Requests taken on and not answered yet, and their bytes. */
  #unanswered = 0
  #requestBytes = 0
  #ended = false

  constructor(link: ServedLink, store: LinkedStore, admission: Admission) {
    this.#link = link
    this.#store = store
    this.#admission = admission
  }

  get unanswered(): number {
    return this.#unanswered
  }

  receive(bytes: Uint8Array): void {
    let request: ReturnType<typeof decodeClientRequest>
    try {
      request = decodeClientRequest(bytes)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      // For what this node does not have. Whoever sent it goes on to ask for what there is.
      if (error instanceof UnknownMessageError) return this.#admission.unknown(error)
      this.#link.finish({ code: 'MALFORMED', detail: error.message })
      return
    }
    if (request.type === 'unreadable') {
      this.#refuse(request.id, new AspenError('INVALID_REQUEST', request.problem))
      return
    }
    const refusal = this.#admit(bytes.length)
    if (refusal === undefined) this.#run(request, bytes.length).catch((error: unknown) => this.#admission.broken(error))
    else this.#refuse(request.id, refusal)
  }

  /** The link is gone: answers are for nobody. */
  end(): void {
    this.#ended = true
  }

  /** Tells the client that the node will look at nothing more. Not when something is still under way. */
  sayDrained(): void {
    if (this.#unanswered === 0) this.#send(encodeClientAnswer({ type: 'drained' }))
  }

  #admit(size: number): AspenError | undefined {
    if (this.#unanswered >= MAX_CLIENT_LINK_REQUESTS) {
      return this.#admission.overloaded('client_link', `${MAX_CLIENT_LINK_REQUESTS} requests of this client are unanswered`)
    }
    if (this.#requestBytes + size > MAX_CLIENT_LINK_REQUEST_BYTES) {
      return this.#admission.overloaded('client_link', `${this.#requestBytes} bytes of requests of this client are unanswered`)
    }
    if (!this.#admission.hasRoom(this.#link, 0)) {
      return this.#admission.overloaded('client_answers', `${this.#link.backlogBytes} bytes of answers wait to be read`)
    }
    return this.#admission.admit(size)
  }

  async #run(request: ClientRequest, size: number): Promise<void> {
    this.#unanswered++
    this.#requestBytes += size
    const answer = await answerRequest(this.#store, request)
    this.#unanswered--
    this.#requestBytes -= size
    this.#answer(answer)
    this.#admission.release(size)
  }

  #answer(answer: ClientReply): void {
    if (this.#ended) return
    const parts = encodeOrRefuse(answer)
    let size = 0
    for (const part of parts) size += part.length
    if (answer.type === 'error' || this.#admission.hasRoom(this.#link, size)) this.#send(parts)
    else this.#refuse(answer.id, this.#noRoom(answer, size))
  }

  /** A write has taken effect: it must not look as if it could be sent again. */
  #noRoom(answer: ClientReply, size: number): AspenError {
    const refusal = this.#admission.overloaded(
      'client_answers',
      `an answer of ${size} bytes found no room behind ${this.#link.backlogBytes} bytes that this client has not read`,
    )
    if (answer.type !== 'written') return refusal
    return new AspenError(
      'RESULT_TOO_LARGE',
      `the command took effect as entry ${answer.result.logId.index}: ${refusal.message}`,
      {
        log_id: answer.result.logId,
        succeeded: answer.result.txn?.succeeded,
      },
    )
  }

  #refuse(id: number, { code, message, details }: AspenError): void {
    this.#send(encodeClientAnswer({ type: 'error', id, code, message, details }))
  }

  #send(parts: readonly Uint8Array[]): void {
    if (this.#ended) return
    if (!this.#admission.isOverfull(this.#link) && this.#link.send(parts, 'normal')) return
    const waiting = this.#link.backlogBytes
    this.#link.abandon(new AspenError('OVERLOADED', `the client does not read its answers: ${waiting} bytes wait`))
  }
}

/** What a store answers can be encoded; if it cannot, the client hears so, and the others go on. */
function encodeOrRefuse(answer: ClientReply): Uint8Array[] {
  try {
    return encodeClientAnswer(answer)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const message = `this node has an answer that it cannot send: ${error.message}`
    return encodeClientAnswer({ type: 'error', id: answer.id, code: 'INTERNAL', message, details: {} })
  }
}
