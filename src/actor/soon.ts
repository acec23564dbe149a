/**
 * What a promise is, for those who live by callbacks: it calls back when it is settled, and not behind a queue of others. So a simulator that takes
 * its events one by one has all of an event's effects when the event is over.
 */
export class Soon<T> implements PromiseLike<T> {
  #waiting: ((tell: Tell<T>) => void)[] = []
  #tell: Tell<T> | null = null

  static is<T>(promise: PromiseLike<T>): promise is Soon<T> {
    return #tell in promise
  }

  answer(value: T): void {
    this.#settle({ answered: true, value })
  }

  refuse(error: unknown): void {
    this.#settle({ answered: false, error })
  }

  then<A = T, B = never>(
    answered?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    const next = new Soon<A | B>()
    this.#when((tell) => {
      try {
        if (tell.answered) next.answer(typeof answered === 'function' ? (answered(tell.value) as A) : (tell.value as never))
        else if (typeof failed === 'function') next.answer(failed(tell.error) as B)
        else next.refuse(tell.error)
      } catch (error) {
        next.refuse(error)
      }
    })
    return next
  }

  #when(run: (tell: Tell<T>) => void): void {
    if (this.#tell === null) this.#waiting.push(run)
    else run(this.#tell)
  }

  #settle(tell: Tell<T>): void {
    if (this.#tell !== null) return
    this.#tell = tell
    const waiting = this.#waiting
    this.#waiting = []
    for (const run of waiting) run(tell)
  }
}

type Tell<T> = { readonly answered: true; readonly value: T } | { readonly answered: false; readonly error: unknown }

/** Also one that can be called. */
export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Of any library. What cannot be looked at is none: it is the answer, and fails whoever looks at it. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  try {
    return isObject(value) && typeof (value as { then?: unknown }).then === 'function'
  } catch {
    return false
  }
}

/** Calls back once, whatever the promise of a library does, which may call back twice, or throw; at once, if it is one that does. */
export function whenSettled<T>(promise: PromiseLike<T>, onValue: (value: T) => void, onError: (error: unknown) => void): void {
  if (Soon.is(promise)) return void promise.then(onValue, onError)
  let isSettled = false
  const once =
    <V>(tell: (value: V) => void) =>
    (value: V): void => {
      if (isSettled) return
      isSettled = true
      tell(value)
    }
  try {
    // A promise of a program may have a `then` of its own.
    Promise.resolve(promise).then(once(onValue), once(onError))
  } catch (error) {
    once(onError)(error)
  }
}
