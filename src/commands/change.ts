/** What commands have changed, for whoever follows the state. */
import type { KeyValue } from '../api/index.ts'
import type { RowHead } from './ordered-store.ts'

/** One change of one key of a user; changes are ordered by revision, and inside a command by position. */
export interface Change {
  readonly revision: number
  /** From 0. */
  readonly position: number
  readonly key: Uint8Array
  /** What stood there, without its value; undefined when the key was created. */
  readonly before: RowHead | undefined
  /** What stands there now; undefined when the key was removed. Its bytes are views of the entry: copy what is kept. */
  readonly after: KeyValue | undefined
}
