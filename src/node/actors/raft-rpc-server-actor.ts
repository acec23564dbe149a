/**
 * RaftRpcServerActor: the connections that others make to this node. The transport has them, and enforces how many there may be; it outlives
 * the actor, and so does the limit that was set.
 */
import { defineActor, Refusal } from '../../actor/index.ts'
import type { ConnectionStats, Transport } from '../../ports/index.ts'

export interface RpcServerHealth {
  readonly healthy: boolean
  /** In words. */
  readonly detail: string
}

export interface RpcServerMessages {
  GetStats(): ConnectionStats
  /** How many connections there may be from now on; those there are stay. */
  SetMaxConnections(max: number): void
  HealthCheck(): RpcServerHealth
}

const NOTHING_TO_COUNT: ConnectionStats = { open: 0, pending: 0, max: 0, accepted: 0, refused: 0 }

export const raftRpcServerActor = defineActor<RpcServerMessages, Pick<Transport, 'incoming'>>({
  start: (_context, transport) => ({
    GetStats: () => transport.incoming?.stats ?? NOTHING_TO_COUNT,
    SetMaxConnections: (max) => {
      const { incoming } = transport
      if (incoming === undefined) throw new Refusal('connections are not counted here')
      const { limits } = incoming
      if (!(Number.isInteger(max) && max >= limits.min && max <= limits.max))
        throw new Refusal(`this process may have ${limits.min} to ${limits.max} connections, not ${String(max)}`)
      incoming.limit(max)
    },
    HealthCheck: () => healthOf(transport.incoming?.stats ?? NOTHING_TO_COUNT),
  }),
})

function healthOf({ open, max, refused }: ConnectionStats): RpcServerHealth {
  const isFull = max > 0 && open >= max
  const detail = isFull
    ? `all ${max} connections are taken: others are refused`
    : `${open} of ${max} connections, ${refused} refused`
  return { healthy: !isFull, detail }
}
