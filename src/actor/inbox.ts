import { fail } from '../lib/index.ts'
import { DEFAULT_MAILBOX_CAPACITY, MAX_MAILBOX_CAPACITY } from '../limits.ts'
import type { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import type { SpawnOptions } from './definition.ts'
import { Envelope, Inside } from './envelope.ts'
import type { Runtime } from './runtime.ts'
import { Delivery, Sending } from './sending.ts'
import type { WaitingSender } from './sending.ts'

export type Offered = 'taken' | 'full' | 'down'

/**
 * The messages of an actor that wait, and those who wait for room among them. A part of the cell, not an object of its own: there are many actors.
 *
 * Invariants: no more wait than the capacity allows, and the reserve of those that have one, but for what the runtime itself puts in; while somebody
 * waits for room there is none, so that nobody overtakes him.
 */
export abstract class Inbox {
  readonly runtime: Runtime
  readonly #capacity: number
  readonly #reserve: SpawnOptions['reserve']
  #first: Envelope | null = null
  #last: Envelope | null = null
  #depth = 0
  #refused = 0
  #senders: Set<WaitingSender> | null = null

  constructor(runtime: Runtime, { mailboxCapacity: capacity = DEFAULT_MAILBOX_CAPACITY, reserve }: SpawnOptions<unknown>) {
    if (!(capacity >= 1 && capacity <= MAX_MAILBOX_CAPACITY))
      fail(`a mailbox of ${capacity}: 1 to ${MAX_MAILBOX_CAPACITY} messages are allowed`)
    this.runtime = runtime
    this.#capacity = capacity
    this.#reserve = reserve
  }

  /** Whether it takes no messages. */
  protected abstract get isClosed(): boolean
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
    return this.#refused
  }

  protected get isEmpty(): boolean {
    return this.#first === null
  }

  offer(message: string, body: unknown, call: Asker | null): Offered {
    if (this.isClosed) return 'down'
    if (this.#depth >= this.#capacity && !this.#hasReserve(message)) {
      this.#refused++
      return 'full'
    }
    this.put(new Envelope(message, body, call))
    return 'taken'
  }

  #hasReserve(message: string): boolean {
    const reserve = this.#reserve
    return reserve !== undefined && this.#depth < this.#capacity + reserve.room && reserve.messages.includes(message)
  }

  /** Hands a message over when there is room, or within `timeoutMs`. Rejects with what keeps it from that. */
  send(message: string, body: unknown, timeoutMs: number): Promise<void> {
    const sending = new Sending(new Envelope(message, body, null), this.runtime.deadlines)
    if (this.isClosed) sending.refuse(this.refusal('down', message))
    else if (this.#depth < this.#capacity || this.#hasReserve(message)) this.#admit(sending)
    else this.#wait(sending, timeoutMs)
    return sending.promise
  }

  /** The same for one who hears of its end by himself, and waits as long as it takes. */
  deliver(message: string, body: unknown, asker: Asker): void {
    const envelope = new Envelope(message, body, asker)
    if (this.isClosed) asker.refuse(this.refusal('down', message))
    else if (this.#depth < this.#capacity || this.#hasReserve(message)) this.put(envelope)
    else this.#wait(new Delivery(envelope, asker), null)
  }

  #admit(sending: WaitingSender): void {
    this.put(sending.envelope)
    sending.taken()
  }

  #wait(sending: WaitingSender, timeoutMs: number | null): void {
    this.#senders ??= new Set()
    if (this.#senders.size < MAX_MAILBOX_CAPACITY) return sending.wait(this.#senders, timeoutMs)
    this.#refused++
    sending.refuse(this.refusal('full', sending.envelope.message))
  }

  /** Of the runtime's own as well, however many wait. */
  protected put(envelope: Envelope): void {
    if (this.#last === null) this.#first = envelope
    else this.#last.next = envelope
    this.#last = envelope
    this.#depth++
    this.wake()
  }

  /** The oldest; there is one. */
  protected take(): Envelope {
    const envelope = this.#first as Envelope
    this.#first = envelope.next
    if (envelope.next === null) this.#last = null
    this.#depth--
    if (this.#senders !== null) this.#fill(this.#senders)
    return envelope
  }

  #fill(senders: Set<WaitingSender>): void {
    for (const sending of senders) {
      if (this.#depth >= this.#capacity) return
      this.#admit(sending)
    }
    this.#senders = null
  }

  /** None of those that wait is handled any more, or taken. */
  protected refuseWaiting(): void {
    let waiting = this.#first
    this.#first = null
    this.#last = null
    this.#depth = 0
    for (; waiting !== null; waiting = waiting.next) {
      const { message, body, call } = waiting
      if (call !== null) call.refuse(this.refusal('down', message))
      else if (!(body instanceof Inside)) this.dropped(message, body)
    }
    const senders = this.#senders
    this.#senders = null
    for (const sending of senders ?? []) sending.refuse(this.refusal('down', sending.envelope.message))
  }
}
