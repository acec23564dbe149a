/** One node of a cluster inside this process, without an HTTP face: stores, links, replica and actor put together. */
import { randomBytes } from 'node:crypto'
import { AspenError, remainingRange, scanLimit, scanToken, toCommand, toKey } from '../api/index.ts'
import type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClientSequence,
  ClusterController,
  ClusterState,
  Data,
  KeyValue,
  KeyValueStore,
  NodeStatus,
  RequestOptions,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  StatusSource,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
import { Prng } from '../lib/index.ts'
import {
  CHECKPOINT_INTERVAL_ENTRIES,
  LOG_RETAINED_ENTRIES,
  MAX_CLIENT_ID_SIZE,
  MAX_COMMAND_SIZE,
  MAX_REQUEST_TIMEOUT_MS,
  MAX_SCAN_PAGE_BYTES,
  MAX_VOTERS,
} from '../limits.ts'
import { DirectTransport, openPeerBook, systemClock } from '../net/index.ts'
import type { PeerBook } from '../net/index.ts'
import { noMetrics, silentLogger } from '../ports/index.ts'
import type { Logger, Metrics, StateMachine, StoredSnapshot } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'
import { openReplica } from '../replica/index.ts'
import type { Replica, Reply, ReplicaOptions } from '../replica/index.ts'
import { encodeEnvelope, MAX_MEMBER_ADDRESSES } from '../wire/index.ts'
import { ClientService } from './client-links/index.ts'
import { completeConfig, ConfigError } from './config/index.ts'
import type { NodeConfig } from './config/index.ts'
import { clusterState, nodeStatus } from './node-status.ts'
import { closeStores, openDurableStores, openMemoryStores } from './open-stores.ts'
import type { Stores } from './open-stores.ts'
import { RaftActor } from './raft-actor.ts'
import { packageVersion } from './package-version.ts'

const CLUSTER_ID_BYTES = 16
const SEED_LIMIT = 2 ** 48
/** How long a stopping node waits for what it has accepted, and for another leader, in milliseconds. */
const STOP_GRACE_MS = 3_000

/** What a node needs from the program around it. */
export interface NodeDependencies {
  readonly logger?: Logger
  readonly metrics?: Metrics
  /** The node stopped itself because it could not trust its state any more. An embedding program decides what follows. */
  readonly onFatal?: (error: Error) => void
}

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
export class AspenNode implements KeyValueStore, ClusterController, StatusSource {
  readonly #parts: Parts
  readonly #startedAt: number
  readonly #version = packageVersion()
  #stopped: Promise<void> | null = null

  private constructor(parts: Parts, startedAt: number) {
    this.#parts = parts
    this.#startedAt = startedAt
  }

  /**
   * Opens the node's data, starts listening for peers, and takes part.
   * @throws ConfigError for settings; Error when the data directory is in use or damaged, or the port is taken
   */
  static async start(
    settings: Partial<NodeConfig> & Pick<NodeConfig, 'nodeId'>,
    dependencies: NodeDependencies = {},
  ): Promise<AspenNode> {
    const config = completeConfig(settings)
    checkAvailable(config, dependencies.logger ?? silentLogger)
    const startedAt = systemClock.now()
    const stores = config.storageBackend === 'InMemory' ? openMemoryStores() : openDurableStores(config.dataDir, config.nodeId)
    try {
      const parts = await assemble(config, stores, dependencies)
      const node = new AspenNode(parts, startedAt)
      parts.clients.serve(node)
      await startParts(parts)
      return node
    } catch (error) {
      await closeStores(stores)
      throw error
    }
  }

  get nodeId(): number {
    return this.#parts.config.nodeId
  }

  /** This node's Ed25519 public key, 64 hex characters. */
  get endpointId(): string {
    return this.#parts.transport.endpointId
  }

  // --- KeyValueStore ---

  async write(command: WriteCommand, options: WriteOptions = {}): Promise<WriteResult> {
    const envelope = encodeEnvelope({ origin: checkOrigin(options), command: toCommand(command) })
    if (envelope.length > MAX_COMMAND_SIZE) {
      throw new AspenError(
        'COMMAND_TOO_LARGE',
        `the command has ${envelope.length} bytes; at most ${MAX_COMMAND_SIZE} are allowed`,
        {
          size: envelope.length,
          limit: MAX_COMMAND_SIZE,
        },
      )
    }
    return this.#ask((reply, deadline) => this.#parts.actor.send({ type: 'write', envelope, deadline, reply }), options)
  }

  async read(key: Data, options: RequestOptions = {}): Promise<KeyValue | undefined> {
    const bytes = toKey(key)
    await this.#readable(options)
    return this.#fromState((state) => state.get(bytes))
  }

  async scan(request: ScanRequest, options: RequestOptions = {}): Promise<ScanPage> {
    const range = remainingRange(request)
    const limit = scanLimit(request)
    await this.#readable(options)
    const { rows, more } = this.#fromState((state) => state.scan(range, limit, MAX_SCAN_PAGE_BYTES))
    const last = rows.at(-1)
    return { entries: rows, token: more && last !== undefined ? scanToken(last.key) : null }
  }

  // --- ClusterController ---

  async init(members: readonly number[], options: RequestOptions = {}): Promise<ClusterState> {
    const voters = checkIds(members, 'members')
    if (voters.length === 0) throw new AspenError('INVALID_REQUEST', 'members is empty: name this node at least')
    if (!voters.includes(this.nodeId)) {
      throw new AspenError(
        'INVALID_REQUEST',
        `this is node ${this.nodeId}, which is not among the members [${voters.join(', ')}]: ask one of them`,
      )
    }
    const clusterId = randomBytes(CLUSTER_ID_BYTES).toString('hex')
    const { transport } = this.#parts
    const self = {
      id: this.nodeId,
      endpointId: transport.endpointId,
      addresses: transport.addresses().slice(0, MAX_MEMBER_ADDRESSES),
    }
    return this.#askMembership(
      (reply, deadline) => this.#parts.actor.send({ type: 'init', voters, clusterId, self, deadline, reply }),
      options,
    )
  }

  async addLearner(nodeId: number, endpointId?: string, options: RequestOptions = {}): Promise<ClusterState> {
    checkIds([nodeId], 'node_id')
    const request = { op: 'add-learner', nodeId, endpointId: endpointId ?? null } as const
    return this.#askMembership(
      (reply, deadline) => this.#parts.actor.send({ type: 'administer', request, deadline, reply }),
      options,
    )
  }

  async changeMembership(change: ChangeMembershipRequest, options: RequestOptions = {}): Promise<ClusterState> {
    const members = checkIds(change.members, 'members')
    if (members.length === 0) throw new AspenError('INVALID_REQUEST', 'members is empty: a cluster needs a voter')
    const learners = change.learners === undefined ? null : checkIds(change.learners, 'learners')
    const request = { op: 'change-membership', members, learners } as const
    return this.#askMembership(
      (reply, deadline) => this.#parts.actor.send({ type: 'administer', request, deadline, reply }),
      options,
    )
  }

  async clusterState(): Promise<ClusterState> {
    return clusterState(this.#parts.replica.view.membership)
  }

  async addPeer(peer: AddPeerRequest): Promise<void> {
    checkIds([peer.nodeId], 'node_id')
    const { peerBook, transport } = this.#parts
    if (peer.endpointId === transport.endpointId) throw new AspenError('INVALID_REQUEST', 'endpoint_id is this node itself')
    const { nodeId, endpointId, addresses, relay = null } = peer
    if (nodeId === this.nodeId) throw new AspenError('INVALID_REQUEST', `node_id ${nodeId} is this node itself`)
    this.#checkBound(nodeId, endpointId)
    const result = peerBook.add({ nodeId, endpointId, addresses, relay }, 'add-peer')
    if (result === 'invalid') {
      throw new AspenError('INVALID_REQUEST', 'endpoint_id must be 64 lower-case hexadecimal digits, and every address host:port')
    }
    if (result === 'full') throw new AspenError('OVERLOADED', 'the peer book is full', { queue: 'peer_book' })
  }

  /** What the configuration binds, hearsay does not change. */
  #checkBound(nodeId: number, endpointId: string): void {
    const holder = this.#parts.replica.view.membership.members.find((member) => member.endpointId === endpointId)
    if (holder === undefined || holder.id === nodeId) return
    throw new AspenError('NODE_AMBIGUOUS', `endpoint_id is the key of member ${holder.id}, not of node ${nodeId}`, {
      endpoint_ids: [endpointId],
    })
  }

  async leader(): Promise<number | null> {
    return this.#parts.replica.view.leader
  }

  async triggerSnapshot(options: RequestOptions = {}): Promise<SnapshotReport> {
    const snapshot = await this.#ask<StoredSnapshot>(
      (reply, deadline) => {
        const late = systemClock.setTimer(deadline - systemClock.now(), () => {
          reply(new AspenError('OUTCOME_UNKNOWN', 'the snapshot was not finished before the deadline; it may be later'))
        })
        this.#parts.actor.send({
          type: 'snapshot',
          reply: (error, value) => {
            late.cancel()
            reply(error, value)
          },
        })
        // A state at its quota takes longer than other requests may.
      },
      { timeoutMs: MAX_REQUEST_TIMEOUT_MS, ...options },
    )
    return { id: snapshot.id, logId: snapshot.last, sizeBytes: snapshot.sizeBytes }
  }

  // --- Status and life ---

  status(): NodeStatus {
    const { config, replica, actor, stores, transport } = this.#parts
    return nodeStatus({
      nodeId: config.nodeId,
      version: this.#version,
      startedAt: this.#startedAt,
      clock: systemClock,
      replica,
      actor: actor.status,
      log: stores.log,
      stateMachine: stores.stateMachine,
      snapshots: stores.snapshots,
      transport,
    })
  }

  /** Takes no more requests, hands leadership over, waits for what was accepted, and closes everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const { replica, transport, stores, saved } = this.#parts
    await new Promise<void>((resolve) => replica.stop(systemClock.now() + STOP_GRACE_MS, resolve))
    replica.close()
    await transport.close()
    await saved()
    await closeStores(stores)
  }

  async #readable(options: RequestOptions): Promise<void> {
    await this.#ask<void>((reply, deadline) => this.#parts.actor.send({ type: 'read', deadline, reply }), options)
  }

  /** A state that cannot be read, damaged pages say, is no state to go on with. */
  #fromState<T>(read: (state: StateMachine) => T): T {
    const { stores, replica } = this.#parts
    try {
      return read(stores.stateMachine)
    } catch (error) {
      replica.fail(error as Error)
      throw new AspenError('POISONED', 'the state of this node cannot be read: it takes no further part; ask another one')
    }
  }

  async #askMembership(
    send: (reply: Reply<Membership>, deadline: number) => void,
    options: RequestOptions,
  ): Promise<ClusterState> {
    return clusterState(await this.#ask(send, options))
  }

  /** From callbacks below to a promise above: it settles by the deadline, whatever happens. */
  async #ask<T>(send: (reply: Reply<T>, deadline: number) => void, options: RequestOptions): Promise<T> {
    const { timeoutMs = this.#parts.config.requestTimeoutMs } = options
    checkTimeout(timeoutMs)
    const deadline = systemClock.now() + timeoutMs
    return new Promise<T>((resolve, reject) => {
      send((error, value) => {
        if (error === undefined) resolve(value as T)
        else reject(error)
      }, deadline)
    })
  }
}

/** Settings of things that are not there yet: refused where a node could not do what it is asked, else said. */
function checkAvailable(config: NodeConfig, logger: Logger): void {
  if (config.transport === 'iroh') {
    throw new ConfigError('transport is iroh, which this version does not have: give auto or direct')
  }
  if (!config.enableDnsDiscovery && !config.enablePkarr) return
  logger.log('warn', 'this version has no discovery: name the peers with --peers or POST /add-peer')
}

/** A node whose port is taken must not go on without links. */
async function startParts({ replica, transport }: Parts): Promise<void> {
  try {
    await replica.start()
  } catch (error) {
    replica.close()
    await transport.close()
    throw error
  }
}

async function assemble(config: NodeConfig, stores: Stores, dependencies: NodeDependencies): Promise<Parts> {
  const { logger = silentLogger, metrics = noMetrics, onFatal = rethrow } = dependencies
  for (const warning of stores.warnings) logger.log('warn', warning)
  const { tornBytes } = stores.log.recovered
  if (tornBytes > 0)
    logger.log('warn', 'the log ended in a write that a crash had cut short; what was left of it is removed', {
      bytes: tornBytes,
    })
  const random = new Prng(randomBytes(6).readUIntBE(0, 6) % SEED_LIMIT)
  const clients = new ClientService({ metrics })
  const transport = new DirectTransport({
    services: [clients],
    identity: stores.identity,
    cookie: config.cookie,
    host: config.ractorHost,
    port: config.ractorPort,
    logger,
    metrics,
    random: new Prng(randomBytes(6).readUIntBE(0, 6)),
  })
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
    onMembership: ({ members }) => {
      for (const { id, endpointId, addresses } of members) {
        if (endpointId !== transport.endpointId) book.add({ endpointId, nodeId: id, addresses }, 'membership')
      }
    },
  })
  // Every source feeds the book, and every dial comes from it.
  book.subscribe((entry) => {
    if (entry.endpointId !== transport.endpointId) transport.connect(entry.endpointId, entry.addresses)
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

function open(options: ReplicaOptions): Promise<Replica> {
  return new Promise((resolve, reject) => {
    openReplica(options, (error, replica) => {
      if (error !== undefined || replica === undefined) reject(error ?? new Error('no replica was made'))
      else resolve(replica)
    })
  })
}

function rethrow(error: Error): never {
  throw error
}

function checkIds(ids: readonly number[], what: string): number[] {
  for (const id of ids) {
    if (!Number.isSafeInteger(id) || id < 1)
      throw new AspenError('INVALID_REQUEST', `${what} names node ${id}: node ids are whole numbers from 1`)
  }
  const unique = [...new Set(ids)].sort((a, b) => a - b)
  if (unique.length > MAX_VOTERS)
    throw new AspenError('INVALID_REQUEST', `${what} names ${unique.length} nodes; at most ${MAX_VOTERS} are allowed`)
  return unique
}

function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= MAX_REQUEST_TIMEOUT_MS) return
  throw new AspenError(
    'INVALID_REQUEST',
    `the timeout is ${timeoutMs} ms: it must be above 0 and at most ${MAX_REQUEST_TIMEOUT_MS}`,
  )
}

function checkOrigin({ origin }: WriteOptions): ClientSequence | null {
  if (origin === undefined) return null
  const size = Buffer.byteLength(origin.client)
  if (size < 1 || size > MAX_CLIENT_ID_SIZE || !origin.client.isWellFormed()) {
    throw new AspenError('INVALID_REQUEST', `the client id has ${size} bytes; 1 to ${MAX_CLIENT_ID_SIZE} are allowed`)
  }
  if (!Number.isSafeInteger(origin.sequence) || origin.sequence < 1) {
    throw new AspenError('INVALID_REQUEST', `the sequence is ${origin.sequence}: it must be a whole number from 1`)
  }
  return origin
}
