/**
 * The state machine over SQLite. The main thread holds the one connection that writes; a worker does what takes long:
 * checkpoints, snapshots, and building a database from a snapshot.
 */
import type { KeyValue, ScanRange } from '../../api/index.ts'
import { LANGUAGE } from '../../commands/index.ts'
import type { Language, RowHead, Rows } from '../../commands/index.ts'
import { assert } from '../../lib/index.ts'
import { MAX_STATE_BUSY_RETRY_MS, STATE_BUSY_OPENING_MS } from '../../limits.ts'
import { StateBusy } from '../../ports/index.ts'
import type { AppliedBatch, Done, StateDigest, StateEngine, StateInfo, StoredSnapshot } from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import { createDirectory, isDescriptorShortage, isVolumeFull } from '../disk/index.ts'
import type { LocalSnapshot, SnapshotFiles } from '../snapshots/index.ts'
import { markDamaged, openSoundState } from './damaged-state.ts'
import { asError, RunningOperations, StateError, volumeFull } from '../state/index.ts'
import { guardFile, isBusy } from './sqlite-database.ts'
import { SqliteState } from './sqlite-state.ts'
import { generationFile, newestGeneration, removeOtherGenerations, syncDirectory } from './state-generations.ts'
import { StateWorkerLink } from './worker/index.ts'

export interface SqliteStateMachineOptions {
  /** A folder for the database files, created when it is missing. One process at a time. */
  readonly directory: string
  /** Opened with its own `directory`; by a function, once the state is open: another process may hold that, and looking through a snapshot takes long. */
  readonly snapshots: SnapshotFiles | (() => SnapshotFiles)
  /** What entries are read with. That of this program when absent. */
  readonly language?: Language
}

/**
 * Opens the state, empty when there is no database yet, and makes what it finds durable.
 * @throws StateError CORRUPT, UNREADABLE, UNKNOWN_VERSION, naming the file; StateBusy while another process holds it, at once
 */
export function openSqliteStateMachine(options: SqliteStateMachineOptions): SqliteStateMachine {
  return new SqliteStateMachine(options)
}

export class SqliteStateMachine implements StateEngine {
  readonly opensFromSnapshot = false
  /** Why the state was set aside when it was opened, and begins empty; null when it was sound. */
  readonly damage: string | null
  readonly snapshots: SnapshotFiles
  readonly #directory: string
  readonly #language: Language
  readonly #worker: StateWorkerLink
  readonly #operations: RunningOperations
  #state: SqliteState
  #durableIndex: number
  #heldBytes = 0
  #restoring = false
  /** A checkpoint may need to keep all others out for a moment: until it has ended, no transaction is left open. */
  #checkpoints = 0

  constructor({ directory, snapshots, language = LANGUAGE }: SqliteStateMachineOptions) {
    this.#directory = directory
    this.#language = language
    const newest = prepareDirectory(directory)
    const { state, generation, damage } = unlessHeld(generationFile(directory, newest), () =>
      openSoundState(directory, newest, language),
    )
    this.#state = state
    this.damage = damage
    try {
      guardFile(state.file, () => syncDirectory(directory))
      // After a crash of the process, what was applied last may be in the operating system's memory only.
      this.#durableIndex = state.checkpointNow() ? state.info.applied.index : 0
      this.snapshots = typeof snapshots === 'function' ? snapshots() : snapshots
    } catch (error) {
      state.close()
      throw error
    }
    this.#worker = new StateWorkerLink({ directory, generation })
    this.#operations = new RunningOperations(directory, setImmediate)
  }

  info(): StateInfo {
    return this.#state.info
  }

  /** After an error that is not about the entries, every later call is refused with the same error. */
  apply(entries: readonly Entry[]): AppliedBatch {
    this.#operations.assertOpen()
    assert(!this.#restoring, 'entries are applied before or after a restore, not during one')
    return this.#marking(() => this.#state.apply(entries))
  }

  flush(): void {
    this.#operations.assertOpen()
    this.#marking(() => this.#state.commit())
  }

  digest(): StateDigest {
    return this.#state.digest
  }

  get(key: Uint8Array): KeyValue | undefined {
    this.#operations.assertOpen()
    return this.#marking(() => this.#state.get(key))
  }

  head(key: Uint8Array): RowHead | undefined {
    this.#operations.assertOpen()
    return this.#marking(() => this.#state.head(key))
  }

  scan(range: ScanRange, limit: number, maxBytes: number): Rows {
    this.#operations.assertOpen()
    return this.#marking(() => this.#state.scan(range, limit, maxBytes))
  }

  durableIndex(): number {
    return this.#durableIndex
  }

  heldBytes(): number {
    return this.#heldBytes
  }

  #count(checkpoints: number): void {
    this.#checkpoints += checkpoints
    this.#state.keepsOpen = this.#checkpoints === 0
  }

  /** Leaves `durableIndex` where it is, without an error, when a full disk or a busy worker allows no checkpoint now. */
  checkpoint(done: Done): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    if (this.#worker.full || this.#durableIndex === this.#state.info.applied.index) return void setImmediate(ended)
    const failure = this.#commit()
    if (failure !== undefined) return void setImmediate(() => ended(failure))
    this.#count(1)
    this.#worker.request('checkpoint', {}, (error, outcome) => {
      this.#count(-1)
      if (outcome?.complete === true) this.#durableIndex = outcome.appliedIndex
      if (outcome !== undefined) this.#heldBytes = outcome.heldBytes
      ended(error)
    })
  }

  takeSnapshot(clusterId: string, done: (error: Error | undefined, snapshot?: StoredSnapshot) => void): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    if (this.#worker.full) {
      const error = new StateError('BUSY', this.#state.file, 'too many snapshots are being taken: wait for one to end')
      return void setImmediate(() => ended(error))
    }
    const failure = this.#commit()
    if (failure !== undefined) return void setImmediate(() => ended(failure))
    let local: LocalSnapshot
    let path: string
    try {
      local = this.snapshots.beginLocal()
      path = this.snapshots.path(local.name)
    } catch (caught) {
      const error = notBegun(this.#directory, caught)
      return void setImmediate(() => ended(error))
    }
    this.#worker.request('snapshot', { path, clusterId }, (error, stored) => {
      markDamaged(this.#state.file, error)
      if (stored === undefined) local.abort(error ?? new Error('the snapshot has no description'), ended)
      else local.finish(stored, ended)
    })
  }

  audit(done: (error: Error | undefined, isSound?: boolean) => void): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    const failure = this.#commit()
    if (failure !== undefined || this.#worker.full) return void setImmediate(() => ended(failure, true))
    const state = this.#state
    this.#worker.request('audit', {}, (error, outcome) => {
      markDamaged(state.file, error)
      if (outcome === undefined) return ended(error)
      // A restore has brought another state meanwhile.
      const failure = state === this.#state ? attempted(() => state.correct(outcome.kept, outcome.found)) : undefined
      ended(failure, outcome.kept === outcome.found)
    })
  }

  /** Reads go on meanwhile, from the old state. When the snapshot turns out damaged the old state stays. */
  restore(snapshot: StoredSnapshot, done: Done): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    assert(!this.#restoring, 'one restore at a time')
    this.#restoring = true
    const path = this.snapshots.path(snapshot.id)
    this.#worker.request('restore', { path, snapshotId: snapshot.id }, (error, outcome) => {
      const switched = (failure: Error | undefined): void => {
        this.#restoring = false
        if (failure !== undefined) ended(failure)
        else this.#worker.request('retire', {}, ended)
      }
      if (outcome === undefined) return switched(error ?? new Error('the state was not restored'))
      this.#switchTo(outcome.generation, Math.ceil(STATE_BUSY_OPENING_MS / MAX_STATE_BUSY_RETRY_MS), switched)
    })
  }

  /** Waits for what is under way. Whoever closes the database last empties its log, and that is the worker, if there is one. */
  close(done: Done): void {
    this.#operations.close(() => {
      const failure = this.#commit()
      try {
        this.#state.close()
      } catch (caught) {
        return done(failure ?? asError(caught))
      }
      this.#worker.close((error) => done(failure ?? error))
    }, done)
  }

  /** For those who read the file by a connection of their own. */
  #commit(): Error | undefined {
    try {
      this.#marking(() => this.#state.commit())
      return undefined
    } catch (error) {
      return asError(error)
    }
  }

  /** Whoever meets damage stops; the next start must know of it, for opening does not look at every value. */
  #marking<T>(use: () => T): T {
    try {
      return use()
    } catch (error) {
      markDamaged(this.#state.file, error)
      throw error
    }
  }

  /** Somebody may have opened the new file before this does, or taken the last descriptor. */
  #switchTo(generation: number, tries: number, done: Done): void {
    try {
      const next = new SqliteState(generationFile(this.#directory, generation), this.#language)
      this.#state.close()
      this.#state = next
    } catch (caught) {
      if (tries <= 1 || !(isBusy(caught) || isDescriptorShortage(caught))) return done(asError(caught))
      return void setTimeout(() => this.#switchTo(generation, tries - 1, done), MAX_STATE_BUSY_RETRY_MS)
    }
    this.#durableIndex = this.#state.info.applied.index
    done()
  }
}

/** @throws StateBusy */
function unlessHeld<T>(file: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw isBusy(error) ? new StateBusy(file, { cause: error }) : error
  }
}

/** What was thrown, unless another process holds the database: whoever counts again finds the same. */
function attempted(run: () => void): Error | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return error instanceof StateBusy ? undefined : asError(error)
  }
}

/** Why a snapshot could not be begun: a passing state of the machine is a refusal. */
function notBegun(directory: string, caught: unknown): Error {
  if (isVolumeFull(caught)) return volumeFull(directory)
  if (!isDescriptorShortage(caught)) return asError(caught)
  return new StateError(
    'BUSY',
    directory,
    'no file can be opened for a snapshot now: this process or its system has no descriptor left',
  )
}

/** The generation to open, with everything else out of the way. */
function prepareDirectory(directory: string): number {
  return guardFile(directory, () => {
    createDirectory(directory)
    const generation = newestGeneration(directory)
    // A process may have died between a rename and its sync: what replaces must be durable before the replaced goes.
    syncDirectory(directory)
    removeOtherGenerations(directory, generation)
    return generation
  })
}
