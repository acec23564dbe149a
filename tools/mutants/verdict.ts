/** What a hunter says of one failure, and what it says in the end. */

export interface Caught {
  readonly kind: 'caught'
  /** The seed, or the name of the test. */
  readonly by: string
  /** The promise that was broken. */
  readonly property: string
  readonly message: string
}

export interface Missed {
  readonly kind: 'missed'
  /** How far it looked. */
  readonly looked: string
}

/** The failure says nothing of a promise: the code does not load or does not run. */
export interface Broken {
  readonly kind: 'broken'
  readonly message: string
}

export type Verdict = Caught | Missed | Broken

/** What the language throws at code that makes no sense, as against what code throws that looked at itself. */
const NONSENSE = new Set(['TypeError', 'ReferenceError', 'SyntaxError', 'RangeError', 'EvalError', 'URIError'])

/** The error that is behind all others. */
export function rootOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? rootOf(error.cause) : error
}

/** Which promise a failed run broke. The simulators throw plain errors for what did not happen in time. */
function propertyOf(error: Error): string {
  if ('property' in error && typeof error.property === 'string') return error.property
  if (error.name === 'AssertionError') return 'assertion'
  if (error.message.startsWith('stale read')) return 'linearizability'
  return error.name === 'Error' || error.name === 'LivenessViolation' ? 'liveness' : error.name
}

export function verdictOn(by: string, error: unknown): Caught | Broken {
  const root = rootOf(error)
  const [message = ''] = root.message.split('\n')
  if (NONSENSE.has(root.name)) return { kind: 'broken', message: `${root.name}: ${message}` }
  return { kind: 'caught', by, property: propertyOf(root), message }
}
