import type { KeyValue } from '../../api/index.ts'
import { ReplicatedState, RowsAudit } from '../../commands/index.ts'
import type { Language, Space } from '../../commands/index.ts'
import type { LogId, Membership } from '../../raft/index.ts'
import { MemoryStore } from './memory-store.ts'
import type { SnapshotHeader, SnapshotSink } from '../snapshots/index.ts'

/** Everything that is replaced by a restore. */
export interface MemoryState {
  readonly store: MemoryStore
  readonly replicated: ReplicatedState
  readonly applied: LogId
  readonly membership: Membership | null
  readonly membershipIndex: number
}

/** Builds a state beside the one in use. */
export class StateBuilder implements SnapshotSink {
  readonly #store = new MemoryStore()
  readonly #audit = new RowsAudit()
  #header: SnapshotHeader | undefined

  header(header: SnapshotHeader): void {
    this.#header = header
  }

  row(space: Space, row: KeyValue): void {
    this.#store.put(space, row, this.#audit.add(space, row))
  }

  /** What is wrong with the rows that were read, or undefined. */
  get problem(): string | undefined {
    return this.#audit.problem
  }

  /** The state; an empty one when nothing was read. */
  build(language: Language): MemoryState {
    return {
      store: this.#store,
      replicated: new ReplicatedState(this.#store, language),
      applied: this.#header?.last ?? { term: 0, index: 0 },
      membership: this.#header?.membership ?? null,
      membershipIndex: this.#header?.membershipIndex ?? 0,
    }
  }
}
