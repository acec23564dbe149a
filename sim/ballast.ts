import type { StateMachine } from '../src/ports/index.ts'
import type { Entry } from '../src/raft/index.ts'

/**
 * A state machine that says it holds so many bytes more than it does: what other programs keep in the same store. It
 * reaches the quota without a simulation having to hold hundreds of megabytes. And one that may take entries for others.
 */
export function weighedDown(state: StateMachine, ballastBytes: () => number, misread: (entry: Entry) => Entry): StateMachine {
  return {
    opensFromSnapshot: state.opensFromSnapshot,
    get awaitsSnapshot() {
      return state.awaitsSnapshot
    },
    distrust: (clusterId, done) => state.distrust(clusterId, done),
    info: () => {
      const info = state.info()
      const ballast = ballastBytes()
      return ballast === 0 ? info : { ...info, bytes: info.bytes + ballast }
    },
    apply: (entries) => state.apply(entries.map(misread)),
    digest: () => state.digest(),
    get: (key) => state.get(key),
    head: (key) => state.head(key),
    scan: (range, limit, maxBytes) => state.scan(range, limit, maxBytes),
    durableIndex: () => state.durableIndex(),
    flush: () => state.flush(),
    checkpoint: (done) => state.checkpoint(done),
    audit: (done) => state.audit(done),
    takeSnapshot: (clusterId, done) => state.takeSnapshot(clusterId, done),
    restore: (snapshot, done) => state.restore(snapshot, done),
    close: (done) => state.close(done),
  }
}
