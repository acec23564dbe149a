import type { Reply, ReplicaOptions } from './options.ts'
import { recover, snapshotToInstall } from './recovery.ts'
import { Replica } from './replica.ts'

/** Brings log, state and snapshot of a stopped node into agreement, and makes a replica of them. It is not started yet. */
export function openReplica(options: ReplicaOptions, reply: Reply<Replica>): void {
  const { log, stateMachine, snapshots } = options
  const snapshot = snapshotToInstall(log, stateMachine, snapshots)
  const build = (error?: Error): void => {
    if (error !== undefined) {
      reply(error)
      return
    }
    try {
      reply(undefined, new Replica(options, recover(log, stateMachine, snapshot)))
    } catch (failure) {
      reply(failure as Error)
    }
  }
  if (snapshot === null) {
    build()
    return
  }
  const { purged, entries, hardState } = log.recovered
  const held = snapshot.last.index === purged.index ? purged.term : entries[snapshot.last.index - purged.index - 1]?.term
  if (held === snapshot.last.term) {
    stateMachine.restore(snapshot, build)
    return
  }
  const term = Math.max(hardState.term, snapshot.last.term)
  const votedFor = term === hardState.term ? hardState.votedFor : null
  log.reset(snapshot.last, { term, votedFor }, snapshot.clusterId, (error) => {
    if (error === undefined) stateMachine.restore(snapshot, build)
    else build(error)
  })
}
