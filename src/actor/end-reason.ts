import { unreachable } from '../lib/index.ts'

/** Why a life of an actor ended. */
export type EndReason =
  /** Somebody stopped it, or it itself, or its supervisor did with others. */
  | { readonly type: 'stopped' }
  /** A handler, or its start, threw or rejected. */
  | { readonly type: 'crashed'; readonly error: Error }
  /** It did not stop in time: what it was doing goes on unheard, if it does. */
  | { readonly type: 'killed' }

export const STOPPED: EndReason = { type: 'stopped' }
export const KILLED: EndReason = { type: 'killed' }

export function crashed(thrown: unknown): Extract<EndReason, { type: 'crashed' }> {
  return { type: 'crashed', error: toError(thrown) }
}

/** Whatever was thrown, as an error whose words can be read, again and again: a program throws anything, also what fails whoever looks at it. */
export function toError(thrown: unknown): Error {
  try {
    if (isPlainError(thrown)) return thrown
    const words = Error.isError(thrown) ? thrown.message : thrown
    return new Error(String(words), { cause: thrown })
  } catch {
    return new Error('something was thrown that cannot be read', { cause: thrown })
  }
}

/** How the engine itself makes the words of a stack. */
const NATIVE_STACK = Object.getOwnPropertyDescriptor(new Error('for its stack'), 'stack')

/** Its words are there, and not made by a program when somebody reads them. No proxy is one. */
function isPlainError(thrown: unknown): thrown is Error {
  if (!Error.isError(thrown)) return false
  const stack = find(thrown, 'stack')
  return typeof find(thrown, 'message')?.value === 'string' && (stack?.get === undefined || stack.get === NATIVE_STACK?.get)
}

/** Its own, or of what it is made after. */
function find(object: object, name: string): PropertyDescriptor | undefined {
  for (let holder: object | null = object; holder !== null; holder = Object.getPrototypeOf(holder) as object | null) {
    const found = Object.getOwnPropertyDescriptor(holder, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** For people. */
export function sayReason(reason: EndReason): string {
  switch (reason.type) {
    case 'stopped':
      return 'it was stopped'
    case 'crashed':
      return `it crashed: ${reason.error.message}`
    case 'killed':
      return 'it did not stop in time and was killed'
    default:
      return unreachable(reason)
  }
}
