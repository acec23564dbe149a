import { generateIdentity, systemClock } from '../../src/net/index.ts'
import { RAFT_CHANNEL } from '../../src/ports/index.ts'
import { MemoryNetwork } from '../memory-network/memory-network.ts'
import type { MemoryTransport } from '../memory-network/memory-transport.ts'
import { TransportObserver } from './transport-observer.ts'
import type { NodeOptions, TransportWorld, WorldNode } from './transport-world.ts'

interface MemoryNode extends WorldNode {
  readonly options: NodeOptions
}

export async function createMemoryWorld(): Promise<TransportWorld> {
  const network = new MemoryNetwork(systemClock)
  const nodes = new Map<WorldNode, MemoryNode>()
  const addresses = new Map<string, string>()

  const start = async (options: NodeOptions, endpointId: string): Promise<WorldNode> => {
    const { maxQueueBytes } = options
    const settings = {
      endpointId,
      cookie: options.cookie ?? 'cookie',
      redialMs: 2,
      ...(maxQueueBytes === undefined ? {} : { maxQueueBytes }),
    }
    const transport: MemoryTransport = network.createTransport(settings, addresses.get(endpointId))
    const observer = new TransportObserver()
    const claims = { nodeId: options.nodeId, clusterId: options.clusterId ?? null, addresses: [], languageVersion: 1 }
    const channel = transport.attach(RAFT_CHANNEL, observer)
    await transport.start(claims)
    addresses.set(endpointId, transport.addresses()[0] as string)
    const node = { transport, channel, observer, unclaimed: () => transport.unclaimed, claims, options }
    nodes.set(node, node)
    return node
  }
  const ids = (a: WorldNode, b: WorldNode): [string, string] => [a.transport.endpointId, b.transport.endpointId]

  return {
    path: 'direct',
    deadCode: 'ECONNREFUSED',
    start: (options) => start(options, generateIdentity().endpointId),
    address: (_from, to) => addresses.get(to.transport.endpointId) as string,
    deadAddress: async () => 'nobody:1',
    lose: (a, b) => network.lose(...ids(a, b)),
    loseAt: (a, b) => network.loseAt(...ids(a, b)),
    cut: (a, b) => network.cut(...ids(a, b)),
    heal: (a, b) => network.heal(...ids(a, b)),
    kill: (node) => network.kill(node.transport.endpointId),
    restart: (node) => start((nodes.get(node) as MemoryNode).options, node.transport.endpointId),
    close: async () => {
      await Promise.all([...nodes.values()].map((node) => node.transport.close()))
    },
  }
}
