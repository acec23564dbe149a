import { MAX_MAILBOX_CAPACITY } from '../limits.ts'
import type { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Envelope, Inside } from './envelope.ts'
import type { Runtime } from './runtime.ts'
import { Delivery, Sending } from './sending.ts'
import type { WaitingSender } from './sending.ts'
import type { Settings } from './settings.ts'
import { Ties } from './ties.ts'

export type Offered = 'taken' | 'full' | 'down'

/**
 * The messages of an actor that wait, and those who wait for room among them. A part of the cell, not an object of its own: there are many actors.
 *
 * Invariants: no more wait than the capacity allows, and the reserve of those that have one, but for what the runtime itself puts in; while somebody
 * waits for room there is none, so that nobody overtakes him.
 */
export abstract class Inbox {
  readonly runtime: Runtime
  readonly settings: Settings
  /** Null until there are any. */
  protected ties: Ties | null = null
  #first: Envelope | null = null
  #last: Envelope | null = null
  #depth = 0
  /** Messages that were taken out to be handled. */
  #handled = 0

  constructor(runtime: Runtime, settings: Settings) {
    this.runtime = runtime
    this.settings = settings
  }

  /** A message waits that may be handled. */
  protected abstract wake(): void
  /** What the sender of a message hears that was not taken. */
  abstract refusal(offered: Exclude<Offered, 'taken'>, message: string): ActorError
  /** A message without a caller will not be handled. */
  protected abstract dropped(message: string, body: unknown): void

  get depth(): number {
    return this.#depth
  }

  /** Messages that found no room. */
  get refused(): number {
    return this.ties?.refused ?? 0
  }

  get handled(): number {
    return this.#handled
  }

  protected get isEmpty(): boolean {
    return this.#first === null
  }

  /** Whether it takes no messages. */
  protected get isClosed(): boolean {
    return this.ties !== null && (this.ties.closed !== null || this.ties.leaving !== null)
  }

  protected tied(): Ties {
    return (this.ties ??= new Ties())
  }

  offer(message: string, body: unknown, call: Asker | null): Offered {
    if (this.isClosed) return 'down'
    if (!this.#hasRoomFor(message)) {
      this.#refuse()
      return 'full'
    }
    this.put(new Envelope(message, body, call))
    return 'taken'
  }

  #hasRoomFor(message: string): boolean {
    const { capacity, reserve } = this.settings
    if (this.#depth < capacity) return true
    return reserve !== undefined && this.#depth < capacity + reserve.room && reserve.messages.includes(message)
  }

  /** Hands a message over when there is room, or within `timeoutMs`. Rejects with what keeps it from that. */
  send(message: string, body: unknown, timeoutMs: number): Promise<void> {
    const sending = new Sending(new Envelope(message, body, null), this, this.runtime.deadlines)
    if (this.isClosed) sending.refuse(this.refusal('down', message))
    else if (this.#hasRoomFor(message)) this.#admit(sending)
    else this.#wait(sending, timeoutMs)
    return sending.promise
  }

  /** The same for one who hears of its end by himself, and waits as long as it takes. */
  deliver(message: string, body: unknown, asker: Asker): void {
    const envelope = new Envelope(message, body, asker)
    if (this.isClosed) asker.refuse(this.refusal('down', message))
    else if (this.#hasRoomFor(message)) this.put(envelope)
    else this.#wait(new Delivery(envelope, asker), null)
  }

  #refuse(): void {
    const ties = this.tied()
    ties.refused++
    this.runtime.meters.refused++
    if (ties.meter !== null) ties.meter.refused++
  }

  #admit(sending: WaitingSender): void {
    this.put(sending.envelope)
    sending.taken()
  }

  #wait(sending: WaitingSender, timeoutMs: number | null): void {
    const ties = this.tied()
    ties.senders ??= new Set()
    if (ties.senders.size < MAX_MAILBOX_CAPACITY) return sending.wait(ties.senders, timeoutMs)
    this.#refuse()
    sending.refuse(this.refusal('full', sending.envelope.message))
  }

  /** Of the runtime's own as well, however many wait. */
  protected put(envelope: Envelope): void {
    if (this.#last === null) this.#first = envelope
    else this.#last.next = envelope
    this.#last = envelope
    this.#depth++
    this.runtime.meters.take(envelope)
    this.wake()
  }

  /** The oldest; there is one. */
  protected take(): Envelope {
    const envelope = this.#first as Envelope
    this.#first = envelope.next
    if (envelope.next === null) this.#last = null
    this.#depth--
    this.#handled++
    if (envelope === this.runtime.meters.sampled) this.runtime.meters.timed(this.ties?.meter ?? null)
    if (this.ties !== null) this.#fill(this.ties)
    return envelope
  }

  #fill({ senders }: Ties): void {
    for (const sending of senders ?? []) {
      if (this.#depth >= this.settings.capacity) return
      this.#admit(sending)
    }
  }

  /** None of those that wait is handled any more, or taken. */
  protected refuseWaiting(): void {
    let waiting = this.#first
    this.#first = null
    this.#last = null
    this.runtime.meters.unhandled += this.#depth
    this.#depth = 0
    for (; waiting !== null; waiting = waiting.next) {
      const { message, body, call } = waiting
      if (call !== null) call.refuse(this.refusal('down', message))
      else if (!(body instanceof Inside)) this.dropped(message, body)
    }
    for (const sending of this.ties?.senders ?? []) sending.refuse(this.refusal('down', sending.envelope.message))
  }
}
