import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Prng } from '../../src/lib/index.ts'
import { parseAddress } from '../../src/api/index.ts'
import { DirectTransport, generateIdentity } from '../../src/net/index.ts'
import type { DirectTransportOptions, NodeIdentity } from '../../src/net/index.ts'
import { noMetrics, RAFT_CHANNEL, silentLogger } from '../../src/ports/index.ts'
import { TransportObserver } from './transport-observer.ts'
import { TransportProxy } from './transport-proxy.ts'
import type { NodeOptions, TransportWorld, WorldNode } from './transport-world.ts'

/** Short enough for tests that wait for them, long enough for a busy machine. */
export const FAST: Partial<DirectTransportOptions> = {
  keepAliveMs: 100,
  backoff: { minMs: 4, maxMs: 40 },
  handshakeTimeoutMs: 1_000,
  scryptCost: 2,
}

interface DirectNode extends WorldNode {
  readonly options: NodeOptions
  readonly identity: NodeIdentity
  /** What others dial: by the one that dials. */
  readonly proxies: Map<string, TransportProxy>
}

export async function createDirectWorld(): Promise<TransportWorld> {
  const nodes = new Map<WorldNode, DirectNode>()
  const dead = new Set<WorldNode>()
  const known = (node: WorldNode): DirectNode => nodes.get(node) as DirectNode
  const alive = (): DirectNode[] => [...nodes.values()].filter((node) => !dead.has(node))

  /** Every pair of nodes has a proxy for each direction, so that a pair can be cut. */
  const introduce = async (node: DirectNode, others: readonly DirectNode[]): Promise<void> => {
    const open = async (from: DirectNode, to: DirectNode): Promise<void> => {
      const port = parseAddress(to.transport.addresses()[0] as string)?.port as number
      const proxy = to.proxies.get(from.transport.endpointId) ?? new TransportProxy(port)
      to.proxies.set(from.transport.endpointId, proxy)
      proxy.target(port)
      await proxy.listen()
    }
    for (const other of others) {
      await open(node, other)
      await open(other, node)
    }
  }
  const start = async (
    options: NodeOptions,
    identity: NodeIdentity,
    proxies: Map<string, TransportProxy>,
  ): Promise<WorldNode> => {
    const { cookie = 'cookie', maxQueueBytes, keepAliveMs } = options
    let unclaimed = 0
    const transport = new DirectTransport({
      ...FAST,
      identity,
      cookie,
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
      metrics: {
        ...noMetrics,
        counter: (_name, labels) => ({ add: () => void (labels?.['reason'] === 'channel' && unclaimed++) }),
      },
      random: new Prng(options.nodeId),
      ...(maxQueueBytes === undefined ? {} : { maxQueueBytes }),
      ...(keepAliveMs === undefined ? {} : { keepAliveMs }),
    })
    const observer = new TransportObserver()
    const claims = { nodeId: options.nodeId, clusterId: options.clusterId ?? null, addresses: [], languageVersion: 1 }
    const channel = transport.attach(RAFT_CHANNEL, observer)
    await transport.start(claims)
    const node: DirectNode = { transport, channel, observer, unclaimed: () => unclaimed, claims, options, identity, proxies }
    const others = alive()
    nodes.set(node, node)
    await introduce(node, [...others, node])
    return node
  }
  const between = (a: WorldNode, b: WorldNode): TransportProxy[] =>
    [known(a).proxies.get(b.transport.endpointId), known(b).proxies.get(a.transport.endpointId)].filter(
      (proxy) => proxy !== undefined,
    )

  return {
    path: 'direct',
    deadCode: 'ECONNREFUSED',
    start: (options) => start(options, generateIdentity(), new Map()),
    address: (from, to) => (known(to).proxies.get(from.transport.endpointId) as TransportProxy).address,
    deadAddress: findDeadAddress,
    lose: (a, b) => between(a, b).forEach((proxy) => proxy.reset()),
    loseAt: (a, b) => known(b).proxies.get(a.transport.endpointId)?.resetDialers(),
    cut: (a, b) => between(a, b).forEach((proxy) => proxy.stall(true)),
    heal: (a, b) => between(a, b).forEach((proxy) => proxy.stall(false)),
    kill: (node) => {
      dead.add(node)
      for (const other of nodes.values()) between(node, other).forEach((proxy) => proxy.stop())
    },
    restart: async (node) => {
      const { options, identity, proxies } = known(node)
      await node.transport.close()
      nodes.delete(node)
      return await start(options, identity, proxies)
    },
    close: async () => {
      await Promise.all([...nodes.keys()].map((node) => node.transport.close()))
      for (const { proxies } of nodes.values()) proxies.forEach((proxy) => proxy.stop())
    },
  }
}

export async function findDeadAddress(): Promise<string> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const { port } = server.address() as AddressInfo
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>()
  server.close(() => onClosed())
  await closed
  return `127.0.0.1:${port}`
}
