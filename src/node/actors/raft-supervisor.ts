/**
 * RaftSupervisor: starts the actors of a node, and starts each again alone when it fails, behind a circuit breaker. What a fault has
 * made untrustworthy is not started again: a broken invariant, a failed sync, damaged storage.
 */
import { defineActor } from '../../actor/index.ts'
import type { ActorRef, SpawnOptions, SupervisionSettings } from '../../actor/index.ts'
import { AspenError } from '../../api/index.ts'
import { MAX_ADMIN_REQUESTS } from '../../limits.ts'
import type { Transport } from '../../ports/index.ts'
import { faultOf, isRestartable } from '../fault.ts'
import type { NodeSettings } from '../node-ports.ts'
import { MANAGEMENT } from '../raft-messages.ts'
import type { RaftActorMessage, RaftMessages } from '../raft-messages.ts'
import { gossipActor } from './gossip-actor.ts'
import type { GossipMessages, GossipParts } from './gossip-actor.ts'
import { healthMonitorActor } from './health-monitor-actor.ts'
import type { HealthMonitorMessages, Patient } from './health-monitor-actor.ts'
import { raftActor } from './raft-actor.ts'
import type { RaftActorParts } from './raft-actor.ts'
import { raftRpcServerActor } from './raft-rpc-server-actor.ts'
import type { RpcServerMessages } from './raft-rpc-server-actor.ts'

/** What ends in its own time: whoever owns it sees to its deadline. */
const NO_DEADLINE_MS = 2 ** 31 - 1

export interface SupervisedActors {
  readonly raft: ActorRef<RaftMessages>
  readonly rpc: ActorRef<RpcServerMessages>
  readonly gossip: ActorRef<GossipMessages>
  readonly health: ActorRef<HealthMonitorMessages>
}

export interface RaftSupervisorParts {
  readonly raft: RaftActorParts
  readonly rpc: Pick<Transport, 'incoming'>
  readonly gossip: GossipParts
  readonly patient: Patient
  /** They are there, and stay over their restarts. */
  readonly spawned: (actors: SupervisedActors) => void
}

export const RAFT_ACTOR = 'RaftActor'

/** What the actors are called, by those who ask for a restart and in paths. */
const NAMES: Readonly<Record<keyof SupervisedActors, string>> = {
  raft: RAFT_ACTOR,
  rpc: 'RaftRpcServerActor',
  gossip: 'GossipActor',
  health: 'HealthMonitorActor',
}

/** @throws AspenError INVALID_REQUEST for a name that none has */
export function actorOf(name: string): keyof SupervisedActors {
  const keys = Object.keys(NAMES) as (keyof SupervisedActors)[]
  // As /health and the log spell it, too.
  const last = name.slice(name.lastIndexOf('/') + 1)
  const key = keys.find((one) => one === name || NAMES[one] === last)
  if (key === undefined)
    throw new AspenError('INVALID_REQUEST', `there is no actor ${JSON.stringify(name)}: ask for one of ${keys.join(', ')}`)
  return key
}

export const raftSupervisor = defineActor<object, RaftSupervisorParts>({
  start: (context, parts) => {
    const { raft, rpc, gossip, patient } = parts
    parts.spawned({
      raft: context.spawn(raftActor, { name: RAFT_ACTOR, registerAs: RAFT_ACTOR, argument: raft, ...mailboxOf(raft) }),
      rpc: context.spawn(raftRpcServerActor, { name: NAMES.rpc, registerAs: NAMES.rpc, argument: rpc }),
      gossip: context.spawn(gossipActor, { name: NAMES.gossip, registerAs: NAMES.gossip, argument: gossip }),
      health: context.spawn(healthMonitorActor, { name: NAMES.health, registerAs: NAMES.health, argument: patient }),
    })
    return {}
  },
})

/** Who waits when a life of the RaftActor ends is told at once, and does not wait for the next. */
function mailboxOf({ settings, handle }: RaftActorParts): Omit<SpawnOptions, 'argument'> {
  return {
    mailboxCapacity: settings.mailboxCapacity,
    reserve: { messages: MANAGEMENT, room: MAX_ADMIN_REQUESTS },
    keepsMessages: false,
    onDropped: (_, body) => (body as RaftActorMessage).reply(handle.refusal()),
    shutdownMs: NO_DEADLINE_MS,
  }
}

/** How the RaftSupervisor is to be spawned. */
export function supervisionOf({ restarts }: NodeSettings): { supervision: SupervisionSettings; shutdownMs: number } {
  const supervision: SupervisionSettings = {
    strategy: 'one-for-one',
    ...(restarts === undefined ? {} : { restarts }),
    mayRestart: (error) => isRestartable(faultOf(error)),
  }
  return { supervision, shutdownMs: NO_DEADLINE_MS }
}
