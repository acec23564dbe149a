import { Prng } from '../../src/lib/index.ts'
import { generateIdentity } from '../../src/net/index.ts'
import { RAFT_CHANNEL } from '../../src/ports/index.ts'
import { Life, RELIABLE_NETWORK, Scheduler, SimNetwork } from '../../src/simulation/index.ts'
import { TransportObserver } from './transport-observer.ts'
import type { NodeOptions, TransportWorld, WorldNode } from './transport-world.ts'

/** Virtual time that passes in each turn of the event loop. */
const MS_PER_TURN = 5

interface SimNode extends WorldNode {
  readonly options: NodeOptions
  readonly life: Life
}

/** The simulated network, whose virtual time runs by itself for as long as the world is open. */
export async function createSimWorld(): Promise<TransportWorld> {
  const scheduler = new Scheduler()
  const network = new SimNetwork(scheduler, new Prng(1), RELIABLE_NETWORK)
  const nodes = new Map<WorldNode, SimNode>()
  let open = true
  const run = (): void => {
    const until = scheduler.now + MS_PER_TURN
    while (scheduler.step(until));
    if (open) setImmediate(run)
  }
  setImmediate(run)

  const start = async (options: NodeOptions, endpointId: string): Promise<WorldNode> => {
    const life = new Life(scheduler, endpointId)
    const transport = network.attach(endpointId, life)
    const observer = new TransportObserver()
    const claims = { nodeId: options.nodeId, clusterId: options.clusterId ?? null, addresses: [], languageVersion: 1 }
    const channel = transport.attach(RAFT_CHANNEL, observer)
    const before = network.counters.unclaimed
    await transport.start(claims)
    const node = { transport, channel, observer, unclaimed: () => network.counters.unclaimed - before, claims, options, life }
    nodes.set(node, node)
    return node
  }
  const known = (node: WorldNode): SimNode => nodes.get(node) as SimNode
  const ids = (a: WorldNode, b: WorldNode): [string, string] => [a.transport.endpointId, b.transport.endpointId]
  const bothWays = (a: WorldNode, b: WorldNode, run: (from: string, to: string) => void): void => {
    const [x, y] = ids(a, b)
    run(x, y)
    run(y, x)
  }

  return {
    path: 'direct',
    deadCode: 'ECONNREFUSED',
    start: (options) => start(options, generateIdentity().endpointId),
    address: (_from, to) => to.transport.addresses()[0] as string,
    deadAddress: async () => 'nobody.sim:1',
    lose: (a, b) => network.breakLinks(...ids(a, b)),
    loseAt: (a, b) => network.breakLinksAt(...ids(a, b)),
    cut: (a, b) => bothWays(a, b, (from, to) => network.cut(from, to)),
    heal: (a, b) => bothWays(a, b, (from, to) => network.heal(from, to)),
    kill: (node) => {
      known(node).life.end()
      network.crashed(node.transport.endpointId, 'killed')
    },
    restart: (node) => start(known(node).options, node.transport.endpointId),
    close: async () => {
      await Promise.all([...nodes.values()].map(({ transport }) => transport.close()))
      open = false
    },
  }
}
