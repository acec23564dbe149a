import { AspenError } from '../api/index.ts'
import { MAX_CLIENT_LINK_REQUEST_BYTES, MAX_REQUEST_TIMEOUT_MS } from '../limits.ts'
import { LinkError } from '../net/direct/dial/index.ts'
import type { Link, LinkOwner } from '../net/direct/dial/index.ts'
import type { LinkEnd } from '../ports/index.ts'
import { decodeClientAnswer, encodeClientRequest, UnknownMessageError, WireError } from '../wire/index.ts'
import type { ClientAnswer } from '../wire/index.ts'
import type { LinkCall } from './link-call.ts'
import { endedFailure } from './link-failure.ts'

export interface LinkSessionOptions {
  readonly maxInFlight: number
  readonly keepAliveMs: number
  /** An answer came, or a call let go: there is room for another request. */
  readonly roomy: () => void
  readonly ended: (session: LinkSession, error: Error | undefined) => void
}

/** The requests on one link, matched with their answers by number. */
export class LinkSession implements LinkOwner {
  readonly #options: LinkSessionOptions
  readonly #unanswered = new Map<number, LinkCall>()
  #link: Link | undefined
  #keepAlive: NodeJS.Timeout | undefined
  #bytes = 0
  #lastId = 0
  /** The node has said that it will look at nothing more. */
  #drained = false
  #hasEnded = false

  constructor(options: LinkSessionOptions) {
    this.#options = options
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The link is made. It may have ended in the meantime. */
  begin(link: Link): void {
    this.#link = link
    if (this.#hasEnded) return
    this.#keepAlive = setInterval(() => link.keepAlive(), this.#options.keepAliveMs).unref()
  }

  hasRoomFor(call: LinkCall): boolean {
    if (this.#hasEnded || this.#drained) return false
    return this.#unanswered.size < this.#options.maxInFlight && this.#bytes + call.size <= MAX_CLIENT_LINK_REQUEST_BYTES
  }

  /** To be called when there is room. False when the link is ending: the call has not been sent. */
  send(call: LinkCall): boolean {
    const id = this.#lastId + 1
    const timeoutMs = Math.min(call.leftMs, MAX_REQUEST_TIMEOUT_MS)
    const parts = encodeClientRequest({ ...call.body, id, timeoutMs })
    if (this.#link?.send(parts, 'normal') !== true) return false
    this.#lastId = id
    this.#unanswered.set(id, call)
    this.#bytes += call.size
    call.sent(id)
    return true
  }

  /** Nobody waits for the answer any more. */
  forget(call: LinkCall): void {
    if (!this.#unanswered.delete(call.id)) return
    this.#bytes -= call.size
    this.#options.roomy()
  }

  close(): void {
    this.#link?.finish()
  }

  message(_link: Link, bytes: Uint8Array): void {
    let answer: ClientAnswer
    try {
      answer = decodeClientAnswer(bytes)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      // About something that this program did not ask for, by a node of a later version.
      if (error instanceof UnknownMessageError) return
      return this.#breakOff(error.message)
    }
    if (answer.type === 'drained') return this.#onDrained()
    const call = this.#unanswered.get(answer.id)
    if (call === undefined) {
      // To a call that has been given up, or to none that ever was.
      if (answer.id > this.#lastId) this.#breakOff(`the node answered request ${answer.id}, which was never sent`)
      return
    }
    this.#unanswered.delete(answer.id)
    this.#bytes -= call.size
    call.settle(answer)
    this.#options.roomy()
  }

  claimed(): void {}

  ended(_link: Link, _end: LinkEnd, error: Error | undefined): void {
    this.#hasEnded = true
    clearInterval(this.#keepAlive)
    this.#options.ended(this, error)
    this.#settleAll(() => endedFailure(error, true))
  }

  /** Links keep their order: whatever has no answer by now was not looked at. */
  #onDrained(): void {
    this.#drained = true
    this.#settleAll(() => new AspenError('STOPPING', 'the node stopped before it looked at the request; ask another one'))
  }

  #settleAll(outcome: () => AspenError | ReturnType<typeof endedFailure>): void {
    const calls = [...this.#unanswered.values()]
    this.#unanswered.clear()
    this.#bytes = 0
    for (const call of calls) call.settle(outcome())
  }

  #breakOff(problem: string): void {
    this.#link?.abandon(new LinkError('MALFORMED', problem))
  }
}
