/**
 * Where a cluster comes from that was founded anew, from the state of another one: a row of the state, so that every member can say so to
 * whoever still belongs to that other one.
 */
import { ByteReader, ByteWriter, utf8Encode } from '../lib/index.ts'
import { SPACES, systemRow } from './ordered-store.ts'
import type { Row, RowReader } from './ordered-store.ts'

/** The cluster that was. */
export interface ClusterOrigin {
  /** From what a node of it still had, or from a backup. */
  readonly how: 'recover' | 'restore'
  readonly clusterId: string
  /** The node that founded the cluster anew. */
  readonly nodeId: number
  /** When, in milliseconds since 1970, by the wall clock of that node: for people. */
  readonly foundedAt: number
  /** The last entry of it that is in the state. */
  readonly last: { readonly term: number; readonly index: number }
  /** Its last revision in the state. */
  readonly revision: number
}

const MAX_ID_SIZE = 64
const HOW = ['recover', 'restore'] as const
const KEY = utf8Encode('origin')

export function originRow(origin: ClusterOrigin): Row {
  const writer = new ByteWriter()
  writer.u8(HOW.indexOf(origin.how))
  writer.string(origin.clusterId, 0, MAX_ID_SIZE, 'cluster id')
  writer.varint(origin.nodeId)
  writer.f64(origin.foundedAt)
  writer.varint(origin.last.term)
  writer.varint(origin.last.index)
  writer.f64(origin.revision)
  return systemRow(KEY, writer.finish())
}

/** What a later program has added is skipped. @throws WireError */
export function decodeOrigin(bytes: Uint8Array): ClusterOrigin {
  const reader = new ByteReader(bytes, 'origin of the cluster')
  const how = HOW[reader.byteBelow(HOW.length, 'way')] as ClusterOrigin['how']
  const clusterId = reader.string(0, MAX_ID_SIZE, 'cluster id')
  const nodeId = reader.varint()
  const foundedAt = reader.f64()
  const last = { term: reader.varint(), index: reader.varint() }
  return { how, clusterId, nodeId, foundedAt, last, revision: reader.f64() }
}

/** Undefined where the cluster was founded with nothing. @throws WireError */
export function loadOrigin(store: RowReader): ClusterOrigin | undefined {
  const row = store.get(SPACES.origin, KEY)
  return row && decodeOrigin(row.value)
}
