/**
 * The stores as a replica sees them: what they complete runs guarded, so that a broken invariant found there ends the
 * replica like any other, and is never thrown into the store. Nothing is completed once the replica has ended.
 */
import { AssertionError, WireError } from '../../lib/index.ts'
import { StoreRefusal } from '../../ports/index.ts'
import type { ClassifiedError, LogStore, SnapshotStore, StateMachine } from '../../ports/index.ts'
import type { TurnLoop } from './turn-loop.ts'

type Guard = Pick<TurnLoop, 'guard'>

/**
 * What a store reports as failed, a sync above all, is a fault of the disk, whatever its error is made of: no replica is opened on it again.
 */
class StoreFailure extends Error implements ClassifiedError {
  override readonly name = 'StoreFailure'
  readonly faultKind = 'disk'

  constructor(cause: Error) {
    super(cause.message, { cause })
  }
}

/** Errors that say themselves what they mean keep their own word. */
function speaksForItself(error: Error): boolean {
  const { code } = error as { readonly code?: unknown }
  const isKnown = error instanceof AssertionError || error instanceof StoreRefusal || error instanceof WireError
  return isKnown || 'faultKind' in error || 'syscall' in error || code === 'ERR_SQLITE_ERROR'
}

/** `done` as the store may call it. */
function guarded<Rest extends unknown[]>(
  loop: Guard,
  done: (error: Error | undefined, ...rest: Rest) => void,
): (error: Error | undefined, ...rest: Rest) => void {
  return (error, ...rest) => {
    const failure = error === undefined || speaksForItself(error) ? error : new StoreFailure(error)
    loop.guard(() => done(failure, ...rest))
  }
}

export function guardLog(log: LogStore, loop: Guard): LogStore {
  return {
    recovered: log.recovered,
    write: (batches, done) => log.write(batches, guarded(loop, done)),
    read: (first, last, maxBytes, done) => log.read(first, last, maxBytes, guarded(loop, done)),
    purge: (index, done) => log.purge(index, guarded(loop, done)),
    reset: (position, hardState, clusterId, done) => log.reset(position, hardState, clusterId, guarded(loop, done)),
    // It is for a replica that has ended.
    distrust: (reason, done) => log.distrust(reason, done),
    sizeBytes: () => log.sizeBytes(),
    close: (done) => log.close(done),
  }
}

function guardStateMachine(state: StateMachine, loop: Guard): StateMachine {
  return {
    opensFromSnapshot: state.opensFromSnapshot,
    get awaitsSnapshot() {
      return state.awaitsSnapshot
    },
    distrust: (clusterId, done) => state.distrust(clusterId, guarded(loop, done)),
    info: () => state.info(),
    apply: (entries) => state.apply(entries),
    flush: () => state.flush(),
    digest: () => state.digest(),
    get: (key) => state.get(key),
    head: (key) => state.head(key),
    scan: (range, limit, maxBytes) => state.scan(range, limit, maxBytes),
    durableIndex: () => state.durableIndex(),
    heldBytes: () => state.heldBytes?.() ?? 0,
    checkpoint: (done) => state.checkpoint(guarded(loop, done)),
    audit: (done) => state.audit(guarded(loop, done)),
    takeSnapshot: (clusterId, done) => state.takeSnapshot(clusterId, guarded(loop, done)),
    restore: (snapshot, done) => state.restore(snapshot, guarded(loop, done)),
    close: (done) => state.close(done),
  }
}

function guardSnapshots(snapshots: SnapshotStore, loop: Guard): SnapshotStore {
  return {
    newest: () => snapshots.newest(),
    read: (id, position, length, done) => snapshots.read(id, position, length, guarded(loop, done)),
    receive: (snapshot) => snapshots.receive(snapshot),
    write: (id, position, bytes, done) => snapshots.write(id, position, bytes, guarded(loop, done)),
    finish: (id, done) => snapshots.finish(id, guarded(loop, done)),
  }
}

/** What a replica keeps on disk. */
export interface ReplicaStores {
  readonly log: LogStore
  readonly stateMachine: StateMachine
  readonly snapshots: SnapshotStore
}

export function guardStores({ log, stateMachine, snapshots }: ReplicaStores, loop: Guard): ReplicaStores {
  return {
    log: guardLog(log, loop),
    stateMachine: guardStateMachine(stateMachine, loop),
    snapshots: guardSnapshots(snapshots, loop),
  }
}
