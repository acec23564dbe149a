import { Refusal } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { toError } from './end-reason.ts'
import { isPromise, whenSettled } from './soon.ts'

/**
 * What a handler returns that answers when it has returned: the actor goes on with the next message meanwhile. A handler that returns a
 * promise has the next message wait for it instead.
 *
 * Invariant: it settles its caller once, whichever comes first, the answer or the handler's return.
 */
export class Later<T> {
  #call: Asker | null = null
  #settle: ((call: Asker) => void) | null = null
  #settled = false

  /** For the runtime: whether it is one, whatever it is. */
  static is(answer: unknown): answer is Later<unknown> {
    return typeof answer === 'object' && answer !== null && #settled in answer
  }

  /** For the runtime: somebody waits for it. */
  get isAwaited(): boolean {
    return this.#call !== null && !this.#call.settled
  }

  /** A promise is followed, whoever gave it. */
  answer(value: T): void {
    if (isPromise(value)) this.follow(value)
    else this.#end((call) => call.answer(value))
  }

  /** The caller gets this error; the actor goes on. */
  refuse(error: Error): void {
    this.#end((call) => call.refuse(Refusal.is(error) ? error : toError(error)))
  }

  /** Answers when a promise does, and as it does; its error is what the caller gets. */
  follow(promise: PromiseLike<T>): this {
    whenSettled(
      promise,
      (value) => this.#end((call) => call.answer(value)),
      (error) => this.refuse(error as Error),
    )
    return this
  }

  /** For the runtime: who waits for it. */
  attach(call: Asker): void {
    if (this.#settle === null) this.#call = call
    else this.#settle(call)
  }

  #end(settle: (call: Asker) => void): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#call === null) this.#settle = settle
    else settle(this.#call)
  }
}
