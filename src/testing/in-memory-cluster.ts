/**
 * A cluster in one object: the public interfaces over plain memory, with the limits, errors and results of a real
 * node and neither its log nor its links. Deterministic, so that programs written against the interfaces can be tested
 * with it. No call takes time, so no deadline passes: while it is paused, calls wait for {@link InMemoryCluster.resume}.
 */
import {
  AspenError,
  checkClusterVersion,
  checkEndpointId,
  checkMembership,
  checkNodeId,
  checked,
  checkOptions,
  checkPeer,
  checkPlace,
  checkScan,
  givenFields,
  givenItems,
  givenLength,
  givenText,
  NEWCOMER_ADVICE,
  remainingRange,
  scanLimit,
  scanToken,
  toKey,
} from '../api/index.ts'
import type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterState,
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
import { encodeWrite, LANGUAGE, readEnvelope } from '../commands/index.ts'
import { DEFAULT_MAILBOX_CAPACITY, MAX_MEMBER_ADDRESSES, MAX_SCAN_PAGE_BYTES } from '../limits.ts'
import { InMemoryMembership } from './in-memory-membership.ts'
import { InMemoryState } from './in-memory-state.ts'

export interface InMemoryClusterOptions {
  /** 1 when absent. */
  readonly nodeId?: number
  /** Whether the cluster exists from the start, with this node as its only voter. False when absent. */
  readonly initialized?: boolean
  readonly addresses?: readonly string[]
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
  #index = 0
  #snapshotIndex = 0
  #turns = 0
  #leader: number | null = null
  #poisoned: string | null = null
  #checks: readonly HealthCheck[] = [{ name: 'raft_actor', ok: true, detail: 'answers' }]
  #refusal: AspenError | null = null
  #gate: { readonly open: Promise<void>; readonly release: () => void } | null = null

  /** @throws AspenError INVALID_REQUEST */
  constructor(given: InMemoryClusterOptions = {}) {
    const options = checkClusterOptions(given)
    this.nodeId = options.nodeId ?? 1
    this.endpointId = this.nodeId.toString(16).padStart(64, '0')
    this.#addresses = options.addresses ?? ['127.0.0.1:26000']
    this.#membership = new InMemoryMembership(
      { id: this.nodeId, endpointId: this.endpointId, addresses: this.#addresses },
      () => this.#nextLogId().index,
    )
    if (options.initialized === true) {
      this.#membership.init([this.nodeId])
      this.#leader = this.nodeId
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

  async write(write: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    return this.#write(encodeWrite(write, checkOptions(options)))
  }

  /** {@link write} for those who were handed the envelope of a command. */
  async writeEnvelope(envelope: Uint8Array, options: RequestOptions): Promise<WriteResult> {
    checkOptions(options)
    readEnvelope(envelope)
    return this.#write(envelope)
  }

  async read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    const bytes = toKey(key)
    checkOptions(options)
    await this.#enter()
    this.#requireLeader()
    return this.#state.get(bytes)
  }

  async scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    const own = checkScan(request)
    const range = remainingRange(own)
    const limit = scanLimit(own)
    checkOptions(options)
    await this.#enter()
    this.#requireLeader()
    const { rows, more } = this.#state.scan(range, limit, MAX_SCAN_PAGE_BYTES)
    const last = rows.at(-1)
    return { entries: rows, token: more && last !== undefined ? scanToken(last.key) : null }
  }

  async init(members: readonly number[], options?: RequestOptions): Promise<ClusterState> {
    const voters = this.#membership.checkFounders(members)
    checkOptions(options)
    await this.#enter()
    const state = this.#membership.init(voters)
    this.#leader = this.nodeId
    return state
  }

  async addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState> {
    checkNodeId(nodeId, 'node_id')
    if (endpointId !== undefined) checkEndpointId(endpointId)
    checkOptions(options)
    await this.#enter()
    this.#requireLeader()
    return this.#membership.addLearner(nodeId, endpointId)
  }

  async changeMembership(request: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState> {
    const change = checkMembership(request)
    checkOptions(options)
    await this.#enter()
    this.#requireLeader()
    return this.#membership.change(change)
  }

  async clusterState(): Promise<ClusterState> {
    await this.#enter()
    return this.#membership.state
  }

  async addPeer(peer: AddPeerRequest): Promise<void> {
    const own = checkPeer(peer)
    checkPlace(own)
    await this.#enter()
    this.#membership.addPeer(own)
  }

  async forgetPeer(endpointId: string): Promise<void> {
    const own = checkEndpointId(endpointId)
    await this.#enter()
    this.#membership.forgetPeer(own)
  }

  async leader(): Promise<number | null> {
    await this.#enter()
    return this.#leader
  }

  async raiseVersion(version: number, options?: RequestOptions): Promise<void> {
    checkClusterVersion(version)
    checkOptions(options)
    await this.#enter()
    this.#requireInitialized()
    if (version <= LANGUAGE.version) return
    const message = `the cluster stays at version ${LANGUAGE.version} and was not raised to ${version}: node ${this.nodeId} can apply versions up to ${LANGUAGE.version}`
    throw new AspenError('CLUSTER_VERSION', message, { needs: version, cluster_version: LANGUAGE.version, held_back_by: [] })
  }

  async triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport> {
    checkOptions(options)
    await this.#enter()
    this.#requireInitialized()
    this.#snapshotIndex = this.#index
    return {
      id: `snapshot-1-${this.#index}`,
      logId: { term: 1, index: this.#index },
      sizeBytes: this.#state.info().bytes,
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
      knownCommitIndex: index,
      appliedIndex: index,
      purgedIndex: 0,
      snapshotIndex: this.#snapshotIndex,
      logBytes: 0,
      versions: { cluster: LANGUAGE.version, own: LANGUAGE.version, heldBackBy: [] },
      revision: this.#state.revision,
      keys: this.#state.info().keys,
      stateBytes: this.#state.info().bytes,
      proposalsInFlight: 0,
      readsInFlight: 0,
      mailbox: { depth: 0, capacity: DEFAULT_MAILBOX_CAPACITY, refused: 0 },
      turns: this.#turns,
      actors: [],
      electionsStarted: initialized ? 1 : 0,
      leaderChanges: initialized ? 1 : 0,
      snapshotsSent: 0,
      snapshotsInstalled: 0,
      cluster: this.#membership.state,
      memberHealth: [],
      knownPeers: [],
      peers: this.#membership.peers.map((peer) => ({
        endpointId: peer.endpointId,
        nodeId: peer.id,
        connected: true,
        lastError: null,
        path: 'direct' as const,
        sources: [],
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
    throw new AspenError('NOT_INITIALIZED', `this node belongs to no cluster yet. ${NEWCOMER_ADVICE}`)
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

  /** A repeated write has a place in the log too, and changes nothing. */
  async #write(envelope: Uint8Array): Promise<WriteResult> {
    await this.#enter()
    this.#requireLeader()
    this.#state.check(envelope)
    return this.#state.apply(envelope, this.#nextLogId())
  }
}

function checkClusterOptions(given: unknown): InMemoryClusterOptions {
  return checked('the options', () => {
    const { nodeId, initialized, addresses } = givenFields(given, 'the options', ['nodeId', 'initialized', 'addresses'])
    if (initialized !== undefined && typeof initialized !== 'boolean') {
      throw new AspenError('INVALID_REQUEST', `initialized is ${typeof initialized}: it must be true or false`)
    }
    return {
      ...(nodeId === undefined ? {} : { nodeId: checkNodeId(nodeId, 'nodeId') }),
      ...(initialized === undefined ? {} : { initialized }),
      ...(addresses === undefined ? {} : { addresses: checkAddresses(addresses) }),
    }
  })
}

function checkAddresses(given: unknown): readonly string[] {
  const count = givenLength(given, 'addresses')
  if (count > MAX_MEMBER_ADDRESSES)
    throw new AspenError('INVALID_REQUEST', `${count} addresses; at most ${MAX_MEMBER_ADDRESSES} are allowed`)
  return givenItems(given, count, (address) => givenText(address, 'an address'))
}
