/**
 * What a node answers: the public interfaces over whatever incarnation of its replica there is. Nothing here knows whether disk,
 * network and time are real ones.
 */
import {
  AspenError,
  checkClusterVersion,
  checkEndpointId,
  checkMembership,
  checkNodeId,
  checkOptions,
  checkPeer,
  checkPeerChoice,
  checkPlace,
  checkPromotion,
  checkScan,
  checkVoters,
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
  StatusSource,
  WhyReport,
  ActorAdmin,
  BackupOptions,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
import type { ActorSnapshot } from '../actor/index.ts'
import { encodeWrite, LANGUAGE, readEnvelope } from '../commands/index.ts'
import type { Language } from '../commands/index.ts'
import {
  MAX_MEMBER_ADDRESSES,
  MAX_REQUEST_TIMEOUT_MS,
  MAX_SCAN_PAGE_BYTES,
  MAX_STATE_COPIES,
  STRANGER_EXPIRY_MS,
} from '../limits.ts'
import type { PeerBook } from '../peers/index.ts'
import type { Clock, SnapshotReading, StoredSnapshot, Transport } from '../ports/index.ts'
import type { Member } from '../raft/index.ts'
import type { Reply } from '../replica/index.ts'
import { issueTicket } from './cluster-ticket.ts'
import type { TicketParts } from './cluster-ticket.ts'
import type { Configuration } from '../wire/index.ts'
import type { NodeFailureDetection } from './node-failure-detection.ts'
import type { NodeRegistry } from './node-registry.ts'
import { clusterState, nodeStatus, whyReport } from './node-status.ts'
import { peersReport } from './peer-report.ts'
import type { DiscoveryParts } from './peer-report.ts'
import type { RaftHandle } from './raft-handle.ts'
import { administration } from './raft-messages.ts'
import { actorOf } from './actors/index.ts'
import type { SupervisedActors } from './actors/index.ts'
import type { LostDisk } from './lost-disk.ts'
import type { Removal } from './removal.ts'
import { ReadTurns } from './read-turns.ts'

export interface ServiceParts extends Pick<TicketParts, 'signatures' | 'tickets'> {
  readonly nodeId: number
  readonly version: string
  readonly clock: Clock
  readonly raft: RaftHandle
  readonly transport: Transport
  readonly peerBook: PeerBook
  readonly removal: Removal
  readonly lostDisk: LostDisk
  readonly failures: Pick<NodeFailureDetection, 'report'>
  readonly registry: Pick<NodeRegistry, 'report'>
  /** How peers are heard of. */
  readonly discovery: () => DiscoveryParts
  /** For requests that name no timeout of their own. */
  readonly requestTimeoutMs: number
  /** Of the RaftActor. */
  readonly mailboxCapacity: number
  /** Those of the node. */
  readonly actors: () => readonly ActorSnapshot[]
  /** Calls back when it serves again. */
  readonly restartActor: (actor: keyof SupervisedActors, done: (error?: Error) => void) => void
  /** What this node writes and reads commands with. That of this program when absent. */
  readonly language?: Language
  /** 32 hex characters, for the cluster that `init` founds. */
  readonly drawClusterId: () => string
  /** Called with every answer, before whoever waits for it goes on. */
  readonly onAnswer?: (error: Error | undefined) => void
}

/** A snapshot of the state, open for reading. */
export interface StateCopy extends SnapshotReading {
  readonly nodeId: number
  readonly snapshot: StoredSnapshot
}

export class NodeService implements KeyValueStore, ClusterController, StatusSource, ActorAdmin, MemberAdmin, PeerAdmin {
  readonly #parts: ServiceParts
  readonly #startedAt: number
  /** Apart, so that who reads a key does not wait behind pages. */
  readonly #reads: ReadTurns
  readonly #language: Language
  readonly #pages: ReadTurns
  /** That are being read. */
  #copies = 0

  constructor(parts: ServiceParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
    this.#reads = new ReadTurns(parts.clock)
    this.#language = parts.language ?? LANGUAGE
    this.#pages = new ReadTurns(parts.clock)
  }

  get nodeId(): number {
    return this.#parts.nodeId
  }

  /** This node's Ed25519 public key, 64 hex characters. */
  get endpointId(): string {
    return this.#parts.transport.endpointId
  }

  // --- KeyValueStore ---

  async write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    const checked = checkOptions(options)
    return this.#write(encodeWrite(command, checked, this.#language), checked)
  }

  /** {@link write} for those who were handed the envelope of a command: it is read, and handed on as it is. */
  async writeEnvelope(envelope: Uint8Array, options: RequestOptions): Promise<WriteResult> {
    readEnvelope(envelope, this.#language)
    return this.#write(envelope, checkOptions(options))
  }

  #write(envelope: Uint8Array, options: RequestOptions): Promise<WriteResult> {
    return this.#ask((reply, deadline) => this.#parts.raft.send({ type: 'Write', envelope, deadline, reply }), options)
  }

  async read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    const bytes = toKey(key)
    const deadline = await this.#readable(checkOptions(options))
    const { raft } = this.#parts
    return this.#reads.read(
      deadline,
      () => raft.readState((state) => state.get(bytes)),
      (entry) => (entry === undefined ? [] : [entry]),
    )
  }

  async scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    const checked = checkScan(request)
    const range = remainingRange(checked)
    const limit = scanLimit(checked)
    const deadline = await this.#readable(checkOptions(options))
    const { raft } = this.#parts
    const { rows, more } = await this.#pages.read(
      deadline,
      () => raft.readState((state) => state.scan(range, limit, MAX_SCAN_PAGE_BYTES)),
      (page) => page.rows,
    )
    const last = rows.at(-1)
    return { entries: rows, token: more && last !== undefined ? scanToken(last.key) : null }
  }

  // --- ClusterController ---

  async init(members: readonly number[], options?: RequestOptions): Promise<ClusterState> {
    const checked = checkOptions(options)
    const voters = checkVoters(members)
    if (!voters.includes(this.nodeId)) {
      throw new AspenError(
        'INVALID_REQUEST',
        `this is node ${this.nodeId}, which is not among the members [${voters.join(', ')}]: ask one of them`,
      )
    }
    this.#parts.lostDisk.checkMayFound(this.#parts.raft.view.membership)
    const clusterId = this.#parts.drawClusterId()
    const self = selfAsMember(this.nodeId, this.#parts.transport)
    return this.#askMembership(
      (reply, deadline) => this.#parts.raft.send({ type: 'Init', voters, clusterId, self, deadline, reply }),
      checked,
    )
  }

  async addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState> {
    checkNodeId(nodeId, 'node_id')
    const key = endpointId === undefined ? null : checkEndpointId(endpointId)
    const request = { op: 'add-learner', nodeId, endpointId: key } as const
    return this.#askMembership(
      (reply, deadline) => this.#parts.raft.send(administration(request, deadline, reply)),
      checkOptions(options),
    )
  }

  async changeMembership(change: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState> {
    const request = { op: 'change-membership', learners: null, ...checkMembership(change) } as const
    return this.#askMembership(
      (reply, deadline) => this.#parts.raft.send(administration(request, deadline, reply)),
      checkOptions(options),
    )
  }

  // --- MemberAdmin ---

  async promoteLearner(promotion: PromoteLearnerRequest, options?: RequestOptions): Promise<ClusterState> {
    const request = { op: 'promote-learner', force: false, dryRun: false, ...checkPromotion(promotion) } as const
    return this.#askMembership(
      (reply, deadline) => this.#parts.raft.send(administration(request, deadline, reply)),
      checkOptions(options),
    )
  }

  async transferLeadership(nodeId: number, options?: RequestOptions): Promise<void> {
    const request = { op: 'transfer-leadership', nodeId: checkNodeId(nodeId, 'node_id') } as const
    await this.#askMembership(
      (reply, deadline) => this.#parts.raft.send(administration(request, deadline, reply)),
      checkOptions(options),
    )
  }

  async nodes(): Promise<readonly NodeRecord[]> {
    return this.#parts.registry.report
  }

  async why(): Promise<WhyReport> {
    return whyReport({ ...this.#parts, startedAt: this.#startedAt })
  }

  async raiseVersion(version: number, options?: RequestOptions): Promise<void> {
    const request = { op: 'raise-version', version: checkClusterVersion(version) } as const
    await this.#askMembership(
      (reply, deadline) => this.#parts.raft.send(administration(request, deadline, reply)),
      checkOptions(options),
    )
  }

  async clusterState(): Promise<ClusterState> {
    const { membership, membershipIndex: index } = this.#parts.raft.view
    return clusterState({ membership, index }, this.#parts)
  }

  async addPeer(peer: AddPeerRequest): Promise<void> {
    const { nodeId, endpointId, addresses, relay = null } = checkPeer(peer)
    const { peerBook, transport } = this.#parts
    if (endpointId === transport.endpointId) throw new AspenError('INVALID_REQUEST', 'endpoint_id is this node itself')
    if (nodeId === this.nodeId) throw new AspenError('INVALID_REQUEST', `node_id ${nodeId} is this node itself`)
    checkPlace({ addresses, relay })
    this.#checkBound(nodeId, endpointId)
    const result = peerBook.add({ nodeId, endpointId, addresses, relay }, 'add-peer')
    if (result === 'invalid') {
      throw new AspenError('INVALID_REQUEST', 'endpoint_id must be 64 lower-case hexadecimal digits, and every address host:port')
    }
    if (result === 'full') {
      const words =
        'the peer book is full of members and of peers that were asked for: forget some of those with POST /forget-peer'
      throw new AspenError('QUOTA_EXCEEDED', words, { quota: 'peer_book' })
    }
  }

  async forgetPeer(endpointId: string): Promise<void> {
    const key = checkEndpointId(endpointId)
    this.#checkNoMember(key)
    if (!this.#parts.peerBook.remove(key)) {
      throw new AspenError('NODE_UNKNOWN', 'no peer in the book of this node has this endpoint_id', { endpoint_id: key })
    }
  }

  // --- PeerAdmin ---

  async peers(): Promise<PeersReport> {
    return peersReport(this.#parts, this.#parts.discovery())
  }

  async clusterTicket(): Promise<ClusterTicket> {
    const { clusterId, membership } = this.#parts.raft.view
    return issueTicket(this.#parts, clusterId, membership)
  }

  async removePeer(peer: PeerChoice): Promise<void> {
    const choice = checkPeerChoice(peer)
    const { peerBook } = this.#parts
    const isMeant = (entry: { readonly endpointId: string; readonly nodeId: number | null }): boolean =>
      'endpointId' in choice ? entry.endpointId === choice.endpointId : entry.nodeId === choice.nodeId
    const keys = peerBook.entries().filter(isMeant)
    for (const { endpointId } of keys) this.#checkNoMember(endpointId)
    if (keys.length === 0) throw new AspenError('NODE_UNKNOWN', 'no such peer is in the book of this node', detailsOf(choice))
    for (const { endpointId } of keys) peerBook.banish(endpointId, STRANGER_EXPIRY_MS)
  }

  #checkNoMember(endpointId: string): void {
    const member = this.#parts.raft.view.membership.members.find((one) => one.endpointId === endpointId)
    if (member === undefined) return
    const words = `endpoint_id is the key of member ${member.id}: remove it with POST /change-membership first`
    throw new AspenError('INVALID_REQUEST', words, { node_id: member.id })
  }

  /** What the configuration binds, hearsay does not change. */
  #checkBound(nodeId: number, endpointId: string): void {
    const holder = this.#parts.raft.view.membership.members.find((member) => member.endpointId === endpointId)
    if (holder === undefined || holder.id === nodeId) return
    throw new AspenError('NODE_AMBIGUOUS', `endpoint_id is the key of member ${holder.id}, not of node ${nodeId}`, {
      endpoint_ids: [endpointId],
    })
  }

  async leader(): Promise<number | null> {
    return this.#parts.raft.view.leader
  }

  async triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport> {
    const snapshot = await this.#takeSnapshot(checkOptions(options))
    return { id: snapshot.id, logId: snapshot.last, sizeBytes: snapshot.sizeBytes }
  }

  // --- For backups ---

  /** A copy of the state as it is now, or a little later; all that the cluster had acknowledged is in it, unless `local`. */
  async copyState({ local = false, ...options }: BackupOptions): Promise<StateCopy> {
    if (this.#copies >= MAX_STATE_COPIES) throw tooManyCopies()
    this.#copies++
    const release = once(() => this.#copies--)
    try {
      if (!local) await this.#readable(options)
      const snapshot = await this.#takeSnapshot(options)
      const reading = this.#parts.raft.openSnapshot(snapshot.id)
      const close = once(() => reading.close())
      return {
        nodeId: this.#parts.nodeId,
        snapshot,
        read: (position, length, done) => reading.read(position, length, done),
        close: () => {
          close()
          release()
        },
      }
    } catch (error) {
      release()
      throw error
    }
  }

  async #takeSnapshot(options: RequestOptions): Promise<StoredSnapshot> {
    const words = 'the snapshot was not finished before the deadline; it may be later, and asking again is harmless'
    return this.#ask<StoredSnapshot>(
      this.#inTime(words, (reply) => this.#parts.raft.send({ type: 'TriggerSnapshot', reply })),
      // A state at its quota takes longer than other requests may.
      { timeoutMs: MAX_REQUEST_TIMEOUT_MS, ...options },
    )
  }

  // --- ActorAdmin ---

  async restartActor(actor: string, options?: RequestOptions): Promise<void> {
    const which = actorOf(actor)
    const words = `${actor} did not serve again before the deadline; it may later`
    const { clock, requestTimeoutMs } = this.#parts
    const { timeoutMs = requestTimeoutMs } = checkOptions(options)
    const restart = this.#inTime<void>(words, (reply) => this.#parts.restartActor(which, reply))
    return new Promise((resolve, reject) => {
      restart((error) => (error === undefined ? resolve() : reject(error)), clock.now() + timeoutMs)
    })
  }

  /** Of what has no time of its own. */
  #inTime<T>(words: string, send: (reply: Reply<T>) => void): (reply: Reply<T>, deadline: number) => void {
    return (reply, deadline) => {
      const { clock } = this.#parts
      let isLate = false
      const late = clock.setTimer(deadline - clock.now(), () => {
        isLate = true
        reply(new AspenError('DEADLINE_EXCEEDED', words))
      })
      send((error, value) => {
        late.cancel()
        if (!isLate) reply(error, value)
      })
    }
  }

  // --- Status ---

  status(): NodeStatus {
    return nodeStatus({ ...this.#parts, startedAt: this.#startedAt })
  }

  /** Waits until this node's state is new enough. @returns the deadline of the read */
  async #readable(options: RequestOptions): Promise<number> {
    let due = 0
    await this.#ask<void>((reply, deadline) => {
      due = deadline
      this.#parts.raft.send({ type: 'Read', deadline, reply })
    }, options)
    return due
  }

  async #askMembership(
    send: (reply: Reply<Configuration>, deadline: number) => void,
    options: RequestOptions,
  ): Promise<ClusterState> {
    return clusterState(await this.#ask(send, options), this.#parts)
  }

  /** Why this node can serve nobody any more; null while it may be a member. */
  get #removed(): AspenError | null {
    const { removal, raft } = this.#parts
    // Asked for with every request, and a view is large.
    if (raft.leader !== null && !removal.isLeaving) return null
    const words = removal.words(raft.view)
    return words === null ? null : new AspenError('REMOVED', words)
  }

  /** From callbacks below to a promise above: it settles by the deadline, whatever happens. */
  async #ask<T>(send: (reply: Reply<T>, deadline: number) => void, options: RequestOptions): Promise<T> {
    const { clock, requestTimeoutMs, onAnswer } = this.#parts
    const { timeoutMs = requestTimeoutMs } = options
    const deadline = clock.now() + timeoutMs
    const removed = this.#removed
    if (removed !== null) throw removed
    return new Promise<T>((resolve, reject) => {
      send((failure, value) => {
        // It came before this node heard what has become of it.
        const error = failure instanceof AspenError && failure.code === 'NO_LEADER' ? (this.#removed ?? failure) : failure
        onAnswer?.(error)
        if (error === undefined) resolve(value as T)
        else reject(error)
      }, deadline)
    })
  }
}

function tooManyCopies(): AspenError {
  const words = `${MAX_STATE_COPIES} copies of the state are being read at this node; ask another one, or try again`
  return new AspenError('OVERLOADED', words, { queue: 'backups' })
}

/** Runs it the first time only. */
function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) run()
    isDone = true
  }
}

function detailsOf(choice: PeerChoice): Record<string, unknown> {
  return 'endpointId' in choice ? { endpoint_id: choice.endpointId } : { node_id: choice.nodeId }
}

/** This node as a member of the cluster that it founds. */
export function selfAsMember(id: number, transport: Pick<Transport, 'endpointId' | 'addresses'>): Member {
  return { id, endpointId: transport.endpointId, addresses: transport.addresses().slice(0, MAX_MEMBER_ADDRESSES) }
}
