import { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'
import type { Envelope } from './envelope.ts'

/** Somebody who waits for room in a mailbox. Settled once: when its message is taken, refused, or its deadline has come. */
export interface WaitingSender {
  readonly envelope: Envelope
  /** `timeoutMs` is null for one that waits as long as it takes. */
  wait(waitsIn: Set<WaitingSender>, timeoutMs: number | null): void
  taken(): void
  refuse(error: Error): void
}

/** One that hears whether its message was taken. */
export class Sending extends Expiring implements WaitingSender {
  readonly envelope: Envelope
  readonly promise: Promise<void>
  readonly #deadlines: Deadlines
  #waitsIn: Set<WaitingSender> | null = null
  #resolve!: () => void
  #reject!: (error: Error) => void

  constructor(envelope: Envelope, deadlines: Deadlines) {
    super()
    this.envelope = envelope
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
    this.#end()
    this.#reject(error)
  }

  override expired(): void {
    const words = `there was no room for ${this.envelope.message} in time: it was not taken`
    this.refuse(new ActorError('OVERLOADED', words))
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
