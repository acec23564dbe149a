import {
  AspenError,
  checkBackup,
  checkClusterVersion,
  checkEndpointId,
  checkMembership,
  checkNodeId,
  checkOptions,
  checkPeer,
  checkPeerChoice,
  checkPromotion,
  checkScan,
  checkVoters,
  toKey,
} from '../api/index.ts'
import { checkWrite } from '../commands/index.ts'
import { MAX_REQUEST_TIMEOUT_MS } from '../limits.ts'
import type {
  AddPeerRequest,
  Backup,
  BackupOptions,
  BackupSource,
  ChangeMembershipRequest,
  ClusterController,
  ClusterState,
  ClusterTicket,
  Data,
  KeyValue,
  KeyValueStore,
  MemberAdmin,
  NodeRecord,
  NodeStatus,
  PeerAdmin,
  PeerChoice,
  PeersReport,
  PromoteLearnerRequest,
  RequestOptions,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  WhyReport,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
import { camelCase, MalformedAnswer, toEntry, toScanPage, toWriteResult } from './answers.ts'
import type { JsonObject } from './answers.ts'
import { Caller } from './caller.ts'
import type { CallerWorld } from './caller.ts'
import { download } from './download.ts'
import { ANSWER_GRACE_MS } from './exchange.ts'
import { checkHttpOptions, checkUrls } from './http-options.ts'
import type { HttpClientOptions } from './http-options.ts'
import { readBody, scanBody, writeBody } from './requests.ts'

/** What GET /health says. */
export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  readonly nodeId: number
  readonly leader: number | null
  readonly ready: boolean
}

function changeBody({ members, learners, ifMembers, ifIndex }: ChangeMembershipRequest): object {
  return { members, learners, if_members: ifMembers, if_index: ifIndex }
}

function toClusterState(json: JsonObject): ClusterState {
  if (!Array.isArray(json['members'])) throw new MalformedAnswer('the members are missing in the answer')
  return camelCase(json) as ClusterState
}

function toLeader({ leader }: JsonObject): number | null {
  if (leader !== null && typeof leader !== 'number') throw new MalformedAnswer('the leader is missing in the answer')
  return leader
}

function toPeers(json: JsonObject): PeersReport {
  if (!Array.isArray(json['peers']) || !Array.isArray(json['sources']))
    throw new MalformedAnswer('the peers are missing in the answer')
  return camelCase(json) as PeersReport
}

function toTicket(json: JsonObject): ClusterTicket {
  if (typeof json['ticket'] !== 'string') throw new MalformedAnswer('the ticket is missing in the answer')
  return camelCase(json) as ClusterTicket
}

function toNodes(json: JsonObject): readonly NodeRecord[] {
  if (!Array.isArray(json['nodes'])) throw new MalformedAnswer('the nodes are missing in the answer')
  return camelCase(json['nodes']) as readonly NodeRecord[]
}

function toWhy(json: JsonObject): WhyReport {
  if (!Array.isArray(json['sentences'])) throw new MalformedAnswer('the sentences are missing in the answer')
  return camelCase(json) as WhyReport
}

function toStatus(json: JsonObject): NodeStatus {
  if (typeof json['node_id'] !== 'number') throw new MalformedAnswer('the node id is missing in the answer')
  return camelCase(json) as NodeStatus
}

/**
 * A cluster over HTTP. Any of the nodes given answers; when one does not, the next is asked, but a write without an
 * origin is never sent twice unless it provably changed nothing. `init`, `addPeer`, `forgetPeer`, `removePeer`, `peers`,
 * `clusterTicket`, `triggerSnapshot`, `backup`, `status` and `health` are about one node: the first of the URLs.
 *
 * Rejects with an AspenError; OUTCOME_UNKNOWN when a write was sent and not answered, NO_LEADER when no node was reached.
 */
export class AspenHttpClient implements KeyValueStore, ClusterController, MemberAdmin, PeerAdmin, BackupSource {
  readonly #caller: Caller
  readonly #first: URL
  readonly #options: HttpClientOptions

  /** @param world time, chance and the way to the nodes, where they are simulated */
  constructor(urls: string | readonly string[], options?: HttpClientOptions, world?: CallerWorld) {
    const checkedUrls = checkUrls(urls)
    const checkedOptions = checkHttpOptions(options)
    this.#first = checkedUrls[0] as URL
    this.#options = checkedOptions
    this.#caller = new Caller(checkedUrls, checkedOptions, world)
  }

  async write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    const checked = checkOptions(options)
    return this.#caller.call({
      method: 'POST',
      path: '/write',
      body: writeBody(checkWrite(command), checked),
      repeatable: checked.origin !== undefined,
      changes: true,
      timeoutMs: checked.timeoutMs,
      read: toWriteResult,
    })
  }

  async read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    const bytes = toKey(key)
    try {
      return await this.#caller.call({
        method: 'POST',
        path: '/read',
        body: readBody(typeof key === 'string' ? key : bytes),
        repeatable: true,
        timeoutMs: checkOptions(options).timeoutMs,
        read: (json) => toEntry(json, bytes),
      })
    } catch (error) {
      if (error instanceof AspenError && error.code === 'KEY_NOT_FOUND') return undefined
      throw error
    }
  }

  async scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    return this.#caller.call({
      method: 'POST',
      path: '/scan',
      body: scanBody(checkScan(request)),
      repeatable: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: toScanPage,
    })
  }

  async init(members: readonly number[], options?: RequestOptions): Promise<ClusterState> {
    return this.#caller.call({
      method: 'POST',
      path: '/init',
      body: { members: checkVoters(members) },
      repeatable: false,
      pinned: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: toClusterState,
    })
  }

  async addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState> {
    return this.#caller.call({
      method: 'POST',
      path: '/add-learner',
      body: {
        node_id: checkNodeId(nodeId, 'node_id'),
        ...(endpointId === undefined ? {} : { endpoint_id: checkEndpointId(endpointId) }),
      },
      repeatable: false,
      timeoutMs: checkOptions(options).timeoutMs,
      read: toClusterState,
    })
  }

  async changeMembership(request: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState> {
    return this.#caller.call({
      method: 'POST',
      path: '/change-membership',
      body: changeBody(checkMembership(request)),
      repeatable: false,
      timeoutMs: checkOptions(options).timeoutMs,
      read: toClusterState,
    })
  }

  async promoteLearner(request: PromoteLearnerRequest, options?: RequestOptions): Promise<ClusterState> {
    const { nodeId, replace, force, dryRun, ifMembers, ifIndex } = checkPromotion(request)
    return this.#caller.call({
      method: 'POST',
      path: '/admin/promote-learner',
      body: { node_id: nodeId, replace, force, dry_run: dryRun, if_members: ifMembers, if_index: ifIndex },
      repeatable: false,
      timeoutMs: checkOptions(options).timeoutMs,
      read: toClusterState,
    })
  }

  async transferLeadership(nodeId: number, options?: RequestOptions): Promise<void> {
    return this.#caller.call({
      method: 'POST',
      path: '/admin/transfer-leadership',
      body: { node_id: checkNodeId(nodeId, 'node_id') },
      repeatable: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: () => undefined,
    })
  }

  /** What the first node knows of every node. */
  async nodes(): Promise<readonly NodeRecord[]> {
    return this.#get('/nodes', true, toNodes)
  }

  /** Why the first node does not serve, or what requests wait for there. */
  async why(): Promise<WhyReport> {
    return this.#get('/why', true, toWhy)
  }

  async clusterState(): Promise<ClusterState> {
    return this.#get('/raft-metrics', false, (json) => toStatus(json).cluster)
  }

  async addPeer(peer: AddPeerRequest): Promise<void> {
    const { nodeId, endpointId, addresses, relay } = checkPeer(peer)
    await this.#caller.call({
      method: 'POST',
      path: '/add-peer',
      body: { node_id: nodeId, endpoint_id: endpointId, addresses, ...(relay === undefined ? {} : { relay }) },
      repeatable: true,
      pinned: true,
      timed: false,
      read: () => undefined,
    })
  }

  async forgetPeer(endpointId: string): Promise<void> {
    await this.#caller.call({
      method: 'POST',
      path: '/forget-peer',
      body: { endpoint_id: checkEndpointId(endpointId) },
      repeatable: true,
      pinned: true,
      timed: false,
      read: () => undefined,
    })
  }

  /** Whom the first node knows. */
  async peers(): Promise<PeersReport> {
    return this.#get('/peers', true, toPeers)
  }

  /** Of the first node. */
  async clusterTicket(): Promise<ClusterTicket> {
    return this.#get('/cluster-ticket', true, toTicket)
  }

  async removePeer(peer: PeerChoice): Promise<void> {
    const choice = checkPeerChoice(peer)
    await this.#caller.call({
      method: 'POST',
      path: '/remove-peer',
      body: 'endpointId' in choice ? { endpoint_id: choice.endpointId } : { node_id: choice.nodeId },
      repeatable: true,
      pinned: true,
      timed: false,
      read: () => undefined,
    })
  }

  async leader(): Promise<number | null> {
    return this.#get('/leader', false, toLeader)
  }

  async raiseVersion(version: number, options?: RequestOptions): Promise<void> {
    return this.#caller.call({
      method: 'POST',
      path: '/raise-version',
      body: { version: checkClusterVersion(version) },
      repeatable: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: () => undefined,
    })
  }

  async triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport> {
    return this.#caller.call({
      method: 'POST',
      path: '/trigger-snapshot',
      body: {},
      repeatable: true,
      pinned: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: ({ snapshot }) => camelCase(snapshot) as SnapshotReport,
    })
  }

  /** A copy of the state of the cluster, from the first node. The time is for the answer to begin, and between two pieces of it. */
  async backup(options?: BackupOptions): Promise<Backup> {
    const { local = false, timeoutMs = MAX_REQUEST_TIMEOUT_MS } = checkBackup(options)
    const path = local ? '/admin/backup?local=true' : '/admin/backup'
    const { token, ca } = this.#options
    return download({ url: this.#first, path, token, ca, patienceMs: timeoutMs + ANSWER_GRACE_MS })
  }

  /** Everything the first node says of itself. */
  async status(): Promise<NodeStatus> {
    return this.#get('/raft-metrics', true, toStatus)
  }

  /** Whether the first node makes progress. An unhealthy one is an answer, not an error. */
  async health(): Promise<HealthReport> {
    return this.#caller.call({
      method: 'GET',
      path: '/health',
      body: null,
      repeatable: true,
      pinned: true,
      anyStatus: true,
      read: ({ status, node_id: nodeId, leader, ready }) => ({ status, nodeId, leader, ready }) as HealthReport,
    })
  }

  /** Closes the connections. */
  close(): void {
    this.#caller.close()
  }

  async #get<T>(path: string, pinned: boolean, read: (json: JsonObject) => T): Promise<T> {
    return this.#caller.call({ method: 'GET', path, body: null, repeatable: true, pinned, read })
  }
}

/**
 * A client of the nodes at these URLs. Nothing is sent before the first call.
 *
 * @example
 * const aspen = connectHttp(['http://127.0.0.1:21001', 'http://127.0.0.1:21002'])
 * await aspen.write({ Set: { key: 'hello', value: 'world' } })
 * @throws AspenError INVALID_REQUEST when there is no URL, one is not http or https, or an option cannot be
 */
export function connectHttp(urls: string | readonly string[], options?: HttpClientOptions): AspenHttpClient {
  return new AspenHttpClient(urls, options)
}
