/** The ports of a node on this machine: its disk, its network, its clock, its randomness; and the node over them. */
import { renameSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import {
  DhtPlace,
  DnsDiscovery,
  listInterfaces,
  MdnsDiscovery,
  mdnsScope,
  MulticastSockets,
  openNameService,
  parseDnsName,
  PkarrDiscovery,
  RelayPlace,
  udpOn,
} from '../discovery/index.ts'
import { ClientService } from '../faces/links/index.ts'
import { Prng } from '../lib/index.ts'
import { CHECKPOINT_INTERVAL_ENTRIES, LOG_RETAINED_ENTRIES } from '../limits.ts'
import {
  createResolver,
  deriveCookieKey,
  keepAliveMsFor,
  openTransport,
  signaturesOf,
  systemClock,
  WHO_LISTENS_PROTOCOL,
  whoListens,
} from '../net/index.ts'
import type { NodeIdentity } from '../net/index.ts'
import { noRegistryStore, openNode } from '../node/index.ts'
import type { NodePorts, NodeServer, NodeSettings, RegistryStore } from '../node/index.ts'
import { noPeerStore } from '../peers/index.ts'
import type { PeerStore } from '../peers/index.ts'
import type { Discovery, Logger, Signatures } from '../ports/index.ts'
import { workerThreads } from '../threads/index.ts'
import type { NodeConfig } from './config/index.ts'
import { descriptorLimit, planDescriptors } from './descriptors.ts'
import { drawClusterId } from './draw-cluster-id.ts'
import { checkTicket, readTicket } from './ticket.ts'
import type { GivenTicket } from './ticket.ts'
import { deriveTopic } from './topic.ts'
import { packageVersion } from './package-version.ts'
import { settled } from './settled.ts'
import { openDurableHome, openMemoryHome, MetadataFile, PeerBookFile } from './stores/index.ts'
import type { NodeHome } from './stores/index.ts'

const MIB = 1024 * 1024
const SEED_BYTES = 6
/** How long a stopping node waits for what it has accepted, and for another leader, in milliseconds. */
const STOP_GRACE_MS = 3_000
/** For an address that DNS leads to, to say whose it is. */
const WHO_LISTENS_MS = 2_000

/** What the program around a node hears of it. */
export type Listeners = Pick<NodePorts, 'logger' | 'metrics' | 'onFault'>

/** The key and the data directory of a node; in memory for one that keeps nothing. @throws Error when it cannot be had */
export function openHome({ storageBackend, dataDir, nodeId }: NodeConfig): NodeHome {
  return storageBackend === 'InMemory' ? openMemoryHome(dataDir) : openDurableHome(dataDir, nodeId)
}

/** A node that is not started yet. The home stays the caller's, to be released when the node is closed, or was not made. */
export async function openRealNode(config: NodeConfig, home: NodeHome, listeners: Listeners): Promise<NodeServer> {
  for (const warning of home.warnings) listeners.logger.log('warn', warning)
  const topic = await deriveTopic(config.cookie)
  const tickets = { topic, wallClock: Date.now }
  const ports = { ...realPorts(config, home, listeners), tickets, ...(config.enableGossip ? { gossip: tickets } : {}) }
  const given = ticketOf(config, topic, ports.signatures)
  const server = await opened(ports, settingsOf(config))
  try {
    if (given !== null) {
      checkTicket(given, server.raft.view.clusterId)
      server.addTicketPeers(given.peers)
    }
  } catch (error) {
    await settled((done) => server.close(done))
    throw error
  }
  return server
}

function ticketOf({ ticket }: NodeConfig, topic: Uint8Array, signatures: Signatures): GivenTicket | null {
  return ticket === null ? null : readTicket(ticket, { topic, now: Date.now(), signatures })
}

function opened(ports: NodePorts, settings: NodeSettings): Promise<NodeServer> {
  return new Promise((resolve, reject) => {
    openNode(ports, settings, (error, server) => {
      if (server === undefined) reject(error ?? new Error('no node was made'))
      else resolve(server)
    })
  })
}

function realPorts(config: NodeConfig, home: NodeHome, listeners: Listeners): NodePorts & { readonly signatures: Signatures } {
  const { logger, metrics } = listeners
  const descriptors = planDescriptors(descriptorLimit())
  const clients = new ClientService({ clock: systemClock, metrics, maxLinks: descriptors.clientLinks })
  return {
    ...listeners,
    clock: systemClock,
    random: drawPrng(),
    transport: openTransport(
      {
        services: [clients],
        maxConnections: descriptors.links,
        identity: home.identity,
        cookie: config.cookie,
        host: config.ractorHost,
        port: config.ractorPort,
        advertised: config.advertiseAddr,
        keepAliveMs: keepAliveMsFor(config.electionTimeoutMinMs),
        logger,
        metrics,
        random: drawPrng(),
      },
      { choice: config.transport, relays: config.irohRelayUrls },
    ),
    openStores: (language) => home.openStores(language),
    signatures: signaturesOf(home.identity),
    discoveries: openDiscoveries(config, home.identity, logger),
    peerStore: openPeerStore(home.peerBookFile, logger),
    registryStore: openRegistryStore(home.metadataFile, logger),
    faces: [clients],
    threads: workerThreads,
    drawClusterId,
  }
}

function openDiscoveries(config: NodeConfig, identity: NodeIdentity, logger: Logger): Discovery[] {
  return [
    ...(config.enableMdns ? [openMdns(config, logger)] : []),
    ...(config.enableDnsDiscovery ? [openDns(config, logger)] : []),
    ...(config.enablePkarr ? [openPkarr(config, signaturesOf(identity), logger)] : []),
  ]
}

function openDns({ dnsDiscoveryUrl }: NodeConfig, logger: Logger): Discovery {
  const resolve = createResolver(systemClock)
  return new DnsDiscovery({
    clock: systemClock,
    random: drawPrng(),
    logger,
    names: dnsDiscoveryUrl.flatMap((text) => parseDnsName(text) ?? []),
    open: (server) => openNameService(server, systemClock, resolve),
    whoListens: (address) => whoListens(address, WHO_LISTENS_PROTOCOL, WHO_LISTENS_MS),
  })
}

function openPkarr(config: NodeConfig, signatures: Signatures, logger: Logger): Discovery {
  const { pkarrRelayUrl: url, pkarrDhtBootstrap: bootstrap, ractorHost } = config
  const same = { clock: systemClock, random: drawPrng(), signatures, resolve: createResolver(systemClock) }
  return new PkarrDiscovery({
    ...same,
    wallClock: Date.now,
    logger,
    places: [
      ...(url === null ? [] : [new RelayPlace({ ...same, url })]),
      ...(bootstrap.length === 0 ? [] : [new DhtPlace({ ...same, bootstrap, open: udpOn(ractorHost) })]),
    ],
  })
}

function openMdns({ cookie }: NodeConfig, logger: Logger): Discovery {
  return new MdnsDiscovery({
    clock: systemClock,
    random: drawPrng(),
    logger,
    interfaces: listInterfaces,
    open: (listener) => new MulticastSockets(listener),
    scope: async () => mdnsScope(await deriveCookieKey(cookie)),
  })
}

function settingsOf(config: NodeConfig): NodeSettings {
  const { nodeId, requestTimeoutMs, peers, raftMailboxCapacity, diskReserveMib, maxClusterVersion, autoPromote } = config
  return {
    nodeId,
    version: packageVersion(),
    timings: config,
    requestTimeoutMs,
    mailboxCapacity: raftMailboxCapacity,
    diskReserveBytes: diskReserveMib === null ? null : diskReserveMib * MIB,
    maxClusterVersion,
    autoPromote,
    peers,
    retainedEntries: LOG_RETAINED_ENTRIES,
    checkpointIntervalEntries: CHECKPOINT_INTERVAL_ENTRIES,
    stopGraceMs: STOP_GRACE_MS,
    restarts: restartsOf(config),
  }
}

function restartsOf(config: NodeConfig): Required<NodeSettings>['restarts'] {
  const SECOND_MS = 1_000
  return {
    maxRestarts: config.maxRestartCount,
    windowMs: config.restartWindowSecs * SECOND_MS,
    stabilityMs: config.actorStabilityDurationSecs * SECOND_MS,
    circuitOpenMs: config.circuitOpenDurationSecs * SECOND_MS,
    halfOpenStabilityMs: config.halfOpenStabilityDurationSecs * SECOND_MS,
  }
}

function drawPrng(): Prng {
  return new Prng(randomBytes(SEED_BYTES).readUIntBE(0, SEED_BYTES))
}

function openRegistryStore(file: string | null, logger: Logger): RegistryStore {
  if (file === null) return noRegistryStore
  return new MetadataFile(file, ({ message: reason }) => {
    const words =
      'what is known of other nodes could not be read or written; the node goes on with what it knows, and writes it again'
    logger.log('warn', words, { file, reason }, { cause: 'METADATA_UNUSABLE', from: file })
  })
}

function openPeerStore(file: string | null, logger: Logger): PeerStore {
  if (file === null) return noPeerStore
  const book = new PeerBookFile(file, ({ message: reason }) => {
    const words = 'the peer book could not be written; the node goes on with it in memory, and tries again at its next change'
    logger.log('warn', words, { file, reason }, { cause: 'PEER_BOOK_UNWRITABLE', from: file })
  })
  return {
    load: (now) => loadOrSetAside(book, file, now, logger),
    save: (entries, now) => book.save(entries, now),
    saved: () => book.saved(),
  }
}

/** It holds hints: a voter must not stay away for them. What a person has said, and may want to say again, is kept beside. */
function loadOrSetAside(book: PeerBookFile, file: string, now: number, logger: Logger): ReturnType<PeerBookFile['load']> {
  try {
    return book.load(now)
  } catch (error) {
    const kept = `${file}.unreadable`
    const reason = (error as Error).message
    renameSync(file, kept)
    logger.log('warn', 'the peer book cannot be read: it is set aside, and begins anew with what the node hears', {
      kept,
      reason,
    })
    return []
  }
}
