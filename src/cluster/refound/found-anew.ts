/**
 * A new cluster from the state of another one: a data directory with a key that nobody has seen, an empty log, and one snapshot, in which the state
 * belongs to the new cluster and its only voter. A node that starts on it installs the snapshot, as one that was cut off in the middle of that
 * would, and leads.
 *
 * Rows, sessions of clients and the version of the cluster stay. The revision makes a jump, so that none that the former cluster gave out after
 * this state ever means something else; replicated time stands where it stood.
 */
import { join } from 'node:path'
import { withRevisionJump } from '../../commands/index.ts'
import { REVISION_JUMP } from '../../limits.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { createDirectory, NodeDisk, openSegmentedLog, rewriteSnapshot } from '../../storage/index.ts'
import { IDENTITY_FILE, loadOrCreateIdentityFile, LOG_CREATED, NODE_ID } from '../identity/index.ts'

export interface Founder {
  readonly nodeId: number
  readonly clusterId: string
}

/** What was made. */
export interface Founded {
  /** The key of the founder. */
  readonly endpointId: string
  /** The snapshot that the state was taken from, as it was found. */
  readonly source: StoredSnapshot
}

/**
 * Makes the data directory `folder`, which must not exist, from the snapshot in the file `from`. Durable before the call returns; it blocks.
 * @throws StateError when the snapshot is damaged or of a later program; the error of the file system
 */
export function foundAnew(folder: string, from: string, { nodeId, clusterId }: Founder): Founded {
  createDirectory(folder)
  const { identity, logStoreId } = loadOrCreateIdentityFile(join(folder, IDENTITY_FILE), {
    [LOG_CREATED]: true,
    [NODE_ID]: nodeId,
  })
  const { endpointId } = identity
  const { source } = rewriteSnapshot(from, join(folder, 'snapshots'), {
    header: (header) => ({
      ...header,
      clusterId,
      membershipIndex: header.last.index,
      membership: { voters: [nodeId], outgoing: [], learners: [], members: [{ id: nodeId, endpointId, addresses: [] }] },
    }),
    row: (space, row) => withRevisionJump(space, row, REVISION_JUMP),
  })
  // Last: a key whose log is gone is refused.
  openSegmentedLog(new NodeDisk(join(folder, 'log')), { storeId: logStoreId }).close(() => undefined)
  return { endpointId, source }
}
