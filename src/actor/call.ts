import { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'

/**
 * Somebody who waits for an answer. It is settled once: by the answer, a refusal, the end of the actor, or its deadline.
 */
export class Call extends Expiring implements Asker {
  readonly promise: Promise<unknown>
  /** The actor has the message in hand, or had. */
  begun = false
  #settled = false
  readonly #deadlines: Deadlines
  readonly #what: () => string
  #resolve!: (value: unknown) => void
  #reject!: (error: Error) => void
  keptBy: Set<Asker> | null = null

  constructor(deadlines: Deadlines, timeoutMs: number, what: () => string) {
    super()
    this.#deadlines = deadlines
    this.#what = what
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    deadlines.add(this, timeoutMs)
  }

  get settled(): boolean {
    return this.#settled
  }

  begin(): boolean {
    if (this.#settled) return false
    this.begun = true
    return true
  }

  answer(value: unknown): void {
    if (this.#end()) this.#resolve(value)
  }

  refuse(error: Error): void {
    if (this.#end()) this.#reject(error)
  }

  override expired(): void {
    const words = this.begun ? 'it may have been handled, or may still be' : 'it was not handled'
    this.refuse(new ActorError('DEADLINE_EXCEEDED', `${this.#what()} was not answered in time: ${words}`, { begun: this.begun }))
  }

  #end(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#deadlines.remove(this)
    this.keptBy?.delete(this)
    return true
  }
}
