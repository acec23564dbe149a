import { Prng } from '../../src/lib/index.ts'
import { generateIdentity, systemClock } from '../../src/net/index.ts'
import type { NodeIdentity } from '../../src/net/index.ts'
import { IrohCarrier } from '../../src/net/iroh/index.ts'
import { LinkReports } from '../../src/net/link/index.ts'
import { PathsTransport } from '../../src/net/paths/index.ts'
import { noMetrics, RAFT_CHANNEL, silentLogger } from '../../src/ports/index.ts'
import { FAST, findDeadAddress } from './transport-direct-world.ts'
import { TransportObserver } from './transport-observer.ts'
import type { NodeOptions, TransportWorld, WorldNode } from './transport-world.ts'
import { ValveCarrier } from './valve-carrier.ts'

interface IrohNode extends WorldNode {
  readonly options: NodeOptions
  readonly identity: NodeIdentity
  readonly carrier: ValveCarrier
}

/** Real endpoints of iroh on loopback. To be run in a network namespace: see in-namespace.ts. */
export async function createIrohWorld(): Promise<TransportWorld> {
  const nodes = new Map<WorldNode, IrohNode>()
  const known = (node: WorldNode): IrohNode => nodes.get(node) as IrohNode
  const others = (node: WorldNode): IrohNode[] => [...nodes.values()].filter((each) => each !== node)
  const id = (node: WorldNode): string => node.transport.endpointId

  const start = async (options: NodeOptions, identity: NodeIdentity): Promise<WorldNode> => {
    const { cookie = 'cookie', ...rest } = options
    let unclaimed = 0
    const metrics = {
      ...noMetrics,
      counter: (_name: string, labels: Readonly<Record<string, string>> = {}) => ({
        add: () => void (labels['reason'] === 'channel' && unclaimed++),
      }),
    }
    const reports = new LinkReports(silentLogger, metrics)
    const place = {
      identity,
      host: '127.0.0.1',
      port: () => 0,
      relays: [],
      handshakeTimeoutMs: FAST.handshakeTimeoutMs as number,
    }
    const carrier = new ValveCarrier(new IrohCarrier(place, systemClock, reports))
    const transport = new PathsTransport({
      ...FAST,
      endpointId: identity.endpointId,
      cookie,
      reports,
      random: new Prng(options.nodeId),
      clock: systemClock,
      carriers: [carrier],
      ...(rest.maxQueueBytes === undefined ? {} : { maxQueueBytes: rest.maxQueueBytes }),
      ...(rest.keepAliveMs === undefined ? {} : { keepAliveMs: rest.keepAliveMs }),
    })
    const observer = new TransportObserver()
    const claims = { nodeId: options.nodeId, clusterId: options.clusterId ?? null, addresses: [], languageVersion: 1 }
    const channel = transport.attach(RAFT_CHANNEL, observer)
    await transport.start(claims)
    const node = { transport, channel, observer, unclaimed: () => unclaimed, claims, options, identity, carrier }
    nodes.set(node, node)
    return node
  }
  const bothWays = (a: WorldNode, b: WorldNode, run: (carrier: ValveCarrier, peer: string) => void): void => {
    run(known(a).carrier, id(b))
    run(known(b).carrier, id(a))
  }

  return {
    path: 'iroh-direct',
    deadCode: 'TIMEOUT',
    start: (options) => start(options, generateIdentity()),
    address: (_from, to) => to.transport.addresses()[0] as string,
    deadAddress: findDeadAddress,
    lose: (a, b) => bothWays(a, b, (carrier, peer) => carrier.lose(peer)),
    loseAt: (a, b) => known(a).carrier.lose(id(b)),
    cut: (a, b) => bothWays(a, b, (carrier, peer) => carrier.stall(peer, true)),
    heal: (a, b) => bothWays(a, b, (carrier, peer) => carrier.stall(peer, false)),
    kill: (node) => {
      for (const other of others(node)) {
        bothWays(node, other, (carrier, peer) => carrier.forget(peer, true))
        known(node).carrier.stall(id(other), true)
        other.carrier.lose(id(node))
      }
    },
    restart: async (node) => {
      const { options, identity } = known(node)
      for (const other of others(node)) {
        bothWays(node, other, (carrier, peer) => carrier.forget(peer, false))
        known(node).carrier.stall(id(other), false)
      }
      await node.transport.close()
      nodes.delete(node)
      return await start(options, identity)
    },
    close: async () => {
      await Promise.all([...nodes.keys()].map((node) => node.transport.close()))
    },
  }
}
