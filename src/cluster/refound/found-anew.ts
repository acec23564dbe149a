/**
 * A new cluster from the state of another one: a data directory with a key that nobody has seen, an empty log, and one snapshot, in which the state
 * belongs to the new cluster and its only voter. A node that starts on it installs the snapshot, as one that was cut off in the middle of that
 * would, and leads.
 *
 * Rows, sessions of clients and the version of the cluster stay. The revision makes a jump, and the index of the log the same, so that none that
 * the former cluster gave out after this state ever means something else; replicated time stands where it stood. A row of the state says where it
 * comes from (ADR 23).
 */
import { join } from 'node:path'
import { isMetaRow, RefoundedState, SPACES } from '../../commands/index.ts'
import type { ClusterOrigin, Row } from '../../commands/index.ts'
import { REVISION_JUMP } from '../../limits.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { auditSnapshotFile, createDirectory, NodeDisk, openSegmentedLog, rewriteSnapshot } from '../../storage/index.ts'
import { FoundingError, IDENTITY_FILE, loadOrCreateIdentityFile, LOG_CREATED, NODE_ID } from '../identity/index.ts'

export interface Founder {
  readonly nodeId: number
  readonly clusterId: string
  readonly how: ClusterOrigin['how']
  /** Milliseconds since 1970. */
  readonly foundedAt: number
}

/** What was made. */
export interface Founded {
  /** The key of the founder. */
  readonly endpointId: string
  /** The snapshot that the state was taken from, as it was found. */
  readonly source: StoredSnapshot
}

/**
 * Makes the data directory `folder`, which must not exist, from the snapshot in the file `from`, which is read from end to end first. Durable before
 * the call returns; it blocks.
 * @throws StateError when the snapshot is damaged or of a later program; FoundingError; the error of the file system
 */
export function foundAnew(folder: string, from: string, founder: Founder): Founded {
  const { nodeId, clusterId, how, foundedAt } = founder
  const { source, meta, origin } = readFacts(from)
  const state = new RefoundedState(meta, origin, { how, clusterId: source.clusterId, nodeId, foundedAt, last: source.last })
  const { added, growth } = state
  createDirectory(folder)
  const { identity, logStoreId } = loadOrCreateIdentityFile(join(folder, IDENTITY_FILE), {
    [LOG_CREATED]: true,
    [NODE_ID]: nodeId,
  })
  const { endpointId } = identity
  const index = source.last.index + REVISION_JUMP
  const snapshots = join(folder, 'snapshots')
  const rewritten = rewriteSnapshot(from, snapshots, {
    header: (header) => ({
      ...header,
      clusterId,
      last: { term: source.last.term + 1, index },
      membershipIndex: index,
      membership: { voters: [nodeId], outgoing: [], learners: [], members: [{ id: nodeId, endpointId, addresses: [] }] },
      systemRows: header.systemRows + growth.rows,
      systemBytes: header.systemBytes + growth.bytes,
    }),
    row: (space, row) => state.row(space, row),
    added: added === undefined ? [] : [{ space: SPACES.origin, row: added }],
  })
  const { made } = rewritten
  const isSame = rewritten.source.id === source.id && auditSnapshotFile(join(snapshots, made.id), {}).id === made.id
  if (!isSame)
    throw new FoundingError(`what is in ${from} or ${folder} does not read back as it was: the disk fails. Nothing was changed`)
  // Last: a key whose log is gone is refused.
  openSegmentedLog(new NodeDisk(join(folder, 'log')), { storeId: logStoreId }).close(() => undefined)
  return { endpointId, source }
}

interface Facts {
  readonly source: StoredSnapshot
  readonly meta: Row
  readonly origin: Row | undefined
}

/** @throws StateError, FoundingError when it holds no state */
function readFacts(from: string): Facts {
  let meta: Row | undefined
  let origin: Row | undefined
  const source = auditSnapshotFile(from, {
    row: (space, row) => {
      if (isMetaRow(space, row)) meta = copyOf(row)
      else if (space === SPACES.origin) origin = copyOf(row)
    },
  })
  if (meta === undefined) throw new FoundingError(`${from} holds no state. Nothing was changed`)
  return { source, meta, origin }
}

/** What is read is a view of the bytes that it was read from. */
function copyOf(row: Row): Row {
  return { ...row, key: Uint8Array.from(row.key), value: Uint8Array.from(row.value) }
}
