/** Errors as data, where they go from one thread to another. */
import { ActorError, Refusal } from './actor-error.ts'
import type { ActorErrorCode } from './actor-error.ts'
import { decodePlainData, encodePlainData } from './plain-data/index.ts'

/** Errors that have caused each other. */
const MAX_CAUSES = 8

export interface ErrorData {
  /** What it has to be an instance of on the other side. */
  readonly kind: 'error' | 'refusal' | 'actor-error'
  readonly name: string
  readonly message: string
  readonly stack: string | null
  /** Its own members that are plain data, such as a code. */
  readonly members: Readonly<Record<string, unknown>>
  readonly cause: ErrorData | null
}

/** Of whatever was thrown. Never throws. */
export function errorToData(thrown: unknown, causes: number = MAX_CAUSES): ErrorData {
  try {
    if (!Error.isError(thrown)) return errorToData(new Error(String(thrown)))
    // They may be of any type, whatever errors say that they are.
    const { name, message, stack, cause } = thrown as unknown as Readonly<Record<'name' | 'message' | 'stack' | 'cause', unknown>>
    return {
      kind: Refusal.is(thrown) ? 'refusal' : ActorError.is(thrown) ? 'actor-error' : 'error',
      name: String(name),
      message: String(message),
      stack: typeof stack === 'string' ? stack : null,
      members: membersOf(thrown),
      cause: cause === undefined || causes === 0 ? null : errorToData(cause, causes - 1),
    }
  } catch {
    const message = 'something was thrown that cannot be looked at'
    return { kind: 'error', name: 'Error', message, stack: null, members: {}, cause: null }
  }
}

function membersOf(error: Error): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(error)) {
    if (key === 'name' || key === 'cause' || key === '__proto__') continue
    try {
      members[key] = decodePlainData(encodePlainData(value))
    } catch {
      // It stays where it is: the error goes without it.
    }
  }
  return members
}

/** An error that says the same, with the stack that the first one had. */
export function errorFromData({ kind, name, message, stack, members, cause }: ErrorData): Error {
  const error = bareError(kind, message, members)
  Object.assign(error, members)
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  Object.defineProperty(error, 'stack', { value: stack ?? `${name}: ${message}`, configurable: true, writable: true })
  if (cause !== null) Object.defineProperty(error, 'cause', { value: errorFromData(cause), configurable: true, writable: true })
  return error
}

function bareError(kind: ErrorData['kind'], message: string, { code, begun }: ErrorData['members']): Error {
  if (kind === 'refusal') return new Refusal(message)
  if (kind === 'actor-error') return new ActorError(code as ActorErrorCode, message, { begun: begun === true })
  return new Error(message)
}
