/** What one node has on its disk, read without its cluster: from a copy, so that the disk itself stays as it is. */
import { cpSync, existsSync, constants } from 'node:fs'
import { join } from 'node:path'
import { MAX_BATCH_SIZE } from '../../limits.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import type { Entry, LogId, Membership } from '../../raft/index.ts'
import { closeStores } from '../../node/index.ts'
import type { RaftStores } from '../../node/index.ts'
import { agreeStores } from '../../replica/index.ts'
import type { Recovered } from '../../replica/index.ts'
import { FoundingError, IDENTITY_FILE, NODE_FILES } from '../identity/index.ts'
import { settled } from '../settled.ts'
import { openDurableHome } from '../stores/index.ts'

/** Of entries, at a time. */
const READ_BYTES = 4 * 1024 * 1024

/** What is found. */
export interface Survivor {
  readonly clusterId: string
  readonly endpointId: string
  /** The newest configuration of its log, whether or not it is committed. */
  readonly membership: Membership
  readonly term: number
  /** The end of its log. */
  readonly last: LogId
  /** What its state had of the log: that was committed. What follows may have been, and may not. */
  readonly appliedIndex: number
  readonly keys: number
  readonly bytes: number
}

/** A survivor, and a snapshot of its state with all of its log applied. */
export interface ReadSurvivor {
  readonly survivor: Survivor
  readonly snapshot: StoredSnapshot
  /** The file of the snapshot. */
  readonly path: string
}

/**
 * Copies what is of the node from `directory` to `copy`, and reads it there, as a start would.
 * @throws FoundingError when a start would refuse it, or it belongs to no cluster; the error of the file system
 */
export async function readSurvivor(directory: string, copy: string, nodeId: number): Promise<ReadSurvivor> {
  copyNode(directory, copy)
  try {
    const home = openDurableHome(copy, nodeId)
    try {
      const stores = home.openStores()
      try {
        return await readStores(stores, copy, home.identity.endpointId)
      } finally {
        await settled((done) => closeStores(stores, done))
      }
    } finally {
      home.release()
    }
  } catch (error) {
    if (error instanceof FoundingError) throw error
    // What is said of the copy is so of the original.
    const reason = (error as Error).message.replaceAll(copy, directory)
    throw new FoundingError(`what is in ${directory} cannot be recovered from: ${reason}. Nothing was changed`, { cause: error })
  }
}

/** Blocks of a file system that can share them are shared. */
function copyNode(directory: string, copy: string): void {
  if (!existsSync(join(directory, IDENTITY_FILE))) throw new FoundingError(`${directory} holds no identity. Nothing was changed`)
  for (const name of NODE_FILES) {
    const from = join(directory, name)
    if (existsSync(from)) cpSync(from, join(copy, name), { recursive: true, mode: constants.COPYFILE_FICLONE })
  }
}

async function readStores(stores: RaftStores, copy: string, endpointId: string): Promise<ReadSurvivor> {
  const { stateMachine } = stores
  const { restored, clusterId } = await agreed(stores)
  if (clusterId === null)
    throw new FoundingError('the node belongs to no cluster: start it, and found one with POST /init. Nothing was changed')
  if (stateMachine.awaitsSnapshot)
    throw new FoundingError(
      'the state of this node was found to differ from that of others, and is not believed: recover from another survivor. Nothing was changed',
    )
  const appliedIndex = stateMachine.info().applied.index
  const last = endOf(restored)
  await applyAll(stores, last.index)
  const snapshot = await new Promise<StoredSnapshot>((resolve, reject) => {
    stateMachine.takeSnapshot(clusterId, (error, taken) => {
      if (taken === undefined) reject(error ?? new Error('there is no snapshot'))
      else resolve(taken)
    })
  })
  const { keys, bytes } = stateMachine.info()
  const { membership } = restored.memberships.at(-1) ?? snapshot
  const survivor = {
    clusterId,
    endpointId,
    membership,
    term: restored.term,
    last,
    appliedIndex,
    keys,
    bytes,
  }
  return { survivor, snapshot, path: join(copy, 'snapshots', snapshot.id) }
}

function endOf({ purged, entries }: Recovered['restored']): LogId {
  let { index, term } = purged
  for (const entry of entries) {
    index++
    ;({ term } = entry)
  }
  return { index, term }
}

function agreed(stores: RaftStores): Promise<Recovered> {
  return new Promise((resolve, reject) => {
    agreeStores(stores, (error, recovered) => {
      if (recovered === undefined) reject(error ?? new Error('log, state and snapshot do not agree'))
      else resolve(recovered)
    })
  })
}

/** Whether an entry was committed cannot be told from one disk: it may have been acknowledged, so it counts. */
async function applyAll({ log, stateMachine }: RaftStores, last: number): Promise<void> {
  for (let next = stateMachine.info().applied.index + 1; next <= last;) {
    const entries = await read(log, next, Math.min(last, next + MAX_BATCH_SIZE - 1))
    stateMachine.apply(entries)
    next += entries.length
  }
}

function read(log: RaftStores['log'], first: number, last: number): Promise<readonly Entry[]> {
  return new Promise((resolve, reject) => {
    log.read(first, last, READ_BYTES, (error, entries) => {
      if (error === undefined) resolve(entries)
      else reject(error)
    })
  })
}
