/** Nodes that serve a store over links on loopback, with nothing of a node behind them, and clients of them. */
import { AspenError } from '../../src/api/index.ts'
import { connectLink } from '../../src/client/index.ts'
import type { AspenLinkClient, LinkClientOptions, LinkEndpoint } from '../../src/client/index.ts'
import { ClientService } from '../../src/faces/links/index.ts'
import type { LinkedStore } from '../../src/faces/links/index.ts'
import type { ClientServiceOptions } from '../../src/faces/links/index.ts'
import { Prng } from '../../src/lib/index.ts'
import { DirectTransport, generateIdentity, LinkError, systemClock } from '../../src/net/index.ts'
import type { DirectTransportOptions } from '../../src/net/index.ts'
import { noMetrics, RAFT_CHANNEL, silentLogger } from '../../src/ports/index.ts'
import type { ChannelHandler, ServedLink, ServedProtocol } from '../../src/ports/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { findDeadAddress, FAST } from '../contracts/transport-direct-world.ts'
import type { Behaviour, ClientWorld } from './store-contract.ts'

const COOKIE = 'cookie'

/** What would reach consensus: written down. No client ever does. */
export class Peers implements ChannelHandler {
  readonly events: string[] = []
  opened(): void {
    this.events.push('opened')
  }
  claimed(): void {
    this.events.push('claimed')
  }
  closed(): void {
    this.events.push('closed')
  }
  refused(): void {
    this.events.push('refused')
  }
  message(): void {
    this.events.push('message')
  }
}

/** Hands everything on to the service, and counts what it is asked. */
class Watched implements ServedProtocol {
  readonly protocol: string
  readonly maxLinks: number
  readonly maxQueueBytes: number
  readonly keepAliveMs: number
  readonly links = new Set<ServedLink>()
  asked = 0
  /** Called before a message is handed on; true keeps it. */
  intercept: (link: ServedLink) => boolean = () => false
  readonly #service: ClientService

  constructor(service: ClientService) {
    this.#service = service
    this.protocol = service.protocol
    this.maxLinks = service.maxLinks
    this.maxQueueBytes = service.maxQueueBytes
    this.keepAliveMs = service.keepAliveMs
  }

  opened(link: ServedLink): void {
    this.links.add(link)
    this.#service.opened(link)
  }

  message(link: ServedLink, bytes: Uint8Array): void {
    this.asked++
    if (!this.intercept(link)) this.#service.message(link, bytes)
  }

  ended(link: ServedLink): void {
    this.links.delete(link)
    this.#service.ended(link)
  }

  closing(): Promise<void> {
    return this.#service.closing()
  }
}

export interface LinkNode {
  readonly endpoint: LinkEndpoint
  readonly transport: DirectTransport
  readonly watched: Watched
  readonly peers: Peers
  close(): Promise<void>
}

export type LinkNodeOptions = Partial<ClientServiceOptions> & Partial<DirectTransportOptions>

/** A listening node that serves this store. */
export async function startLinkNode(store: LinkedStore, options: LinkNodeOptions = {}): Promise<LinkNode> {
  const service = new ClientService({ clock: systemClock, keepAliveMs: 100, ...options })
  service.serve(store)
  const watched = new Watched(service)
  const peers = new Peers()
  const transport = new DirectTransport({
    ...FAST,
    identity: generateIdentity(),
    cookie: COOKIE,
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    metrics: noMetrics,
    random: new Prng(1),
    services: [watched],
    ...options,
    keepAliveMs: 100,
  })
  transport.attach(RAFT_CHANNEL, peers)
  await transport.start({ nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 })
  const [address = ''] = transport.addresses()
  const endpoint = { endpointId: transport.endpointId, address }
  return { endpoint, transport, watched, peers, close: () => transport.close() }
}

/** A client with the nodes' cookie and cost. */
export function connectTo(endpoints: readonly LinkEndpoint[], options: Partial<LinkClientOptions> = {}): AspenLinkClient {
  return connectLink({ endpoints, cookie: COOKIE, scryptCost: 2, ...options })
}

function behave(behaviour: Behaviour): LinkedStore {
  if (typeof behaviour === 'string') {
    const cluster = new InMemoryCluster({ initialized: true })
    cluster.pause()
    return cluster
  }
  const cluster = new InMemoryCluster({ initialized: true })
  cluster.refuseWith(new AspenError(behaviour.refuse, 'because', { at: 'test' }))
  return cluster
}

export function createLinkWorld(): ClientWorld<LinkEndpoint> {
  const nodes: LinkNode[] = []
  const clients: AspenLinkClient[] = []
  const start = async (store: LinkedStore): Promise<LinkNode> => {
    const node = await startLinkNode(store)
    nodes.push(node)
    return node
  }
  return {
    node: async (cluster) => (await start(cluster)).endpoint,
    scripted: async (behaviour) => {
      const { endpoint, watched } = await start(behave(behaviour))
      if (behaviour === 'reset') {
        watched.intercept = (link) => {
          link.abandon(new LinkError('ABORTED', 'as the test wants it'))
          return true
        }
      }
      return { target: endpoint, asked: () => watched.asked }
    },
    dead: async () => ({ endpointId: generateIdentity().endpointId, address: await findDeadAddress() }),
    client: (targets, options = {}) => {
      const client = connectTo(targets, options)
      clients.push(client)
      return client
    },
    deadDetails: ({ endpointId, address }) => ({ endpoint_id: endpointId, address, reason: 'ECONNREFUSED' }),
    close: async () => {
      for (const client of clients) client.close()
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}
