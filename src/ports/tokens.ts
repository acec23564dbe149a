import type { Scope } from '../api/index.ts'

/** Whose token it is, and what it allows. */
export interface TokenHolder {
  /** For people: it stands in the audit. */
  readonly name: string
  readonly scope: Scope
}

/** The tokens that are valid now. */
export interface Tokens {
  /** Whose token this is; undefined for one that nobody has. It takes the same time for all of a length. */
  find(token: string): TokenHolder | undefined
}
