/** The ports of a replica with the safety checker looking over its shoulder. */
import { crc32 } from 'node:zlib'
import type { Done, LogBatch, LogStore, StateMachine, StoredSnapshot } from '../src/ports/index.ts'
import type { Entry } from '../src/raft/index.ts'
import type { EntryIdentity, SafetyChecker } from './invariants.ts'

export function identifyEntry({ index, term, kind, payload }: Entry): EntryIdentity {
  return { index, term, digest: crc32(payload, kind.length) }
}

function noteBatches(checker: SafetyChecker, node: number, batches: readonly LogBatch[]): void {
  for (const { hardState, truncateFrom, entries } of batches) {
    if (hardState !== undefined) checker.hardState(node, hardState.term, hardState.votedFor)
    if (truncateFrom !== undefined) checker.truncated(node, truncateFrom)
    for (const entry of entries) checker.appended(node, identifyEntry(entry))
  }
}

export function watchLog(log: LogStore, node: number, checker: SafetyChecker): LogStore {
  return {
    recovered: log.recovered,
    write: (batches: readonly LogBatch[], done: Done) => {
      noteBatches(checker, node, batches)
      log.write(batches, (error) => {
        if (error === undefined) {
          const last = batches.findLast(({ hardState }) => hardState !== undefined)?.hardState
          if (last !== undefined) checker.hardStateDurable(node, last.term, last.votedFor)
          checker.logDurable(node)
        }
        done(error)
      })
    },
    read: (first, last, maxBytes, done) => log.read(first, last, maxBytes, done),
    purge: (index, done) => {
      log.purge(index, (error, purged) => {
        if (error === undefined) checker.purged(node, purged)
        done(error, purged)
      })
    },
    reset: (position, hardState, clusterId, done) => {
      checker.hardState(node, hardState.term, hardState.votedFor)
      checker.reset(node, position)
      log.reset(position, hardState, clusterId, (error) => {
        if (error === undefined) {
          checker.hardStateDurable(node, hardState.term, hardState.votedFor)
          checker.logDurable(node)
        }
        done(error)
      })
    },
    distrust: (reason, done) => log.distrust(reason, done),
    sizeBytes: () => log.sizeBytes(),
    close: (done) => log.close(done),
  }
}

/** `before` runs ahead of every apply, so that the checker knows how far this node believes to have committed. */
export function watchState(state: StateMachine, node: number, checker: SafetyChecker, before: () => void): StateMachine {
  return {
    opensFromSnapshot: state.opensFromSnapshot,
    get awaitsSnapshot() {
      return state.awaitsSnapshot
    },
    distrust: (clusterId, done) => state.distrust(clusterId, done),
    info: () => state.info(),
    apply: (entries) => {
      before()
      for (const entry of entries) checker.applied(node, identifyEntry(entry))
      return state.apply(entries)
    },
    digest: () => state.digest(),
    get: (key) => state.get(key),
    head: (key) => state.head(key),
    scan: (range, limit, maxBytes) => state.scan(range, limit, maxBytes),
    durableIndex: () => state.durableIndex(),
    flush: () => state.flush(),
    checkpoint: (done) => state.checkpoint(done),
    audit: (done) => state.audit(done),
    takeSnapshot: (clusterId, done) => state.takeSnapshot(clusterId, done),
    restore: (snapshot: StoredSnapshot, done) => {
      state.restore(snapshot, (error) => {
        if (error === undefined) checker.restored(node, snapshot.last.index)
        done(error)
      })
    },
    close: (done) => state.close(done),
  }
}
