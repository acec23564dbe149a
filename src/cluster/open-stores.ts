/** What a node keeps: identity, log, state and snapshots, durable or in memory. */
import { join } from 'node:path'
import type { LogStore, SnapshotStore, StateMachine } from '../ports/index.ts'
import { addIdentityFields, generateIdentity, IDENTITY_FILE, loadOrCreateIdentityFile } from '../net/index.ts'
import type { IdentityFile, NodeIdentity } from '../net/index.ts'
import {
  DataDirectoryLock,
  hasLog,
  MemoryDisk,
  MemoryLog,
  NodeDisk,
  openMemoryStateMachine,
  openSegmentedLog,
  openSnapshotFiles,
  openSqliteStateMachine,
} from '../storage/index.ts'

/** In the identity file: its log has existed, and under which id the node has spoken. */
const LOG_CREATED = 'logCreated'
const NODE_ID = 'nodeId'

export interface Stores {
  readonly identity: NodeIdentity
  readonly log: LogStore
  readonly stateMachine: StateMachine
  readonly snapshots: SnapshotStore
  /** The file of the peer book, or null to keep it in memory. */
  readonly peerBookFile: string | null
  /** Things a person should know about what was found. */
  readonly warnings: readonly string[]
  /** Frees the data directory, when log and state are closed. */
  readonly release: () => void
}

/** Everything in memory, the key included: when the process ends, this node is gone for good. */
export function openMemoryStores(): Stores {
  const defer = (run: () => void): void => void setImmediate(run)
  const snapshots = openSnapshotFiles(new MemoryDisk(defer), { defer })
  return {
    identity: generateIdentity(),
    log: new MemoryLog(defer),
    stateMachine: openMemoryStateMachine({ snapshots, volatile: true, defer }),
    snapshots,
    peerBookFile: null,
    warnings: [],
    release: () => undefined,
  }
}

/**
 * Opens the data directory, creating what a new node needs.
 * @throws Error when another process holds it, when key and log do not belong together, or when something is damaged
 */
export function openDurableStores(dataDir: string, nodeId: number): Stores {
  const lock = new DataDirectoryLock(dataDir)
  try {
    return openLocked(lock.directory, nodeId, () => lock.release())
  } catch (error) {
    lock.release()
    throw error
  }
}

function openFolder(path: string): NodeDisk {
  return new NodeDisk(path)
}

/** A key has one id: a node that comes back under another would be two members with one memory. */
function checkNodeId(directory: string, { fields }: IdentityFile, nodeId: number): void {
  const known = fields[NODE_ID]
  if (typeof known !== 'number' || known === nodeId) return
  throw new Error(
    `the data directory ${directory} is that of node ${known}, not of node ${nodeId}: ` +
      `start it with --node-id ${known}, or give node ${nodeId} its own --data-dir`,
  )
}

/**
 * Key and log belong together. A key whose log is gone has forgotten its votes, a log without its key has no name:
 * either would let a node that is not the old one speak for it.
 */
function openLog(directory: string, identityPath: string, identityFile: IdentityFile, nodeId: number): LogStore {
  const disk = openFolder(join(directory, 'log'))
  const present = hasLog(disk)
  const expected = identityFile.fields[LOG_CREATED] === true
  if (identityFile.created && present) {
    throw new Error(
      `the data directory ${directory} holds a log but no identity: a log without its key must not vote. ` +
        `Restore ${IDENTITY_FILE} from a backup, or start with an empty data directory`,
    )
  }
  if (expected && !present) {
    throw new Error(
      `the data directory ${directory} holds an identity but its log is gone: a voter returns with its memory or not at all. ` +
        `Restore the folder log from a backup, or remove this member from the cluster and start with an empty data directory`,
    )
  }
  const log = openSegmentedLog(disk, { storeId: identityFile.logStoreId })
  if (!expected) addIdentityFields(identityPath, { [LOG_CREATED]: true, [NODE_ID]: nodeId })
  return log
}

function openLocked(directory: string, nodeId: number, release: () => void): Stores {
  const identityPath = join(directory, IDENTITY_FILE)
  const identityFile = loadOrCreateIdentityFile(identityPath)
  checkNodeId(directory, identityFile, nodeId)
  const log = openLog(directory, identityPath, identityFile, nodeId)
  const snapshotDirectory = join(directory, 'snapshots')
  const snapshots = openSnapshotFiles(openFolder(snapshotDirectory), { directory: snapshotDirectory })
  return {
    identity: identityFile.identity,
    log,
    stateMachine: openSqliteStateMachine({ directory: join(directory, 'state'), snapshots }),
    snapshots,
    peerBookFile: join(directory, 'peers.json'),
    warnings: identityFile.exposed ? [`${identityPath} can be read by others: chmod 600 it`] : [],
    release,
  }
}
