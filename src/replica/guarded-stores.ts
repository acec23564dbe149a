/**
 * The stores as a replica sees them: what they complete runs guarded, so that a broken invariant found there ends the
 * replica like any other, and is never thrown into the store. Nothing is completed once the replica has ended.
 */
import type { LogStore, SnapshotStore, StateMachine } from '../ports/index.ts'

type Guard = (run: () => void) => void

/** `done` as the store may call it. */
function guarded<Arguments extends unknown[]>(guard: Guard, done: (...args: Arguments) => void): (...args: Arguments) => void {
  return (...args) => guard(() => done(...args))
}

export function guardLog(log: LogStore, guard: Guard): LogStore {
  return {
    recovered: log.recovered,
    write: (batches, done) => log.write(batches, guarded(guard, done)),
    read: (first, last, maxBytes, done) => log.read(first, last, maxBytes, guarded(guard, done)),
    purge: (index, done) => log.purge(index, guarded(guard, done)),
    reset: (position, hardState, clusterId, done) => log.reset(position, hardState, clusterId, guarded(guard, done)),
    sizeBytes: () => log.sizeBytes(),
    close: (done) => log.close(done),
  }
}

function guardStateMachine(state: StateMachine, guard: Guard): StateMachine {
  return {
    opensFromSnapshot: state.opensFromSnapshot,
    info: () => state.info(),
    apply: (entries) => state.apply(entries),
    flush: () => state.flush(),
    get: (key) => state.get(key),
    scan: (range, limit, maxBytes) => state.scan(range, limit, maxBytes),
    durableIndex: () => state.durableIndex(),
    checkpoint: (done) => state.checkpoint(guarded(guard, done)),
    takeSnapshot: (clusterId, done) => state.takeSnapshot(clusterId, guarded(guard, done)),
    restore: (snapshot, done) => state.restore(snapshot, guarded(guard, done)),
    close: (done) => state.close(done),
  }
}

function guardSnapshots(snapshots: SnapshotStore, guard: Guard): SnapshotStore {
  return {
    newest: () => snapshots.newest(),
    read: (id, position, length, done) => snapshots.read(id, position, length, guarded(guard, done)),
    receive: (snapshot) => snapshots.receive(snapshot),
    write: (id, position, bytes, done) => snapshots.write(id, position, bytes, guarded(guard, done)),
    finish: (id, done) => snapshots.finish(id, guarded(guard, done)),
  }
}

interface Stores {
  readonly log: LogStore
  readonly stateMachine: StateMachine
  readonly snapshots: SnapshotStore
}

export function guardStores({ log, stateMachine, snapshots }: Stores, guard: Guard): Stores {
  return {
    log: guardLog(log, guard),
    stateMachine: guardStateMachine(stateMachine, guard),
    snapshots: guardSnapshots(snapshots, guard),
  }
}
