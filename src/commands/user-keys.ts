/** The keys of users as one command after the other changes them: here revisions and versions are counted. */
import type { KeyValue } from '../api/index.ts'
import type { Change } from './change.ts'
import type { Keys } from './definition.ts'
import { SPACES } from './ordered-store.ts'
import type { RowStore, RowHead } from './ordered-store.ts'

export class UserKeys implements Keys {
  readonly #store: RowStore
  #changes: Change[] = []
  #revision = 0
  #position = 0

  constructor(store: RowStore) {
    this.#store = store
  }

  /** What is written from now on has this revision; what changes is added to `changes`. */
  begin(revision: number, changes: Change[]): void {
    this.#revision = revision
    this.#changes = changes
    this.#position = 0
  }

  /** Whether anything was changed since `begin`. */
  get changed(): boolean {
    return this.#position > 0
  }

  head(key: Uint8Array): RowHead | undefined {
    return this.#store.head(SPACES.user, key)
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#store.get(SPACES.user, key)
  }

  set(key: Uint8Array, value: Uint8Array): void {
    const before = this.head(key)
    const revision = this.#revision
    const after: KeyValue = {
      key,
      value,
      createRevision: before === undefined ? revision : before.createRevision,
      modRevision: revision,
      version: before === undefined ? 1 : before.version + 1,
    }
    this.#store.put(SPACES.user, after)
    this.#changes.push({ revision, position: this.#position++, key, before, after })
  }

  delete(key: Uint8Array): boolean {
    const before = this.head(key)
    if (before === undefined) return false
    this.#store.delete(SPACES.user, key)
    this.#changes.push({ revision: this.#revision, position: this.#position++, key, before, after: undefined })
    return true
  }
}
