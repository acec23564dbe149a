/** The state of a node over plain memory, without the log that feeds it: each command is an entry of its own. */
import type { KeyValue, ScanRange } from '../api/index.ts'
import { AspenError } from '../api/index.ts'
import type { WriteLogId, WriteResult } from '../api/index.ts'
import { checkFound, Quota, readEnvelope, ReplicatedState, SPACES } from '../commands/index.ts'
import type { RowHead, Rows } from '../commands/index.ts'
import { MemoryStore } from '../storage/index.ts'

export class InMemoryState {
  readonly #store = new MemoryStore()
  readonly #replicated = new ReplicatedState(this.#store)
  readonly #quota = new Quota(this)

  /** @throws AspenError as a node refuses it before it takes a place in the log */
  check(envelope: Uint8Array): void {
    this.#quota.check(readEnvelope(envelope).command)
  }

  /** @throws AspenError where a node answers with one */
  apply(envelope: Uint8Array, logId: WriteLogId): WriteResult {
    const applied = this.#replicated.apply(readEnvelope(envelope), logId, [])
    const error = applied instanceof AspenError ? applied : checkFound(applied)
    if (error !== undefined) throw error
    return applied as WriteResult
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#store.get(SPACES.user, key)
  }

  head(key: Uint8Array): RowHead | undefined {
    return this.#store.head(SPACES.user, key)
  }

  scan(range: ScanRange, limit: number, maxBytes: number): Rows {
    return this.#store.range(SPACES.user, range, limit, maxBytes)
  }

  get revision(): number {
    return this.#replicated.meta.revision
  }

  /** What the quota looks at; nothing waits here to be applied. */
  info(): ReturnType<ConstructorParameters<typeof Quota>[0]['info']> {
    const { user, system } = this.#store
    const applied = { index: 0 }
    return { applied, keys: user.rows, bytes: user.bytes, systemRows: system.rows, systemBytes: system.bytes }
  }
}
