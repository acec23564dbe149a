/** One node of a cluster inside this process, without an HTTP face: stores, links, replica and actor put together. */
import { randomBytes } from 'node:crypto'
import { AspenError } from '../api/index.ts'
import type { AddPeerRequest } from '../api/index.ts'
import { Prng } from '../lib/index.ts'
import { CHECKPOINT_INTERVAL_ENTRIES, LOG_RETAINED_ENTRIES } from '../limits.ts'
import { DirectTransport, keepAliveMsFor, openPeerBook, systemClock } from '../net/index.ts'
import type { NodeIdentity, PeerBook } from '../net/index.ts'
import { noMetrics, silentLogger } from '../ports/index.ts'
import type { Logger, Metrics, ServedProtocol } from '../ports/index.ts'
import { openReplica } from '../replica/index.ts'
import type { Replica, ReplicaOptions } from '../replica/index.ts'
import { ClientService } from '../faces/links/index.ts'
import { checkOptions } from './config/index.ts'
import type { NodeConfig } from './config/index.ts'
import { checkDependencies } from './node-dependencies.ts'
import type { NodeDependencies } from './node-dependencies.ts'
import { NodeService } from './node-service.ts'
import { closeStores, openDurableStores, openMemoryStores } from './open-stores.ts'
import type { Stores } from './open-stores.ts'
import { RaftActor } from './raft-actor.ts'
import { checkInstallation, packageVersion } from './package-version.ts'

const CLUSTER_ID_BYTES = 16
const SEED_LIMIT = 2 ** 48
/** How long a stopping node waits for what it has accepted, and for another leader, in milliseconds. */
const STOP_GRACE_MS = 3_000

interface Parts {
  readonly config: NodeConfig
  readonly stores: Stores
  readonly transport: DirectTransport
  readonly peerBook: PeerBook
  readonly saved: () => Promise<void>
  readonly replica: Replica
  readonly actor: RaftActor
  readonly clients: ClientService
}

/**
 * A node as a library.
 *
 * @example
 * const node = await AspenNode.start({ nodeId: 1, dataDir: './data/node-1' })
 * await node.init([1])
 * await node.write({ Set: { key: 'hello', value: 'world' } })
 * const entry = await node.read('hello')
 * await node.stop()
 */
export class AspenNode extends NodeService {
  readonly #parts: Parts
  #stopped: Promise<void> | null = null

  private constructor(parts: Parts) {
    const { config, stores } = parts
    super({
      ...parts,
      ...stores,
      nodeId: config.nodeId,
      version: packageVersion(),
      clock: systemClock,
      requestTimeoutMs: config.requestTimeoutMs,
      drawClusterId: () => randomBytes(CLUSTER_ID_BYTES).toString('hex'),
    })
    this.#parts = parts
  }

  /**
   * Opens the node's data, starts listening for peers, and takes part.
   * @throws ConfigError for settings; Error when the data directory is in use or damaged, or the port is taken
   */
  static async start(
    settings: Partial<NodeConfig> & Pick<NodeConfig, 'nodeId'>,
    dependencies: NodeDependencies = {},
  ): Promise<AspenNode> {
    const { config, warnings } = checkOptions(settings)
    const { logger = silentLogger } = checkDependencies(dependencies)
    for (const warning of warnings) logger.log('warn', warning)
    checkInstallation()
    const stores = config.storageBackend === 'InMemory' ? openMemoryStores() : openDurableStores(config.dataDir, config.nodeId)
    try {
      const parts = await assemble(config, stores, dependencies)
      const node = new AspenNode(parts)
      parts.clients.serve(node)
      await startParts(parts)
      return node
    } catch (error) {
      await closeStores(stores)
      throw error
    }
  }

  /** Takes no more requests, hands leadership over, waits for what was accepted, and closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** A stopped node keeps no book of peers: its data directory may be another process's by now. */
  override async addPeer(peer: AddPeerRequest): Promise<void> {
    if (this.#stopped !== null) throw new AspenError('STOPPING', 'this node was stopped; start it again, or ask another one')
    await super.addPeer(peer)
  }

  async #stop(): Promise<void> {
    const { replica, transport, stores, saved } = this.#parts
    await new Promise<void>((resolve) => replica.stop(systemClock.now() + STOP_GRACE_MS, resolve))
    replica.close()
    await transport.close()
    await saved()
    await closeStores(stores)
  }
}

/** A node whose port is taken must not go on without links. */
async function startParts({ config, replica, transport }: Parts): Promise<void> {
  try {
    replica.start()
    await transport.start({ nodeId: config.nodeId, clusterId: replica.view.clusterId, addresses: [] })
    transport.announce({ addresses: transport.addresses() })
  } catch (error) {
    replica.close()
    await transport.close()
    throw error
  }
}

async function assemble(config: NodeConfig, stores: Stores, dependencies: NodeDependencies): Promise<Parts> {
  const { logger = silentLogger, metrics = noMetrics, onFatal = leaveToCallers } = dependencies
  for (const warning of stores.warnings) logger.log('warn', warning)
  const { tornBytes } = stores.log.recovered
  if (tornBytes > 0)
    logger.log('warn', 'the log ended in a write that a crash had cut short; what was left of it is removed', {
      bytes: tornBytes,
    })
  const random = new Prng(randomBytes(6).readUIntBE(0, 6) % SEED_LIMIT)
  const clients = new ClientService({ clock: systemClock, metrics })
  const transport = createTransport(config, stores.identity, [clients], { logger, metrics })
  const peerBookFile = openPeerBook(stores.peerBookFile, (error) => {
    logger.log(
      'warn',
      'the peer book could not be written; the node goes on with it in memory, and tries again at its next change',
      {
        file: stores.peerBookFile,
        reason: error.message,
      },
    )
  })
  const { book } = peerBookFile
  const replica = await open({
    nodeId: config.nodeId,
    clock: systemClock,
    random,
    log: stores.log,
    stateMachine: stores.stateMachine,
    snapshots: stores.snapshots,
    volumes: stores.volumes,
    transport,
    logger,
    metrics,
    timings: config,
    retainedEntries: LOG_RETAINED_ENTRIES,
    checkpointIntervalEntries: CHECKPOINT_INTERVAL_ENTRIES,
    onFatal,
    nodeIdHint: (endpointId) => book.get(endpointId)?.nodeId ?? null,
    onLinked: ({ endpointId, claims }) =>
      void book.add({ endpointId, nodeId: claims.nodeId, addresses: claims.addresses }, 'link'),
    onClusterId: (clusterId) => transport.announce({ clusterId }),
    onMembership: ({ members }) => {
      for (const { id, endpointId, addresses } of members) {
        if (endpointId !== transport.endpointId) book.add({ endpointId, nodeId: id, addresses }, 'membership')
      }
    },
  })
  // Every source feeds the book, and every dial comes from it.
  book.subscribe((entry) => {
    if (entry.endpointId !== transport.endpointId) transport.connect(entry)
  })
  for (const peer of config.peers) {
    const { nodeId, endpointId, addresses, relay = null } = peer
    book.add({ nodeId, endpointId, addresses, relay }, 'peers')
  }
  const actor = new RaftActor(replica, {
    capacity: config.raftMailboxCapacity,
    defer: (run) => systemClock.defer(run),
    onFault: onFatal,
  })
  return { config, stores, transport, peerBook: book, saved: () => peerBookFile.saved(), replica, actor, clients }
}

function createTransport(
  config: NodeConfig,
  identity: NodeIdentity,
  services: readonly ServedProtocol[],
  { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics },
): DirectTransport {
  return new DirectTransport({
    identity,
    services,
    cookie: config.cookie,
    host: config.ractorHost,
    port: config.ractorPort,
    keepAliveMs: keepAliveMsFor(config.electionTimeoutMinMs),
    logger,
    metrics,
    random: new Prng(randomBytes(6).readUIntBE(0, 6)),
  })
}

function open(options: ReplicaOptions): Promise<Replica> {
  return new Promise((resolve, reject) => {
    openReplica(options, (error, replica) => {
      if (error !== undefined || replica === undefined) reject(error ?? new Error('no replica was made'))
      else resolve(replica)
    })
  })
}

/** The log has the reason, and every call is rejected from now on: a library does not end the program around it. */
function leaveToCallers(): void {}
