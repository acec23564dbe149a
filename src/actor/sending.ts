import type { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'
import type { Envelope } from './envelope.ts'
import { rejectWhereAwaited } from './where-awaited.ts'

/** Somebody who waits for room in a mailbox. Settled once: when its message is taken, refused, or its deadline has come. */
export interface WaitingSender {
  readonly envelope: Envelope
  /** `timeoutMs` is null for one that waits as long as it takes. */
  wait(waitsIn: Set<WaitingSender>, timeoutMs: number | null): void
  taken(): void
  refuse(error: Error): void
}

/** Whose mailbox it is. */
interface Receiver {
  refusal(offered: 'full', message: string): ActorError
}

/** One that hears whether its message was taken. */
export class Sending extends Expiring implements WaitingSender {
  readonly envelope: Envelope
  readonly promise: Promise<void>
  readonly #deadlines: Deadlines
  readonly #receiver: Receiver
  #waitsIn: Set<WaitingSender> | null = null
  #resolve!: (value: void | PromiseLike<never>) => void
  #reject!: (error: Error) => void

  constructor(envelope: Envelope, receiver: Receiver, deadlines: Deadlines) {
    super()
    this.envelope = envelope
    this.#receiver = receiver
    this.#deadlines = deadlines
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  wait(waitsIn: Set<WaitingSender>, timeoutMs: number | null): void {
    waitsIn.add(this)
    this.#waitsIn = waitsIn
    if (timeoutMs !== null) this.#deadlines.add(this, timeoutMs)
  }

  taken(): void {
    this.#end()
    this.#resolve()
  }

  refuse(error: Error): void {
    const hasWaited = this.#waitsIn !== null
    this.#end()
    // Where nobody has waited yet it was made where it is sent.
    if (!hasWaited) return this.#reject(error)
    rejectWhereAwaited(error, { resolve: this.#resolve, reject: this.#reject })
  }

  override expired(): void {
    this.refuse(this.#receiver.refusal('full', this.envelope.message))
  }

  #end(): void {
    this.#waitsIn?.delete(this)
    this.#deadlines.remove(this)
  }
}

/** One that hears what became of its message. */
export class Delivery implements WaitingSender {
  readonly envelope: Envelope
  readonly #asker: Asker
  #waitsIn: Set<WaitingSender> | null = null

  constructor(envelope: Envelope, asker: Asker) {
    this.envelope = envelope
    this.#asker = asker
  }

  wait(waitsIn: Set<WaitingSender>): void {
    waitsIn.add(this)
    this.#waitsIn = waitsIn
  }

  taken(): void {
    this.#waitsIn?.delete(this)
  }

  refuse(error: Error): void {
    this.#waitsIn?.delete(this)
    this.#asker.refuse(error)
  }
}
