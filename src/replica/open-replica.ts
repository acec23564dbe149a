import { LANGUAGE, LaterVersion } from '../commands/index.ts'
import type { Language } from '../commands/index.ts'
import type { LogStore, SnapshotStore } from '../ports/index.ts'
import type { Reply, ReplicaOptions } from './options.ts'
import { hardStateAt, logHas, recover, snapshotToInstall } from './recovery.ts'
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

/** Commands of a version stand behind the entry that raised the cluster to it: of a log, those entries tell all. */
function laterThan({ version }: Language, log: LogStore, snapshots: SnapshotStore): LaterVersion | undefined {
  const { clusterVersion } = log.recovered
  if (clusterVersion > version) return new LaterVersion('the log of this node', clusterVersion, version)
  const newest = snapshots.newest()?.clusterVersion ?? 0
  return newest > version ? new LaterVersion('the newest snapshot of this node', newest, version) : undefined
}
