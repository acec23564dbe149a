import type { Asker } from './asker.ts'

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

  answer(value: T): void {
    this.#end((call) => call.answer(value))
  }

  /** The caller gets this error; the actor goes on. */
  refuse(error: Error): void {
    this.#end((call) => call.refuse(error))
  }

  /** Answers when a promise does, and as it does; its error is what the caller gets. */
  follow(promise: PromiseLike<T>): this {
    promise.then(
      (value) => this.answer(value),
      (error: unknown) => this.refuse(error instanceof Error ? error : new Error(String(error))),
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

/** Of any library. What cannot be looked at is none: it is the answer, and fails whoever looks at it. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  try {
    return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  } catch {
    return false
  }
}

/** Whether something is still to come, by a promise or from whoever lives by callbacks. */
export function isToCome<T>(value: T | PromiseLike<T> | Later<T>): value is PromiseLike<T> | Later<T> {
  return value instanceof Later || isPromise(value)
}

/** Calls back once. What comes by a {@link Later} calls back when it is answered, and not behind a promise. */
export function whenSettled<T>(
  coming: PromiseLike<T> | Later<T>,
  answered: (value: T) => void,
  failed: (error: unknown) => void,
): void {
  if (coming instanceof Later) {
    coming.attach({ settled: false, keptBy: null, begin: () => true, answer: (value) => answered(value as T), refuse: failed })
  } else {
    coming.then(answered, failed)
  }
}
