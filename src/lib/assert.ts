/** Thrown when an invariant does not hold: a bug or corrupt state, never a condition of normal operation. */
export class AssertionError extends Error {
  override readonly name: string = 'AssertionError'
}

/**
 * Throws {@link AssertionError} with `message` unless `condition` holds. Assertions stay on in production: a message that has
 * to be put together is paid for at every call, so such an assertion is written `if (!condition) fail(message)`.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Throws {@link AssertionError}: an invariant was found not to hold. */
export function fail(message: string): never {
  throw new AssertionError(message)
}

/** The type checker proves this unreachable; at run time it names the value that got here. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
