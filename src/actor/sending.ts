import { ActorError } from './actor-error.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'
import type { Envelope } from './envelope.ts'

/** Somebody who waits for room in a mailbox. Settled once: when its message is taken, refused, or its deadline has come. */
export class Sending extends Expiring {
  readonly envelope: Envelope
  readonly promise: Promise<void>
  readonly #deadlines: Deadlines
  #waitsIn: Set<Sending> | null = null
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

  wait(waitsIn: Set<Sending>, timeoutMs: number): void {
    waitsIn.add(this)
    this.#waitsIn = waitsIn
    this.#deadlines.add(this, timeoutMs)
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
