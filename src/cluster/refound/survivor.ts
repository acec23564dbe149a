/** What one node has on its disk, read without its cluster: from a copy, so that the disk itself stays as it is. */
import { cpSync, existsSync, constants } from 'node:fs'
import { join } from 'node:path'
import { MAX_BATCH_SIZE } from '../../limits.ts'
import { StoreRefusal } from '../../ports/index.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import type { Entry, LogId, Membership } from '../../raft/index.ts'
import { closeStores } from '../../node/index.ts'
import type { RaftStores } from '../../node/index.ts'
import { agreeStores } from '../../replica/index.ts'
import type { Recovered } from '../../replica/index.ts'
import { FoundingError, IDENTITY_FILE, NODE_FILES } from '../identity/index.ts'
import { isVolumeFull, StateError } from '../../storage/index.ts'
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
  /** What is not as it was left, and was made good from the rest; sentences without their full stop. */
  readonly findings: readonly string[]
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
    return await readCopy(directory, copy, nodeId).catch((error: unknown) => {
      // Damage of the state that is met on the way is marked: opened again, it is set aside, and made anew from snapshot and log.
      if (error instanceof StateError && error.code === 'CORRUPT') return readCopy(directory, copy, nodeId)
      throw error
    })
  } catch (error) {
    // Nothing is wrong with what cannot be copied.
    if (error instanceof FoundingError || wantsRoom(error)) throw error
    // What is said of the copy is so of the original.
    const reason = (error as Error).message.replaceAll(copy, directory)
    throw new FoundingError(`what is in ${directory} cannot be recovered from: ${reason}. Nothing was changed`, { cause: error })
  }
}

/** Whether something failed for want of space. */
export function wantsRoom(error: unknown): boolean {
  return isVolumeFull(error) || (error instanceof StoreRefusal && error.isVolumeFull)
}

async function readCopy(directory: string, copy: string, nodeId: number): Promise<ReadSurvivor> {
  const home = openDurableHome(copy, nodeId)
  try {
    const stores = home.openStores()
    try {
      const read = await readStores(stores, copy, home.identity.endpointId)
      const findings = findingsOf(stores).map((line) => line.replaceAll(copy, directory))
      return { ...read, survivor: { ...read.survivor, findings } }
    } finally {
      await settled((done) => closeStores(stores, done))
    }
  } finally {
    home.release()
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

function findingsOf({ log, warnings }: RaftStores): string[] {
  const { tornBytes } = log.recovered
  const torn = `the log ended in a write that a crash had cut short: ${tornBytes} bytes, which this node has not acknowledged`
  return tornBytes === 0 ? [...warnings] : [...warnings, torn]
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
    findings: [],
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
