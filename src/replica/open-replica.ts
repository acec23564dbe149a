import { LANGUAGE } from '../commands/index.ts'
import type { Reply, ReplicaOptions } from './options.ts'
import { hardStateAt, laterThan, logHas, recover, snapshotToInstall } from './recovery.ts'
import { Replica } from './replica.ts'

/** Brings log, state and snapshot of a stopped node into agreement, and makes a replica of them. It is not started yet. */
export function openReplica(options: ReplicaOptions, reply: Reply<Replica>): void {
  const { log, stateMachine, snapshots, language = LANGUAGE } = options
  const later = laterThan(language, log, snapshots)
  if (later !== undefined) {
    reply(later)
    return
  }
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
  if (logHas(log, snapshot.last)) {
    stateMachine.restore(snapshot, build)
    return
  }
  log.reset(snapshot.last, hardStateAt(log, snapshot), snapshot.clusterId, (error) => {
    if (error === undefined) stateMachine.restore(snapshot, build)
    else build(error)
  })
}
