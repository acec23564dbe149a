/**
 * A cluster in one object: the public interfaces over plain memory, with the limits, errors and results of a real
 * node and none of its parts. Deterministic, so that programs written against the interfaces can be tested with it.
 */
import { AspenError, remainingRange, scanLimit, scanToken, toCommand, toKey } from '../api/index.ts'
import type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterState,
  Command,
  Data,
  HealthCheck,
  KeyValue,
  KeyValueStore,
  NodeStatus,
  RequestOptions,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  StatusSource,
  WriteCommand,
  WriteLogId,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
import { utf8Encode } from '../lib/index.ts'
import {
  DEFAULT_MAILBOX_CAPACITY,
  MAX_CLIENT_ID_SIZE,
  MAX_CLIENT_SESSIONS,
  MAX_COMMAND_SIZE,
  MAX_SCAN_PAGE_BYTES,
} from '../limits.ts'
import { InMemoryMembership } from './in-memory-membership.ts'
import { InMemoryState } from './in-memory-state.ts'

export interface InMemoryClusterOptions {
  /** 1 when absent. */
  readonly nodeId?: number
  /** Whether the cluster exists from the start, with this node as its only voter. False when absent. */
  readonly initialized?: boolean
  readonly addresses?: readonly string[]
}

/** The bytes of an encoded command, to within its headers. */
function commandSize(command: Command): number {
  const parts = command.type === 'batch' ? command.operations : [...command.compare, ...command.then, ...command.else]
  let size = 0
  for (const part of parts) size += part.key.length + ('value' in part ? part.value.length : 0)
  return size
}

/**
 * A single-process {@link KeyValueStore}, {@link ClusterController} and {@link StatusSource}.
 *
 * @example
 * const cluster = new InMemoryCluster({ initialized: true })
 * await cluster.write({ Set: { key: 'hello', value: 'world' } })
 */
export class InMemoryCluster implements KeyValueStore, ClusterController, StatusSource {
  readonly nodeId: number
  readonly endpointId: string
  readonly #addresses: readonly string[]
  readonly #state = new InMemoryState()
  readonly #membership: InMemoryMembership
  readonly #sessions = new Map<string, { readonly sequence: number; readonly result: WriteResult }>()
  #index = 0
  #snapshotIndex = 0
  #turns = 0
  #leader: number | null = null
  #poisoned: string | null = null
  #checks: readonly HealthCheck[] = [{ name: 'raft_actor', ok: true, detail: 'answers' }]
  #refusal: AspenError | null = null
  #gate: { readonly open: Promise<void>; readonly release: () => void } | null = null

  constructor(options: InMemoryClusterOptions = {}) {
    this.nodeId = options.nodeId ?? 1
    this.endpointId = this.nodeId.toString(16).padStart(64, '0')
    this.#addresses = options.addresses ?? ['127.0.0.1:26000']
    this.#membership = new InMemoryMembership({ id: this.nodeId, endpointId: this.endpointId, addresses: this.#addresses })
    if (options.initialized === true) {
      this.#membership.init([this.nodeId])
      this.#leader = this.nodeId
      this.#index = 1
    }
  }

  /** Every call rejects with this error until it is called with null. */
  refuseWith(error: AspenError | null): void {
    this.#refusal = error
  }

  /** Every call waits from now on until {@link resume}. */
  pause(): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate ??= { open: promise, release: resolve }
  }

  resume(): void {
    this.#gate?.release()
    this.#gate = null
  }

  /** The leader that `leader()` and `status()` name. Without one, reads and writes reject with NO_LEADER. */
  setLeader(leader: number | null): void {
    this.#leader = leader
  }

  poison(reason: string): void {
    this.#poisoned = reason
  }

  setChecks(checks: readonly HealthCheck[]): void {
    this.#checks = checks
  }

  async write(write: WriteCommand, options: WriteOptions = {}): Promise<WriteResult> {
    const command = toCommand(write)
    const size = commandSize(command)
    if (size > MAX_COMMAND_SIZE) {
      throw new AspenError('COMMAND_TOO_LARGE', `the command has ${size} bytes; at most ${MAX_COMMAND_SIZE} are allowed`, {
        size,
        limit: MAX_COMMAND_SIZE,
      })
    }
    await this.#enter()
    this.#requireLeader()
    return this.#once(options, () => this.#state.apply(command, this.#nextLogId()))
  }

  async read(key: Data, _options?: RequestOptions): Promise<KeyValue | undefined> {
    const bytes = toKey(key)
    await this.#enter()
    this.#requireLeader()
    return this.#state.get(bytes)
  }

  async scan(request: ScanRequest, _options?: RequestOptions): Promise<ScanPage> {
    const range = remainingRange(request)
    const limit = scanLimit(request)
    await this.#enter()
    this.#requireLeader()
    const { rows, more } = this.#state.scan(range, limit, MAX_SCAN_PAGE_BYTES)
    const last = rows.at(-1)
    return { entries: rows, token: more && last !== undefined ? scanToken(last.key) : null }
  }

  async init(members: readonly number[]): Promise<ClusterState> {
    await this.#enter()
    const state = this.#membership.init(members)
    this.#leader = this.nodeId
    this.#nextLogId()
    return state
  }

  async addLearner(nodeId: number, endpointId?: string): Promise<ClusterState> {
    await this.#enter()
    this.#requireLeader()
    const state = this.#membership.addLearner(nodeId, endpointId)
    this.#nextLogId()
    return state
  }

  async changeMembership(request: ChangeMembershipRequest): Promise<ClusterState> {
    await this.#enter()
    this.#requireLeader()
    const state = this.#membership.change(request)
    this.#nextLogId()
    return state
  }

  async clusterState(): Promise<ClusterState> {
    await this.#enter()
    return this.#membership.state
  }

  async addPeer(peer: AddPeerRequest): Promise<void> {
    await this.#enter()
    this.#membership.addPeer(peer)
  }

  async leader(): Promise<number | null> {
    await this.#enter()
    return this.#leader
  }

  async triggerSnapshot(): Promise<SnapshotReport> {
    await this.#enter()
    this.#requireInitialized()
    this.#snapshotIndex = this.#index
    return {
      id: `snapshot-1-${this.#index}`,
      logId: { term: 1, index: this.#index },
      sizeBytes: this.#state.bytes,
    }
  }

  status(): NodeStatus {
    const initialized = this.#membership.initialized
    const index = this.#index
    return {
      nodeId: this.nodeId,
      endpointId: this.endpointId,
      version: '0.0.0',
      addresses: this.#addresses,
      clusterId: initialized ? '0'.repeat(32) : null,
      initialized,
      role: initialized && this.#leader === this.nodeId ? 'leader' : 'follower',
      term: initialized ? 1 : 0,
      leader: this.#leader,
      votedFor: initialized ? this.nodeId : null,
      lastLogIndex: index,
      lastLogTerm: initialized ? 1 : 0,
      persistedIndex: index,
      commitIndex: index,
      appliedIndex: index,
      purgedIndex: 0,
      snapshotIndex: this.#snapshotIndex,
      logBytes: 0,
      keys: this.#state.keys,
      stateBytes: this.#state.bytes,
      proposalsInFlight: 0,
      readsInFlight: 0,
      mailbox: { depth: 0, capacity: DEFAULT_MAILBOX_CAPACITY, refused: 0 },
      turns: this.#turns,
      electionsStarted: initialized ? 1 : 0,
      leaderChanges: initialized ? 1 : 0,
      snapshotsSent: 0,
      snapshotsInstalled: 0,
      cluster: this.#membership.state,
      peers: this.#membership.peers.map((peer) => ({
        endpointId: peer.endpointId,
        nodeId: peer.id,
        connected: true,
        lastError: null,
        matchIndex: index,
        lastContactMs: 0,
      })),
      disk: null,
      poisoned: this.#poisoned,
      checks: this.#checks,
      uptimeMs: this.#turns,
    }
  }

  /** What every call passes first. Only a paused cluster makes it wait. */
  async #enter(): Promise<void> {
    this.#turns++
    if (this.#gate !== null) await this.#gate.open
    if (this.#refusal !== null) throw this.#refusal
    if (this.#poisoned !== null) throw new AspenError('POISONED', `this node stopped taking part: ${this.#poisoned}`)
  }

  #requireInitialized(): void {
    if (this.#membership.initialized) return
    throw new AspenError('NOT_INITIALIZED', 'this node belongs to no cluster yet: found one with init, or add it to one')
  }

  #requireLeader(): void {
    this.#requireInitialized()
    if (this.#leader === null)
      throw new AspenError('NO_LEADER', 'the cluster has no leader at the moment', { leader: null, term: 1 })
  }

  #nextLogId(): WriteLogId {
    this.#index++
    return { term: 1, index: this.#index }
  }

  /** A repeated (client, sequence) is answered as the first time; only each client's last sequence is remembered. */
  #once({ origin }: WriteOptions, run: () => WriteResult): WriteResult {
    if (origin === undefined) return run()
    const length = origin.client.isWellFormed() ? utf8Encode(origin.client).length : 0
    if (length === 0 || length > MAX_CLIENT_ID_SIZE || !Number.isSafeInteger(origin.sequence) || origin.sequence < 0) {
      throw new AspenError(
        'INVALID_REQUEST',
        `a client id has 1 to ${MAX_CLIENT_ID_SIZE} bytes of UTF-8 and its sequence is a whole number from 0`,
      )
    }
    const last = this.#sessions.get(origin.client)
    if (last?.sequence === origin.sequence) return last.result
    if (last !== undefined && last.sequence > origin.sequence) {
      throw new AspenError('INVALID_REQUEST', `sequence ${origin.sequence} is older than the client's last one, ${last.sequence}`)
    }
    const result = run()
    this.#sessions.delete(origin.client)
    this.#sessions.set(origin.client, { sequence: origin.sequence, result })
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > MAX_CLIENT_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
    return result
  }
}
