import type { Asker } from '../asker.ts'
import { pack } from '../elsewhere.ts'
import { errorToData } from '../error-data.ts'
import type { ErrorData } from '../error-data.ts'

/** Who wants to know what became of a message. */
export interface HostedCaller {
  answered(id: number, value: Uint8Array): void
  /** @param begun it was in hand when it was refused */
  refused(id: number, error: ErrorData, begun: boolean): void
  later(id: number): void
}

/** A message that came from the other side of the thread's boundary, where its deadline is kept: it is told there what became of it. */
export class HostedCall implements Asker {
  settled = false
  keptBy: Set<Asker> | null = null
  readonly #caller: HostedCaller
  readonly #id: number
  readonly #wantsAnswer: boolean
  #isBegun = false
  /** That the message is done with has been told, and nobody waits for more. */
  #isSilent = false

  constructor(caller: HostedCaller, id: number, wantsAnswer: boolean) {
    this.#caller = caller
    this.#id = id
    this.#wantsAnswer = wantsAnswer
  }

  begin(): boolean {
    this.#isBegun = true
    return true
  }

  answer(value: unknown): void {
    if (!this.#settle()) return
    let packed: Uint8Array
    try {
      packed = pack(this.#wantsAnswer ? value : undefined, 'answer', true)
    } catch (error) {
      return this.#caller.refused(this.#id, errorToData(error), true)
    }
    this.#caller.answered(this.#id, packed)
  }

  refuse(error: Error): void {
    if (this.#settle()) this.#caller.refused(this.#id, errorToData(error), this.#isBegun)
  }

  /** Whoever is told of the crash knows what was in hand. */
  failed(): void {
    this.#settle()
  }

  postponed(): void {
    if (this.settled) return
    this.#caller.later(this.#id)
    this.#isSilent = !this.#wantsAnswer
  }

  /** Whether whoever sent it hears of it. */
  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.keptBy?.delete(this)
    return !this.#isSilent
  }
}
