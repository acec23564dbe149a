/**
 * The state machine in memory. It starts no timer, worker or promise: what happens later happens through the disk's
 * callbacks and the injected `defer`, so that a simulator decides when.
 */
import type { KeyValue, ScanRange } from '../../api/index.ts'
import { LANGUAGE, ReplicatedState, RowsAudit, SPACE_IDS, SPACES } from '../../commands/index.ts'
import type { Language, RowHead, Rows } from '../../commands/index.ts'
import { assert } from '../../lib/index.ts'
import type { AppliedBatch, DiskFile, Done, StateDigest, StateEngine, StateInfo, StoredSnapshot } from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import {
  applyDecoded,
  asError,
  corruptSnapshot,
  damagedState,
  decodeEntries,
  lastMembership,
  RunningOperations,
  StateError,
} from '../state/index.ts'
import type { LocalSnapshot, SnapshotFiles } from '../snapshots/index.ts'
import { StateBuilder } from './memory-state.ts'
import type { MemoryState } from './memory-state.ts'
import { describeSnapshot, encodeSnapshot, readSnapshot, readSnapshotSync, SnapshotDigest } from '../snapshots/index.ts'

/** Rows counted at a time. */
const AUDIT_STEP_ROWS = 500

export interface MemoryStateMachineOptions {
  readonly snapshots: SnapshotFiles
  /**
   * True: the node keeps nothing, so there is nothing to wait for, and everything applied counts as durable: only `from` has it.
   * False: the state is the newest snapshot in the store and what was applied since; a checkpoint takes a snapshot.
   */
  readonly volatile: boolean
  /** Runs a completion after the call at hand has returned. */
  readonly defer: (run: () => void) => void
  /** The cluster named in checkpoints, null while there is none. Needed unless volatile. */
  readonly clusterId?: () => string | null
  /** What entries are read with. That of this program when absent. */
  readonly language?: Language
  /** One that has closed, and whose state this one takes over; null or absent when there is none. It must be volatile. */
  readonly from?: MemoryStateMachine | null
}

/**
 * Opens the state: that of `from`, or the newest snapshot in the store, or, when volatile, nothing.
 * @throws StateError when that snapshot cannot be read, or `from` failed in the middle of a change; LaterVersion; what the disk throws
 */
export function openMemoryStateMachine(options: MemoryStateMachineOptions): MemoryStateMachine {
  assert(options.volatile || options.clusterId !== undefined, 'checkpoints need the cluster id')
  return new MemoryStateMachine(options)
}

export class MemoryStateMachine implements StateEngine {
  readonly opensFromSnapshot: boolean
  readonly #snapshots: SnapshotFiles
  readonly #volatile: boolean
  readonly #defer: (run: () => void) => void
  readonly #clusterId: () => string | null
  readonly #operations: RunningOperations
  readonly #language: Language
  #state: MemoryState
  #durableIndex: number
  #restoring = false
  /** Entries are being applied: what throws there leaves some of their effects. */
  #applying = false
  #phase: 'open' | 'closed' | 'handed over' = 'open'

  constructor(options: MemoryStateMachineOptions) {
    this.#snapshots = options.snapshots
    this.#volatile = options.volatile
    this.opensFromSnapshot = !options.volatile
    this.#defer = options.defer
    this.#operations = new RunningOperations('memory', options.defer)
    this.#clusterId = options.clusterId ?? ((): null => null)
    this.#language = options.language ?? LANGUAGE
    this.#state = openState(options, this.#language)
    this.#durableIndex = this.#state.applied.index
  }

  info(): StateInfo {
    const { store, replicated, applied, membership, membershipIndex } = this.#state
    const { user, system } = store
    const sizes = { keys: user.rows, bytes: user.bytes, systemRows: system.rows, systemBytes: system.bytes }
    const { origin } = replicated
    const from = origin === undefined ? {} : { origin }
    return { applied, membership, membershipIndex, ...sizes, ...replicated.meta, ...from }
  }

  apply(entries: readonly Entry[]): AppliedBatch {
    this.#operations.assertOpen()
    assert(!this.#restoring, 'entries are applied before or after a restore, not during one')
    const decoded = decodeEntries(entries, this.#state.applied, this.#language)
    const last = decoded.at(-1)
    if (last === undefined) return { results: [], changes: [], digests: [] }
    this.#applying = true
    const batch = applyDecoded(this.#state.replicated, decoded)
    this.#applying = false
    const brought = lastMembership(decoded)
    this.#state = {
      ...this.#state,
      applied: { term: last.term, index: last.index },
      membership: brought?.membership ?? this.#state.membership,
      membershipIndex: brought?.index ?? this.#state.membershipIndex,
    }
    return batch
  }

  digest(): StateDigest {
    const { applied, replicated } = this.#state
    return { index: applied.index, digest: replicated.digest }
  }

  get(key: Uint8Array): KeyValue | undefined {
    this.#operations.assertOpen()
    return this.#state.store.get(SPACES.user, key)
  }

  head(key: Uint8Array): RowHead | undefined {
    this.#operations.assertOpen()
    return this.#state.store.head(SPACES.user, key)
  }

  scan(range: ScanRange, limit: number, maxBytes: number): Rows {
    this.#operations.assertOpen()
    return this.#state.store.range(SPACES.user, range, limit, maxBytes)
  }

  durableIndex(): number {
    return this.#volatile ? this.#state.applied.index : this.#durableIndex
  }

  /** Nothing is held back. */
  flush(): void {}

  /** Before there is a cluster with a membership there is nothing to keep: then it leaves `durableIndex` where it is. */
  checkpoint(done: Done): void {
    const clusterId = this.#clusterId()
    const upToDate = this.durableIndex() === this.#state.applied.index
    if (upToDate || clusterId === null || this.#state.membership === null) return this.#defer(() => done())
    this.takeSnapshot(clusterId, (error) => done(error))
  }

  takeSnapshot(clusterId: string, done: (error: Error | undefined, snapshot?: StoredSnapshot) => void): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    let local: LocalSnapshot
    let cut: Cut
    try {
      cut = cutState(this.#state, clusterId)
      local = this.#snapshots.beginLocal()
    } catch (caught) {
      return this.#defer(() => ended(asError(caught)))
    }
    writeCut(cut, local, (error, stored) => {
      // A restore may have gone past the cut meanwhile.
      if (stored !== undefined) this.#durableIndex = Math.max(this.#durableIndex, stored.last.index)
      ended(error, stored)
    })
  }

  audit(done: (error: Error | undefined, isSound?: boolean) => void): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    const state = this.#state
    const kept = state.replicated.rowsSum
    const rows = SPACE_IDS.flatMap((space) => state.store.rows(space).map((row) => ({ space, row })))
    const audit = new RowsAudit()
    let next = 0
    const step = (): void => {
      for (const end = Math.min(rows.length, next + AUDIT_STEP_ROWS); next < end; next++) {
        const { space, row } = rows[next] as (typeof rows)[number]
        audit.add(space, row)
      }
      if (next < rows.length) return this.#defer(step)
      // A restore has brought another state meanwhile.
      if (state.replicated === this.#state.replicated) state.replicated.correct(kept, audit.found)
      ended(undefined, kept === audit.found)
    }
    this.#defer(step)
  }

  restore(snapshot: StoredSnapshot, done: Done): void {
    const ended = this.#operations.begin(done)
    if (ended === undefined) return
    assert(!this.#restoring, 'one restore at a time')
    let file: DiskFile
    try {
      file = this.#snapshots.open(snapshot.id)
    } catch (caught) {
      return this.#defer(() => ended(asError(caught)))
    }
    this.#restoring = true
    const builder = new StateBuilder()
    readSnapshot(file, builder, (error, found) => {
      this.#restoring = false
      file.close()
      if (found?.id !== snapshot.id) return ended(error ?? changedOnDisk(snapshot.id))
      if (builder.problem !== undefined) return ended(corruptSnapshot(snapshot.id, builder.problem))
      this.#state = builder.build(this.#language)
      this.#durableIndex = this.#state.applied.index
      ended()
    })
  }

  close(done: Done): void {
    this.#operations.close(() => {
      this.#phase = 'closed'
      done()
    }, done)
  }

  /** Nothing is under way in it, nothing will be, and its state is still there. */
  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  /**
   * The state, for the next machine to go on with.
   * @throws StateError when some entry was applied in part; AssertionError unless it has closed, or when it was handed over already
   */
  handOver(language: Language): MemoryState {
    assert(this.#volatile, 'a state that is not volatile is found in its snapshots')
    assert(this.#phase === 'closed', `a state in memory is opened again once it is closed: it is ${this.#phase}`)
    if (this.#applying) throw damagedState(`applying what follows entry ${this.#state.applied.index} failed half way`)
    const { store, replicated } = this.#state
    replicated.save()
    const next = { ...this.#state, replicated: new ReplicatedState(store, language) }
    this.#phase = 'handed over'
    return next
  }
}

function changedOnDisk(id: string): StateError {
  return new StateError('DIGEST_MISMATCH', id, `snapshot ${id} has changed on disk`)
}

function openState({ volatile, from = null, snapshots }: MemoryStateMachineOptions, language: Language): MemoryState {
  if (from !== null) return from.handOver(language)
  return volatile ? new StateBuilder().build(language) : loadNewest(snapshots, language)
}

function loadNewest(snapshots: SnapshotFiles, language: Language): MemoryState {
  const newest = snapshots.newest()
  const builder = new StateBuilder()
  if (newest === null) return builder.build(language)
  const file = snapshots.open(newest.id)
  try {
    readSnapshotSync(file, builder)
  } finally {
    file.close()
  }
  if (builder.problem !== undefined) throw corruptSnapshot(newest.id, builder.problem)
  return builder.build(language)
}

interface Cut {
  readonly chunks: Generator<Uint8Array, void>
  readonly describe: (sizeBytes: number, digest: string) => StoredSnapshot
}

/** Rows never change, they are replaced: a list of references is a consistent cut. */
function cutState(state: MemoryState, clusterId: string): Cut {
  const { store, replicated, applied: last, membership, membershipIndex } = state
  if (membership === null) {
    throw new StateError('NOTHING_TO_SNAPSHOT', 'memory', 'no membership was applied yet: there is nothing a snapshot could hold')
  }
  replicated.save()
  const { user, system } = store
  const counts = { keys: user.rows, bytes: user.bytes, systemRows: system.rows, systemBytes: system.bytes }
  const { clusterVersion } = replicated.meta
  const header = { clusterId, clusterVersion, last, membership, membershipIndex, ...counts }
  const rows = SPACE_IDS.map((space) => store.rows(space))
  return {
    chunks: encodeSnapshot(header, (space) => rows[space] ?? []),
    describe: (sizeBytes, digest) => describeSnapshot(header, sizeBytes, digest),
  }
}

function writeCut(cut: Cut, local: LocalSnapshot, done: (error: Error | undefined, stored?: StoredSnapshot) => void): void {
  const digest = new SnapshotDigest()
  const next = (): void => {
    let chunk: IteratorResult<Uint8Array, void>
    try {
      chunk = cut.chunks.next()
    } catch (caught) {
      return local.abort(asError(caught), done)
    }
    if (chunk.done === true) return local.finish(cut.describe(digest.sizeBytes, digest.digest()), done)
    digest.push(chunk.value)
    local.write(chunk.value, (error) => {
      if (error === undefined) next()
      else local.abort(error, done)
    })
  }
  next()
}
