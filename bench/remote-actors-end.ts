/** What the two nodes of measured remote actors have in common. */
import { ActorSystem } from '../src/actor/index.ts'
import type { Remoting } from '../src/actor/index.ts'
import { Prng } from '../src/lib/index.ts'
import { DirectTransport, systemClock } from '../src/net/index.ts'
import type { FarEnd } from './link-end.ts'
import { linkOptions } from './link-end.ts'

export class Echo {
  echo(value: number): number {
    return value
  }
}

export interface End {
  readonly system: ActorSystem
  readonly transport: DirectTransport
  readonly remoting: Remoting
  readonly far: FarEnd
}

/** A node with actors, and without consensus. `keys` are those of both, once they are known. */
export async function startEnd(nodeId: number, keys: ReadonlyMap<number, string>): Promise<End> {
  const transport = new DirectTransport(linkOptions(nodeId))
  const system = new ActorSystem({ clock: systemClock, random: new Prng(nodeId) })
  const remoting = system.connect({
    links: transport,
    nodeId,
    endpointOf: (id) => keys.get(id) ?? null,
    nodeOf: (endpointId) => [...keys].find(([, key]) => key === endpointId)?.[0] ?? null,
  })
  await transport.start({ nodeId, clusterId: null, addresses: [], languageVersion: 1 })
  return { system, transport, remoting, far: { endpointId: transport.endpointId, addresses: transport.addresses() } }
}
