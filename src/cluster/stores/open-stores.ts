/** What a node keeps in its data directory: its key, and log, state and snapshots. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { REJOIN_ADVICE } from '../../api/index.ts'
import { LANGUAGE, LaterVersion } from '../../commands/index.ts'
import type { Language } from '../../commands/index.ts'
import type { LogStore, Volume } from '../../ports/index.ts'
import type { RaftStores } from '../../node/index.ts'
import {
  DataDirectoryLock,
  DiskError,
  DistrustedLogError,
  FULL_ADVICE,
  hasLog,
  LogCorruptionError,
  isVolumeFull,
  NodeDisk,
  openSegmentedLog,
  openSnapshotFiles,
  openSqliteStateMachine,
  readDivergence,
  TrustedStateMachine,
} from '../../storage/index.ts'
import {
  addIdentityFields,
  FOUNDING_FOLDER,
  FoundingError,
  IDENTITY_FILE,
  loadOrCreateIdentityFile,
  LOG_CREATED,
  NODE_ID,
  readFoundingRecord,
  readRejoinRecord,
  RejoinError,
} from '../identity/index.ts'
import type { IdentityFile } from '../identity/index.ts'
import type { SqliteStateMachine } from '../../storage/index.ts'
import { exposedDirectory } from './exposed-directory.ts'
import type { NodeHome } from './node-home.ts'
import { stateFindings } from './state-findings.ts'

const UNFINISHED_REJOIN = 'a rejoin of this node is not finished: run aspen-node rejoin as before until it says that it is done'

/**
 * Takes the data directory, creating what a new node needs.
 * @throws Error when another process holds it, or when its key is missing or another node's
 */
export function openDurableHome(dataDir: string, nodeId: number): NodeHome {
  const lock = new DataDirectoryLock(dataDir)
  const { directory } = lock
  try {
    const { identityFile, warnings } = guardFull(directory, () => readIdentity(directory, nodeId))
    return {
      identity: identityFile.identity,
      peerBookFile: join(directory, 'peers.json'),
      metadataFile: join(directory, 'nodes.json'),
      warnings,
      openStores: (language = LANGUAGE) => guardFull(directory, () => openStores({ directory, nodeId, language })),
      release: () => lock.release(),
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** A bare ENOSPC names neither file nor folder. */
function guardFull<T>(directory: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!isVolumeFull(error) || error instanceof DiskError) throw error
    throw new Error(`the data directory ${directory} cannot be written: ${(error as Error).message}; ${FULL_ADVICE}`, {
      cause: error,
    })
  }
}

/** The folders of a data directory may be mounted from volumes of their own. */
function volumesOf(directory: string): readonly Volume[] {
  const byDevice = new Map<number, Volume>()
  for (const path of [directory, ...['log', 'state', 'snapshots'].map((name) => join(directory, name))]) {
    const { dev } = statSync(path)
    if (!byDevice.has(dev)) byDevice.set(dev, new NodeDisk(path))
  }
  return [...byDevice.values()]
}

/** Names the files in errors by their paths: whoever reads them may run several nodes. */
function openLogFolder(disk: NodeDisk, storeId: string, ownVersion: number): LogStore {
  const where = `the log in ${disk.directory}`
  try {
    return openSegmentedLog(disk, { storeId, ownVersion })
  } catch (error) {
    if (error instanceof LogCorruptionError)
      throw new LogCorruptionError(join(disk.directory, error.file), error.offset, error.reason)
    if (error instanceof DistrustedLogError) throw new DistrustedLogError(join(disk.directory, error.file), error.reason)
    if (error instanceof LaterVersion) throw new LaterVersion(where, error.needs, error.knows)
    throw new Error(`${where} cannot be opened: ${(error as Error).message}`, { cause: error })
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
      `start it as node ${known}, or give node ${nodeId} a data directory of its own`,
  )
}

/** To be called before a key is made: a refused start must not leave one behind. */
function checkLogHasKey(directory: string, identityPath: string): void {
  const path = join(directory, 'log')
  if (existsSync(identityPath) || !existsSync(path) || !hasLog(openFolder(path))) return
  throw new Error(
    `the data directory ${directory} holds a log but no identity: a log without its key must not vote. ` +
      `Restore ${IDENTITY_FILE} from a backup. ${REJOIN_ADVICE}`,
  )
}

/** Nobody is left to hear how closing goes: why it is closed is what counts. */
function closingUnless<T>(engine: SqliteStateMachine, open: () => T): T {
  try {
    return open()
  } catch (error) {
    engine.close(() => undefined)
    throw error
  }
}

/** Whose stores are opened, where, and by a program of which language. */
interface StoresOf {
  readonly directory: string
  readonly nodeId: number
  readonly language: Language
}

/**
 * Key and log belong together. A key whose log is gone has forgotten its votes, a log without its key has no name:
 * either would let a node that is not the old one speak for it.
 */
function checkKeyHasLog(directory: string, disk: NodeDisk, { fields }: IdentityFile): void {
  if (fields[LOG_CREATED] !== true || hasLog(disk)) return
  throw new Error(
    `the data directory ${directory} holds an identity but its log is gone: a voter returns with its memory or not at all. ` +
      REJOIN_ADVICE,
  )
}

function openLog({ nodeId, language }: StoresOf, disk: NodeDisk, identityPath: string, identityFile: IdentityFile): LogStore {
  const log = openLogFolder(disk, identityFile.logStoreId, language.version)
  if (identityFile.fields[LOG_CREATED] !== true) addIdentityFields(identityPath, { [LOG_CREATED]: true, [NODE_ID]: nodeId })
  return log
}

function readIdentity(directory: string, nodeId: number): { identityFile: IdentityFile; warnings: string[] } {
  if (readFoundingRecord(directory) !== undefined)
    throw new FoundingError(
      `a cluster is being founded anew in ${directory}, and that is not finished: run the command that does it (aspen-node recover, aspen-node restore) again`,
    )
  const unfinished = readRejoinRecord(directory)
  if (unfinished?.aside === false)
    throw new RejoinError(`the data directory ${directory} is half set aside: ${UNFINISHED_REJOIN}`)
  const identityPath = join(directory, IDENTITY_FILE)
  checkLogHasKey(directory, identityPath)
  const identityFile = loadOrCreateIdentityFile(identityPath)
  checkNodeId(directory, identityFile, nodeId)
  const exposed = exposedDirectory(directory)
  const leftover = join(directory, FOUNDING_FOLDER)
  if (existsSync(leftover))
    exposed.push(
      `an interrupted aspen-node recover or restore has left ${leftover}: nothing of it counts; run it again, or delete that`,
    )
  if (identityFile.exposed) exposed.push(`${identityPath} can be read by others: chmod 600 it`)
  return { identityFile, warnings: unfinished === undefined ? exposed : [...exposed, UNFINISHED_REJOIN] }
}

function openStores(stores: StoresOf): RaftStores {
  const { directory, language } = stores
  const identityPath = join(directory, IDENTITY_FILE)
  // Read again each time: the first log of a node leaves its mark there.
  const identityFile = loadOrCreateIdentityFile(identityPath)
  const logDisk = openFolder(join(directory, 'log'))
  checkKeyHasLog(directory, logDisk, identityFile)
  const snapshotDirectory = join(directory, 'snapshots')
  const disk = openFolder(snapshotDirectory)
  const divergence = readDivergence(disk)
  // First the state, for another process may hold it: who tries again has done nothing else, and has nothing to close.
  const engine = openSqliteStateMachine({
    directory: join(directory, 'state'),
    snapshots: () => openSnapshotFiles(disk, { directory: snapshotDirectory }),
    language,
  })
  const { snapshots } = engine
  const log = closingUnless(engine, () => openLog(stores, logDisk, identityPath, identityFile))
  return {
    log,
    stateMachine: new TrustedStateMachine(engine, { disk, divergence, defer: setImmediate }),
    snapshots,
    volumes: volumesOf(directory),
    warnings: [
      ...(engine.damage === null ? [] : [engine.damage]),
      ...stateFindings(
        divergence,
        snapshots.damaged.map((name) => join(snapshotDirectory, name)),
      ),
    ],
  }
}
