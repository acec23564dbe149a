import { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'
import { rejectWhereAwaited } from './where-awaited.ts'

/** @param what which message it is, and whose */
export function sayLate(what: string, begun: boolean): string {
  return `${what} was not answered in time: ${begun ? 'it may have been handled, or may still be' : 'it was not handled'}`
}

/**
 * Somebody who waits for an answer. It is settled once: by the answer, a refusal, the end of the actor, or its deadline.
 */
export class Call extends Expiring implements Asker {
  readonly promise: Promise<unknown>
  /** The actor has the message in hand, or had. */
  begun = false
  #settled = false
  readonly #deadlines: Deadlines
  readonly #late: (begun: boolean) => string
  #resolve!: (value: unknown) => void
  #reject!: (error: Error) => void
  keptBy: Set<Asker> | null = null

  /** @param late what its deadline is missed with, in words: see `sayLate` */
  constructor(deadlines: Deadlines, timeoutMs: number, late: (begun: boolean) => string) {
    super()
    this.#deadlines = deadlines
    this.#late = late
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
    if (this.#end()) rejectWhereAwaited(error, { resolve: this.#resolve, reject: this.#reject })
  }

  /** The same where the call is made: its error says so by itself. */
  refuseAtOnce(error: Error): void {
    if (this.#end()) this.#reject(error)
  }

  override expired(): void {
    this.refuse(new ActorError('DEADLINE_EXCEEDED', this.#late(this.begun), { begun: this.begun }))
  }

  #end(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#deadlines.remove(this)
    this.keptBy?.delete(this)
    return true
  }
}
