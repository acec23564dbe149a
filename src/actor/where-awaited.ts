import { ActorError } from './actor-error.ts'

/**
 * Settles a promise with an error whose stack says who awaits it, as far as that is done with `await`: of the runtime's own errors nobody wants to
 * know where in the runtime they were made. The engine knows it when something is rejected that the promise has been resolved with; so it costs
 * those who fail, and nobody who is answered. Errors of a program keep their stack.
 */
export function rejectWhereAwaited(
  failure: Error,
  settle: { readonly resolve: (value: PromiseLike<never>) => void; readonly reject: (error: Error) => void },
): void {
  if (!ActorError.is(failure)) return settle.reject(failure)
  const turn = Promise.withResolvers<void>()
  const rejected = turn.promise.then(function throwIt(): never {
    try {
      Error.captureStackTrace(failure, throwIt)
    } catch {
      // A program may have frozen it.
    }
    throw failure
  })
  // In this order: when it is thrown, who awaits is known.
  settle.resolve(rejected)
  turn.resolve()
}
