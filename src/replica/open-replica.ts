import { LANGUAGE } from '../commands/index.ts'
import type { Reply, ReplicaOptions } from './options.ts'
import type { Recovered } from './recovery.ts'
import { hardStateAt, laterThan, logHas, recover, snapshotToInstall } from './recovery.ts'
import { Replica } from './replica.ts'

type Stores = Pick<ReplicaOptions, 'log' | 'stateMachine' | 'snapshots' | 'language'>

/** Makes a replica of the log, state and snapshot of a stopped node. It is not started yet. */
export function openReplica(options: ReplicaOptions, reply: Reply<Replica>): void {
  agreeStores(options, (error, recovered) => {
    if (recovered === undefined) return reply(error ?? new Error('nothing was recovered'))
    let replica: Replica
    try {
      replica = new Replica(options, recovered)
    } catch (failure) {
      return reply(failure as Error)
    }
    return reply(undefined, replica)
  })
}

/** Brings log, state and snapshot of a stopped node into agreement. @returns by `reply`: what they are together */
export function agreeStores({ log, stateMachine, snapshots, language = LANGUAGE }: Stores, reply: Reply<Recovered>): void {
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
    let recovered: Recovered
    try {
      recovered = recover(log, stateMachine, snapshot)
    } catch (failure) {
      reply(failure as Error)
      return
    }
    reply(undefined, recovered)
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
