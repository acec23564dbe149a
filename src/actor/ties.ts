import { MAX_MAILBOX_CAPACITY } from '../limits.ts'
import { ActorError } from './actor-error.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'
import type { Envelope } from './envelope.ts'
import type { LifeEvent, Watch } from './target.ts'

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

/** What others have to do with an actor, which most have not: who watches it, who waits for room in its mailbox, its name. */
export class Ties {
  registeredAs: string | null = null
  readonly #told = new Set<{ readonly told: (event: LifeEvent) => void }>()
  readonly #senders = new Set<Sending>()

  watch(told: (event: LifeEvent) => void): Watch {
    const entry = { told }
    this.#told.add(entry)
    return { cancel: () => void this.#told.delete(entry) }
  }

  tell(event: LifeEvent): void {
    for (const { told } of this.#told) told(event)
  }

  /** False when there are too many already. */
  wait(sending: Sending, timeoutMs: number): boolean {
    if (this.#senders.size >= MAX_MAILBOX_CAPACITY) return false
    sending.wait(this.#senders, timeoutMs)
    return true
  }

  /** Who waits for room, the first first; they are gone from here. */
  takeSenders(atMost: number): Sending[] {
    const senders: Sending[] = []
    for (const sending of this.#senders) {
      if (senders.length === atMost) break
      senders.push(sending)
    }
    for (const sending of senders) this.#senders.delete(sending)
    return senders
  }
}
