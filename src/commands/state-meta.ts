/** The facts about the state that commands change besides rows; one row in the space `meta`, of a fixed size, which has no part in the sum. */
import { ByteReader, ByteWriter, equalBytes, utf8Encode } from '../lib/index.ts'
import { SPACES, systemRow } from './ordered-store.ts'
import type { OrderedStore, Row, RowReader, Space } from './ordered-store.ts'
import { rowHash } from './row-hash.ts'
import { CLUSTER_VERSION_1, FIRST_REVISION } from './semantics.ts'

export interface StateMeta {
  /** Of the last change of a key of a user. */
  readonly revision: number
  /** Milliseconds that leaders have measured, in all. */
  readonly timeMs: number
  /** What members have agreed to apply: a command of a later version is not proposed. */
  readonly clusterVersion: number
}

/** What is kept of them. */
export interface SavedMeta extends StateMeta {
  /** The sum of the hashes of all other rows. */
  readonly rowsSum: number
}

const KEY = utf8Encode('state')

export const NEW_STATE: StateMeta = { revision: FIRST_REVISION, timeMs: 0, clusterVersion: CLUSTER_VERSION_1 }

/** Undefined in a store that never held a state. */
export function loadMeta(store: RowReader): SavedMeta | undefined {
  const row = store.get(SPACES.meta, KEY)
  return row && decodeMeta(row.value)
}

export function saveMeta(store: OrderedStore, saved: SavedMeta): void {
  const row = metaRow(saved)
  store.put(SPACES.meta, row, rowHash(SPACES.meta, row))
}

export function metaRow({ rowsSum, ...meta }: SavedMeta): Row {
  return systemRow(
    KEY,
    encodeMeta(meta, (writer) => writer.f64(rowsSum)),
  )
}

/** Whether this is the row of the facts. */
export function isMetaRow(space: Space, { key }: Row): boolean {
  return space === SPACES.meta && equalBytes(key, KEY)
}

/** What the row of the facts says; undefined for any other row. */
export function loadFacts(space: Space, row: Row): StateMeta | undefined {
  if (!isMetaRow(space, row)) return undefined
  const { revision, timeMs, clusterVersion } = decodeMeta(row.value)
  return { revision, timeMs, clusterVersion }
}

/** Of the facts, as a row that holds nothing else. */
export function metaHash(meta: StateMeta): number {
  return rowHash(SPACES.meta, systemRow(KEY, encodeMeta(meta)))
}

function encodeMeta({ revision, timeMs, clusterVersion }: StateMeta, more?: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  writer.f64(revision)
  writer.f64(timeMs)
  writer.u32(clusterVersion)
  more?.(writer)
  return writer.finish()
}

/** @throws WireError */
export function decodeMeta(bytes: Uint8Array): SavedMeta {
  const reader = new ByteReader(bytes, 'facts about the state')
  const meta = { revision: reader.f64(), timeMs: reader.f64(), clusterVersion: reader.u32(), rowsSum: reader.f64() }
  reader.expectEnd()
  return meta
}
