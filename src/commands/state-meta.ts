/** The facts about the state that commands change besides rows; one row in the space `meta`, of a fixed size. */
import { ByteReader, ByteWriter, utf8Encode } from '../lib/index.ts'
import { SPACES, systemRow } from './ordered-store.ts'
import type { OrderedStore } from './ordered-store.ts'
import { CLUSTER_VERSION_1, FIRST_REVISION } from './semantics.ts'

export interface StateMeta {
  /** Of the last change of a key of a user. */
  readonly revision: number
  /** Milliseconds that leaders have measured, in all. */
  readonly timeMs: number
  /** What members have agreed to apply: a command of a later version is not proposed. */
  readonly clusterVersion: number
}

const KEY = utf8Encode('state')

export const NEW_STATE: StateMeta = { revision: FIRST_REVISION, timeMs: 0, clusterVersion: CLUSTER_VERSION_1 }

/** Undefined in a store that never held a state. */
export function loadMeta(store: OrderedStore): StateMeta | undefined {
  const row = store.get(SPACES.meta, KEY)
  if (row === undefined) return undefined
  const reader = new ByteReader(row.value, 'facts about the state')
  const meta = { revision: reader.f64(), timeMs: reader.f64(), clusterVersion: reader.u32() }
  reader.expectEnd()
  return meta
}

export function saveMeta(store: OrderedStore, { revision, timeMs, clusterVersion }: StateMeta): void {
  const writer = new ByteWriter()
  writer.f64(revision)
  writer.f64(timeMs)
  writer.u32(clusterVersion)
  store.put(SPACES.meta, systemRow(KEY, writer.finish()))
}
