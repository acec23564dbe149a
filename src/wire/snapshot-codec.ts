import type { StoredSnapshot } from '../ports/index.ts'
import type { SnapshotMeta } from '../raft/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import { isLogId, readLogId, writeLogId } from './log-id-codec.ts'
import { readMembership, writeMembership } from './membership-codec.ts'
import { MAX_CLUSTER_ID_SIZE, MAX_SNAPSHOT_ID_SIZE } from './wire-limits.ts'
import { WireError } from '../lib/index.ts'

/** Receivers name a file after a snapshot's id: it must not lead out of their folder. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

export function writeSnapshotMeta(writer: ByteWriter, meta: SnapshotMeta): void {
  const problem = metaProblem(meta)
  if (problem !== undefined) throw new WireError(problem)
  writeLogId(writer, meta.last)
  writer.varint(meta.membershipIndex)
  writeMembership(writer, meta.membership)
}

export function readSnapshotMeta(reader: ByteReader): SnapshotMeta {
  const last = readLogId(reader)
  const membershipIndex = reader.varint()
  const meta = { last, membership: readMembership(reader), membershipIndex }
  const problem = metaProblem(meta)
  if (problem !== undefined) reader.fail(problem)
  return meta
}

function metaProblem({ last, membershipIndex }: SnapshotMeta): string | undefined {
  if (!(last.index >= 1 && isLogId(last))) return `a snapshot at term ${last.term}, index ${last.index} holds nothing`
  if (membershipIndex > last.index)
    return `the snapshot's membership is of index ${membershipIndex}, after its last, ${last.index}`
  return undefined
}

export function writeStoredSnapshot(writer: ByteWriter, snapshot: StoredSnapshot): void {
  writeSnapshotMeta(writer, snapshot)
  writeSnapshotId(writer, snapshot.id)
  writer.string(snapshot.clusterId, 1, MAX_CLUSTER_ID_SIZE, 'cluster id')
  writer.varint(snapshot.clusterVersion)
  writer.varint(snapshot.sizeBytes)
  writer.hex32(snapshot.digest, 'digest of a snapshot')
}

export function readStoredSnapshot(reader: ByteReader): StoredSnapshot {
  const meta = readSnapshotMeta(reader)
  const id = readSnapshotId(reader)
  const clusterId = reader.string(1, MAX_CLUSTER_ID_SIZE, 'cluster id')
  const clusterVersion = reader.varint()
  return { ...meta, id, clusterId, clusterVersion, sizeBytes: reader.varint(), digest: reader.hex32() }
}

export function writeSnapshotId(writer: ByteWriter, id: string): void {
  if (!SAFE_ID.test(id))
    throw new WireError(`${JSON.stringify(id)} is no snapshot id: letters, digits, '.', '_' and '-' are allowed`)
  writer.string(id, 1, MAX_SNAPSHOT_ID_SIZE, 'snapshot id')
}

export function readSnapshotId(reader: ByteReader): string {
  const id = reader.string(1, MAX_SNAPSHOT_ID_SIZE, 'snapshot id')
  if (!SAFE_ID.test(id)) reader.fail(`${JSON.stringify(id)} is no snapshot id`)
  return id
}
