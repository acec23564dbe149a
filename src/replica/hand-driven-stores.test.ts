/**
 * Stores whose completions a test decides, for the tests of this folder: they keep what they are given and report when
 * told to. They assert what the ports ask of a caller. This file has no tests of its own.
 */
import assert from 'node:assert/strict'
import { NEW_STATE } from '../commands/index.ts'
import { StateBusy, StoreRefusal } from '../ports/index.ts'
import type {
  AppliedBatch,
  StateDigest,
  Counter,
  Done,
  LogBatch,
  LogStore,
  Metrics,
  RecoveredLog,
  SnapshotStore,
  StateInfo,
  StateMachine,
  StoredSnapshot,
} from '../ports/index.ts'
import type { Entry, HardState, LogId, Membership } from '../raft/index.ts'

type ReadDone = (error: Error | undefined, entries: readonly Entry[]) => void

export const ZERO: LogId = { term: 0, index: 0 }

export const EMPTY_LOG: RecoveredLog = {
  clusterId: null,
  hardState: { term: 0, votedFor: null },
  purged: ZERO,
  entries: [],
  memberships: [],
  clusterVersion: 0,
  tornBytes: 0,
}

export function entry(index: number, term = 1, size = 1): Entry {
  return { index, term, kind: 'command', payload: new Uint8Array(size).fill(index) }
}

/** Consecutive entries of one term. */
export function entries(first: number, last: number, term = 1, size = 1): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, i) => entry(first + i, term, size))
}

export function membershipOf(voters: readonly number[], learners: readonly number[] = []): Membership {
  const members = [...voters, ...learners].sort((a, b) => a - b).map((id) => ({ id, endpointId: keyOf(id), addresses: [] }))
  return { voters, outgoing: [], learners, members }
}

export function keyOf(id: number): string {
  return String(id).padStart(64, '0')
}

export function storedSnapshot(index: number, term = 1, sizeBytes = 1000): StoredSnapshot {
  const digest = String(index * 1000 + term).padStart(64, '0')
  return {
    id: `${String(index).padStart(16, '0')}-${term}-${digest}.snapshot`,
    last: { term, index },
    membership: membershipOf([1, 2, 3]),
    membershipIndex: 1,
    clusterId: 'c1',
    clusterVersion: 1,
    sizeBytes,
    digest,
  }
}

/** Callbacks that wait for the test to run them, oldest first. */
export class HandQueue {
  readonly #waiting: (() => void)[] = []

  get length(): number {
    return this.#waiting.length
  }

  readonly defer = (run: () => void): void => {
    this.#waiting.push(run)
  }

  next(): void {
    const run = this.#waiting.shift()
    assert.ok(run !== undefined, 'nothing waits')
    run()
  }

  drain(): void {
    for (let left = 10_000; this.#waiting.length > 0; left--) {
      assert.ok(left > 0, 'the queue does not come to rest')
      this.next()
    }
  }
}

/** A log that holds what it is given at once, and reports when the test says so. */
export class HandLog implements LogStore {
  readonly recovered: RecoveredLog
  /** What it was asked to do, in order. */
  readonly calls: string[] = []
  readonly batches: LogBatch[][] = []
  /** Ends the marking under way. */
  marked: Done | null = null
  readonly #reads: { readonly run: () => void; readonly fail: (error: Error) => void }[] = []
  #entries: Entry[]
  #purged: LogId
  #inFlight: Done | null = null

  constructor(recovered: RecoveredLog = EMPTY_LOG, held: readonly Entry[] = []) {
    this.recovered = recovered
    this.#purged = recovered.purged
    this.#entries = [...held]
  }

  get busy(): boolean {
    return this.#inFlight !== null
  }

  get pendingReads(): number {
    return this.#reads.length
  }

  write(batches: readonly LogBatch[], done: Done): void {
    this.#begin(`write ${batches.map((batch) => batch.entries.map((one) => one.index).join(',') || '-').join(' ')}`, done)
    assert.ok(batches.length > 0)
    this.batches.push([...batches])
    for (const { truncateFrom, entries: added } of batches) {
      if (truncateFrom !== undefined) this.#entries = this.#entries.filter((one) => one.index < truncateFrom)
      this.#entries.push(...added)
    }
  }

  read(first: number, last: number, maxBytes: number, done: ReadDone): void {
    const purged = this.#purged.index
    assert.ok(
      first > purged && first <= last && last <= purged + this.#entries.length,
      `entries ${first} to ${last} are not held`,
    )
    this.calls.push(`read ${first}-${last}`)
    const found: Entry[] = []
    let bytes = 0
    for (const one of this.#entries.slice(first - purged - 1, last - purged)) {
      bytes += one.payload.length
      if (found.length > 0 && bytes > maxBytes) break
      found.push(one)
    }
    this.#reads.push({ run: () => done(undefined, found), fail: (error) => done(error, []) })
  }

  purge(index: number, done: (error: Error | undefined, purged: LogId) => void): void {
    this.#begin(`purge ${index}`, (error) => done(error, this.#purged))
    const last = this.#entries[index - this.#purged.index - 1]
    if (last === undefined) return
    this.#entries.splice(0, index - this.#purged.index)
    this.#purged = { term: last.term, index }
  }

  reset(position: LogId, _hardState: HardState, _clusterId: string, done: Done): void {
    this.#begin(`reset ${position.index}`, done)
    this.#entries = []
    this.#purged = position
  }

  distrust(reason: string, done: Done): void {
    this.calls.push(`distrust ${reason}`)
    this.marked = done
  }

  sizeBytes(): number {
    return 0
  }

  close(done: Done): void {
    done()
  }

  /** Ends the write, purge or reset in flight. */
  finish(error?: Error): void {
    const done = this.#inFlight
    assert.ok(done !== null, 'nothing is in flight')
    this.#inFlight = null
    done(error)
  }

  /** Ends the oldest read. */
  finishRead(error?: Error): void {
    const read = this.#reads.shift()
    assert.ok(read !== undefined, 'no read waits')
    if (error === undefined) read.run()
    else read.fail(error)
  }

  #begin(call: string, done: Done): void {
    assert.equal(this.#inFlight, null, `${call}: another write, purge or reset is in flight`)
    this.calls.push(call)
    this.#inFlight = done
  }
}

/** A state machine that notes what it applies; its results name the entry. */
export const EMPTY_STATE = { keys: 0, bytes: 0, systemRows: 0, systemBytes: 0, ...NEW_STATE }

export class HandState implements StateMachine {
  flushes = 0
  /** Another process holds it. */
  held = false
  opensFromSnapshot = false
  awaitsSnapshot = false
  readonly batches: number[][] = []
  readonly pending: {
    readonly call: 'checkpoint' | 'snapshot'
    readonly done: (error?: Error, snapshot?: StoredSnapshot) => void
  }[] = []
  durable = 0
  #info: StateInfo
  readonly #failAt: number

  constructor(applied: LogId = ZERO, membership: Membership | null = null, membershipIndex = 0, failAt = 0) {
    this.#info = { ...EMPTY_STATE, applied, membership, membershipIndex }
    this.#failAt = failAt
  }

  info(): StateInfo {
    return this.#info
  }

  apply(applied: readonly Entry[]): AppliedBatch {
    if (this.held) throw new StateBusy('state.db')
    for (const { index, term } of applied) {
      if (index === this.#failAt) throw new Error(`entry ${index} cannot be applied`)
      assert.equal(index, this.#info.applied.index + 1, 'entries are applied in order, each once')
      this.#info = { ...this.#info, applied: { term, index } }
    }
    this.batches.push(applied.map((one) => one.index))
    return { results: applied.map(({ index, term }) => ({ logId: { term, index } })), changes: [], digests: [] }
  }

  /** What a restore does: the state is now another one. */
  jump(applied: LogId): void {
    this.#info = { ...this.#info, applied }
  }

  distrust(_clusterId: string, done: Done): void {
    done()
  }

  audit(done: (error: Error | undefined, isSound?: boolean) => void): void {
    done(undefined, true)
  }

  digest(): StateDigest {
    return { index: this.#info.applied.index, digest: 0 }
  }

  get(): undefined {
    return undefined
  }

  head(): undefined {
    return undefined
  }

  scan(): { readonly rows: readonly never[]; readonly more: boolean } {
    return { rows: [], more: false }
  }

  durableIndex(): number {
    return this.durable
  }

  flush(): void {
    this.flushes++
  }

  checkpoint(done: Done): void {
    this.pending.push({ call: 'checkpoint', done })
  }

  takeSnapshot(_clusterId: string, done: (error: Error | undefined, snapshot?: StoredSnapshot) => void): void {
    this.pending.push({ call: 'snapshot', done })
  }

  restore(snapshot: StoredSnapshot, done: Done): void {
    this.#info = {
      ...this.#info,
      applied: snapshot.last,
      membership: snapshot.membership,
      membershipIndex: snapshot.membershipIndex,
    }
    done()
  }

  close(done: Done): void {
    done()
  }
}

/** A snapshot store whose reads, writes and finishes the test completes. Bytes are the low byte of their position. */
export class HandSnapshots implements SnapshotStore {
  readonly calls: string[] = []
  readonly #pending: (() => void)[] = []
  /** Bytes that are here of a snapshot whose transfer begins. */
  held = 0
  /** What `finish` reports. */
  problem: Error | undefined
  readonly #newest: StoredSnapshot | null
  #failRead: Error | undefined

  constructor(newest: StoredSnapshot | null = null) {
    this.#newest = newest
  }

  get pending(): number {
    return this.#pending.length
  }

  newest(): StoredSnapshot | null {
    return this.#newest
  }

  read(_id: string, position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    this.calls.push(`read ${position}+${length}`)
    this.#pending.push(() => {
      if (this.#failRead === undefined) done(undefined, new Uint8Array(length))
      else done(this.#failRead, new Uint8Array(0))
    })
  }

  failReads(error: Error): void {
    this.#failRead = error
  }

  receive(snapshot: StoredSnapshot): number {
    this.calls.push(`receive ${snapshot.last.index}`)
    if (snapshot.id === '') throw new StoreRefusal('no snapshot has this name')
    return this.held
  }

  write(_id: string, position: number, bytes: Uint8Array, done: Done): void {
    this.calls.push(`write ${position}+${bytes.length}`)
    this.#pending.push(() => done(this.problem))
  }

  finish(id: string, done: Done): void {
    this.calls.push(`finish ${Number(id.slice(0, 16))}`)
    this.#pending.push(() => done(this.problem))
  }

  /** Completes the oldest operation. */
  next(): void {
    const run = this.#pending.shift()
    assert.ok(run !== undefined, 'nothing is under way in the snapshot store')
    run()
  }
}

/** Counts by name and labels. */
export function countingMetrics(): { readonly metrics: Metrics; readonly counts: Map<string, number> } {
  const counts = new Map<string, number>()
  const counter = (name: string): Counter => ({ add: (amount = 1) => void counts.set(name, (counts.get(name) ?? 0) + amount) })
  const metrics: Metrics = {
    counter: (name, labels = {}) => counter([name, ...Object.values(labels)].join(' ')),
    histogram: () => ({ observe: () => undefined }),
  }
  return { metrics, counts }
}

/** Answers in the order they came: the code of an error, or 'ok'. */
export class Answers<T> {
  readonly outcomes: string[] = []
  readonly values: (T | undefined)[] = []
  readonly errors: Error[] = []

  /** A reply that is noted under `name`, and fails the test when it comes twice. */
  reply(name: string): (error: Error | undefined, value?: T) => void {
    let answered = false
    return (error, value) => {
      assert.equal(answered, false, `${name} is answered twice`)
      answered = true
      const code = error === undefined ? 'ok' : 'code' in error ? String(error.code) : error.message
      this.outcomes.push(`${name}: ${code}`)
      this.values.push(value)
      if (error !== undefined) this.errors.push(error)
    }
  }
}
