import { RAFT_CHANNEL } from '../../ports/index.ts'
import type { Channel, Done, Lane, LinkedPeer, StateDigest, StoredSnapshot } from '../../ports/index.ts'
import type { HardState, Membership, Message, NodeId, RoleChange, SnapshotMeta } from '../../raft/index.ts'
import { encodePeerMessage } from '../../wire/index.ts'
import type { DigestVerdict, PeerMessage, PeerReminder, StateDigests } from '../../wire/index.ts'
import type { ReplicaOptions } from '../options.ts'
import type { PeerSide, ReplicaStores, Snapshots, TurnContext } from '../turn/index.ts'
import { DigestWatch } from './digest-watch.ts'
import type { DigestStanding } from './digest-watch.ts'
import { HeardPromises } from './heard-promises.ts'
import { HeardVersions } from './heard-versions.ts'
import type { HeardVersion } from './heard-versions.ts'
import { Directory } from './directory.ts'
import { Intake } from './intake.ts'
import type { PeerHandlers, PeerNews } from './intake.ts'
import { partOf } from './message-part.ts'
import type { PeerKnowledge } from './peer-knowledge.ts'
import { SnapshotExchange } from './snapshot-exchange.ts'

export type PeersOptions = Pick<
  ReplicaOptions,
  'transport' | 'nodeIdHint' | 'sources' | 'onLinked' | 'onClusterId' | 'onMembership'
>

/** The other nodes: who they are, what is said to them, and where what they say enters. */
export class Peers implements PeerSide, PeerNews {
  readonly #context: TurnContext
  readonly #directory: Directory
  readonly #options: PeersOptions
  readonly #exchange: SnapshotExchange
  readonly #versions = new HeardVersions()
  readonly #promises = new HeardPromises()
  readonly #digests: DigestWatch
  #channel: Channel | undefined
  #membership: Membership

  constructor(context: TurnContext, options: PeersOptions, stores: ReplicaStores, snapshots: Snapshots) {
    this.#context = context
    this.#options = options
    this.#directory = new Directory(context.raft.id)
    this.#membership = context.raft.membership
    this.#directory.follow(this.#membership)
    this.#exchange = new SnapshotExchange(context, stores, snapshots, this)
    this.#digests = new DigestWatch(context, stores.stateMachine, this)
    snapshots.watch(this.#digests)
  }

  /** Listens to peers from now on; what they ask goes to `handlers`. */
  start(handlers: PeerHandlers): void {
    const intake = new Intake(this.#context, this.#directory, this.#exchange, this, handlers)
    this.#channel = this.#options.transport.attach(RAFT_CHANNEL, intake)
  }

  /** Hears and says nothing more. The links live on: another replica may take this one's place on them. */
  close(): void {
    this.#channel?.detach()
  }

  /** Says who the members are that must be reached. */
  announceMembership(): void {
    this.#options.onMembership(this.#membership)
  }

  followMembership(): void {
    const { membership } = this.#context.raft
    if (membership === this.#membership) return
    this.#membership = membership
    this.#directory.follow(membership)
    this.announceMembership()
  }

  /** This node belongs to this cluster from now on, and says so. */
  join(clusterId: string): void {
    this.#context.cluster.join(clusterId)
    this.#options.onClusterId(clusterId)
  }

  linked(peer: LinkedPeer): void {
    this.#versions.linked(peer, this.#context.clock.now())
    this.#options.onLinked(peer)
  }

  unlinked(endpointId: string): void {
    this.#versions.unlinked(endpointId, this.#context.clock.now())
    this.#promises.unlinked(endpointId)
  }

  /** Which version the holder of a key says that it can apply. */
  heardVersion(endpointId: string): HeardVersion | undefined {
    return this.#versions.of(endpointId)
  }

  /** What is known of other nodes now. */
  knowledge(): PeerKnowledge {
    const { transport, nodeIdHint, sources } = this.#options
    const { cluster } = this.#context
    return {
      links: this.#directory.links(),
      reports: transport.peers(),
      nodeIdHint,
      clusterId: cluster.id,
      ...(sources === undefined ? {} : { sources }),
    }
  }

  // --- Promises ---

  spoke(endpointId: string, message: Message): void {
    this.#promises.spoke(endpointId, message)
  }

  remind(endpointId: string): void {
    const { id } = this.#context.raft
    const term = this.#promises.termOf(endpointId)
    const held = this.#context.raft.heldBy(endpointId)
    if (term > 0 || held.index > 0) this.sendTo(endpointId, { type: 'reminder', from: id, term, held }, 'priority')
  }

  reminded(endpointId: string, { from, term, held }: PeerReminder): void {
    this.#context.raft.reminded(from, { term, held }, this.#promises.isFirstLink(endpointId))
  }

  // --- Messages ---

  send(to: NodeId, message: PeerMessage, lane: Lane): boolean {
    const via = message.type === 'raft' ? message.message.via : undefined
    const endpointId = via ?? this.#directory.endpointFor(partOf(message), to)
    return endpointId !== undefined && this.sendTo(endpointId, message, lane)
  }

  /** Hands a message to the link of this key; false when it was certainly not sent. */
  sendTo(endpointId: string, message: PeerMessage, lane: Lane = 'normal'): boolean {
    return this.#context.loop.running && this.#channel?.send(endpointId, encodePeerMessage(message), lane) === true
  }

  /** The key on whose link the leader is asked, or null while there is no link. */
  linkToLeader(leader: NodeId): string | null {
    return this.#directory.linkFor('ask', leader)
  }

  /** Whether what is said to a follower finds a link. */
  isLinked(id: NodeId): boolean {
    return this.#directory.isLinked(id)
  }

  takesPart(endpointId: string): boolean {
    return this.#directory.link(endpointId) !== undefined
  }

  // --- Snapshots ---

  /** Transfers of snapshots begun since the start. */
  get snapshotsSent(): number {
    return this.#exchange.sent
  }

  /** A snapshot is on its way to a peer. */
  get busy(): boolean {
    return this.#exchange.busy
  }

  get refill(): StoredSnapshot | null {
    return this.#exchange.refill
  }

  get promisedIndex(): number {
    return this.#exchange.promisedIndex
  }

  offerSnapshot(to: NodeId): void {
    this.#exchange.offer(to)
  }

  install(snapshot: SnapshotMeta, hardState: HardState, done: Done): void {
    this.#exchange.install(snapshot, hardState, done)
  }

  // --- Digests of the state ---

  get digests(): DigestStanding {
    return this.#digests.standing
  }

  applied(digests: readonly StateDigest[]): void {
    if (digests.length === 0) return
    this.#digests.taken(digests)
    this.#context.loop.schedule()
  }

  restored(): void {
    this.#digests.restored()
    this.#exchange.restored()
  }

  reported(digests: StateDigests): void {
    this.#digests.reported(digests)
  }

  judged(verdict: DigestVerdict): void {
    this.#digests.judged(verdict)
  }

  // --- In every turn ---

  progress(now: number): void {
    this.#digests.progress(now)
    this.#exchange.progress(now)
  }

  roleChanged({ role }: RoleChange): void {
    this.#digests.roleChanged()
    if (role !== 'leader') this.#exchange.stopSending()
  }

  /** Gives up on peers that have not answered for too long. */
  expire(now: number): void {
    this.#exchange.expire(now)
  }
}
