import type { KeyValue } from '../../api/index.ts'
import type { LogId, Membership } from '../../raft/index.ts'
import { ClientSessions } from './client-sessions.ts'
import type { ClientSession } from './client-sessions.ts'
import { MemoryKeyTable } from './memory-key-table.ts'
import type { SnapshotSink } from './snapshot-decoder.ts'
import type { SnapshotHeader } from './snapshot-format.ts'

/** Everything that is replaced by a restore. */
export interface MemoryState {
  readonly keys: MemoryKeyTable
  readonly sessions: ClientSessions
  readonly applied: LogId
  readonly membership: Membership | null
  readonly membershipIndex: number
}

/** Builds a state beside the one in use. Everything is copied: what a decoder hands over are views of whole chunks. */
export class StateBuilder implements SnapshotSink {
  readonly #keys = new MemoryKeyTable()
  readonly #sessions: ClientSession[] = []
  #header: SnapshotHeader | undefined

  header(header: SnapshotHeader): void {
    this.#header = header
  }

  row(row: KeyValue): void {
    this.#keys.put({ ...row, key: new Uint8Array(row.key), value: new Uint8Array(row.value) })
  }

  session(session: ClientSession): void {
    this.#sessions.push({ ...session, result: new Uint8Array(session.result) })
  }

  /** The state; an empty one when nothing was read. */
  build(): MemoryState {
    return {
      keys: this.#keys,
      sessions: new ClientSessions(this.#sessions),
      applied: this.#header?.last ?? { term: 0, index: 0 },
      membership: this.#header?.membership ?? null,
      membershipIndex: this.#header?.membershipIndex ?? 0,
    }
  }
}
