/**
 * Runs the consensus core of one node: feeds it what comes in, carries out what it asks for, and answers those
 * who wait.
 *
 * Invariants: nothing is answered that is not committed, or that shows a state not applied here; nothing that promises durability
 * leaves before it is durable; after a fault nothing leaves and nobody is answered with success.
 */
import { AspenError } from '../api/index.ts'
import type { WriteResult } from '../api/index.ts'
import { MAX_ENTRY_CACHE_BYTES } from '../limits.ts'
import type { Claims, Lane, StoredSnapshot } from '../ports/index.ts'
import { Raft } from '../raft/index.ts'
import type { Effects, Entry, Member, Membership, Message, NodeId, PeerProgress, RoleChange } from '../raft/index.ts'
import { decodeMembership, decodeWriteResult, encodeMembership, encodePeerMessage } from '../wire/index.ts'
import type { PeerMessage } from '../wire/index.ts'
import { encodeAdminRequest } from './admin-codec.ts'
import { Applier } from './applier.ts'
import { Compactor } from './compactor.ts'
import { ClusterBinding } from './cluster-binding.ts'
import { Directory } from './directory.ts'
import { partOf } from './message-part.ts'
import { DiskReserve } from './disk-reserve.ts'
import { EntryCache } from './entry-cache.ts'
import { decodedReply, Forwarder } from './forwarder.ts'
import { guardStores } from './guarded-stores.ts'
import { Intake } from './intake.ts'
import { LeaderWork } from './leader-work.ts'
import { bindMember, MembershipAdmin } from './membership-admin.ts'
import type { AdminRequest } from './membership-admin.ts'
import type { Reply, ReplicaOptions } from './options.ts'
import { Outbound } from './outbound.ts'
import { Persister } from './persister.ts'
import { outcomeUnknown, Proposals } from './proposals.ts'
import { Reads } from './reads.ts'
import type { Recovered } from './recovery.ts'
import { alreadyInitialized, ended, lateRequest, notInitialized } from './refusals.ts'
import { openReplicaMetrics } from './replica-metrics.ts'
import type { ReplicaMetrics } from './replica-metrics.ts'
import type { ReplicaView } from './replica-view.ts'
import { SnapshotExchange } from './snapshot-exchange.ts'
import { TurnLoop } from './turn-loop.ts'

/** How often deadlines are looked at while somebody waits, in milliseconds. */
const SWEEP_INTERVAL_MS = 50
/** Room for the ids of one life: 2^32 incarnations times 2^20 ids are safe integers. */
const FORWARD_IDS_PER_LIFE = 2 ** 20
/** How often a stopping replica looks whether it may end, in milliseconds. */
const STOP_CHECK_INTERVAL_MS = 5

export class Replica {
  readonly #options: ReplicaOptions
  readonly #metrics: ReplicaMetrics
  readonly #raft: Raft
  readonly #loop: TurnLoop
  readonly #cache: EntryCache
  readonly #directory: Directory
  readonly #reserve: DiskReserve
  readonly #proposals: Proposals
  readonly #reads = new Reads()
  readonly #outbound: Outbound
  readonly #applier: Applier
  readonly #persister: Persister
  readonly #compactor: Compactor
  readonly #exchange: SnapshotExchange
  readonly #admin: MembershipAdmin
  readonly #leaderWork: LeaderWork
  readonly #forwarder: Forwarder
  readonly #intake: Intake
  /** Different in every life: what was asked in a former one is not answered in this one. */
  readonly #incarnation: number
  readonly #cluster: ClusterBinding
  #membership: Membership
  #nextSweep = 0
  #stopping = false

  constructor(options: ReplicaOptions, { restored, clusterId }: Recovered) {
    this.#loop = new TurnLoop({
      clock: options.clock,
      turn: (now) => this.#turn(now),
      onFault: (error) => this.#onFault(error),
    })
    this.#options = { ...options, ...guardStores(options, (run) => this.#loop.guard(run)) }
    const { nodeId, clock, random, timings } = options
    this.#cluster = new ClusterBinding(clusterId)
    this.#metrics = openReplicaMetrics(options.metrics)
    this.#incarnation = random.nextUint32() + 1
    this.#raft = new Raft(
      { id: nodeId, endpointId: options.transport.endpointId, timings, random, incarnation: this.#incarnation, encodeMembership },
      restored,
      clock.now(),
    )
    this.#membership = this.#raft.membership
    this.#proposals = new Proposals(restored.applied)
    this.#cache = new EntryCache(this.#raft.lastLog.index, MAX_ENTRY_CACHE_BYTES)
    this.#directory = new Directory(nodeId)
    this.#reserve = new DiskReserve({ volumes: options.volumes ?? [], clock, logger: options.logger })
    this.#directory.follow(this.#membership)
    this.#outbound = this.#createOutbound()
    this.#applier = this.#createApplier(restored.applied)
    this.#persister = this.#createPersister()
    this.#compactor = this.#createCompactor()
    this.#exchange = this.#createExchange()
    this.#admin = this.#createAdmin()
    this.#leaderWork = this.#createLeaderWork()
    this.#forwarder = this.#createForwarder()
    this.#intake = this.#createIntake()
  }

  // --- Life ---

  /** Starts listening to peers and taking part. */
  async start(): Promise<void> {
    const { transport, nodeId } = this.#options
    this.#options.onMembership(this.#membership)
    this.#reserve.start()
    this.#loop.schedule()
    await transport.start(this.#intake, { nodeId, clusterId: this.#cluster.id, addresses: [] })
    transport.announce(this.#claims())
  }

  /**
   * Takes no more requests, hands leadership over, and calls back when what was accepted is answered and the log
   * is at rest, or at `deadline`. The owner closes transport and stores after calling `close`.
   */
  stop(deadline: number, done: () => void): void {
    this.#stopping = true
    const wait = (): void => {
      const { clock } = this.#options
      if (this.#leaderWork.leads) this.#loop.input(() => void this.#raft.transferLeadership())
      if (!this.#loop.running || this.#atRest() || clock.now() >= deadline) done()
      else clock.setTimer(STOP_CHECK_INTERVAL_MS, wait)
    }
    wait()
  }

  #atRest(): boolean {
    const alone = this.#raft.membership.voters.length < 2
    const answered = this.#proposals.count === 0 && this.#forwarder.count === 0
    return (this.#raft.role !== 'leader' || alone) && answered && this.#persister.idle && this.#applier.idle
  }

  /** The owner has found something that cannot be trusted any more: the node takes no further part. */
  fail(error: Error): void {
    this.#loop.fail(error)
  }

  /** Says and does nothing from now on; whoever still waits is told that the outcome is unknown. */
  close(): void {
    this.#loop.close()
    this.#applier.close()
    this.#reserve.close()
    this.#abandon('the node stopped before it was decided')
  }

  // --- Requests ---

  /** Replicates an encoded command envelope. `deadline` is a time of the clock. */
  write(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    this.#attempt(reply, () => {
      if (this.#leaderWork.leads) this.#leaderWork.propose(envelope, deadline, reply)
      else this.#forwarder.submit('write', envelope, deadline, decodedReply(reply, decodeWriteResult))
    })
  }

  /** Calls back when the state machine may be read linearizably. */
  read(deadline: number, reply: Reply<void>): void {
    this.#attempt(reply, () => {
      this.#reads.checkRoom()
      this.#metrics.reads.add()
      this.#reads.add(this.#raft.read(), deadline, reply)
    })
  }

  /** Adds a learner or changes the voters, here or at the leader. */
  administer(request: AdminRequest, deadline: number, reply: Reply<Membership>): void {
    this.#attempt(reply, () => {
      this.#forwarder.submit('admin', encodeAdminRequest(request), deadline, decodedReply(reply, decodeMembership))
    })
  }

  /** Founds a cluster of these voters. Their keys are those of the live links that claim the ids. */
  init(voters: readonly NodeId[], clusterId: string, self: Member, deadline: number, reply: Reply<Membership>): void {
    this.#attempt(
      reply,
      () => {
        const members = voters.map((id) => (id === self.id ? self : this.#bind(id)))
        this.#checkFoundable()
        this.#joinCluster(clusterId)
        this.#raft.bootstrap(members)
        this.#proposals.add(
          { term: 0, index: 1 },
          { bytes: 0, deadline, answersFromState: true, reply: (error) => reply(error, this.#raft.membership) },
        )
      },
      'founding',
    )
  }

  /** Takes a snapshot of this node's state with all that is committed by now; calls back when it is durable. */
  takeSnapshot(reply: Reply<StoredSnapshot>): void {
    this.#attempt(reply, () => {
      this.#reads.whenApplied(this.#raft.commitIndex, this.#applier.appliedIndex, (error) => {
        if (error === undefined) this.#attempt(reply, () => this.#compactor.takeSnapshot(reply))
        else reply(error)
      })
    })
  }

  /** Runs a request; a refusal is answered, a broken invariant ends the node. */
  #attempt<T>(reply: Reply<T>, run: () => void, kind: 'serving' | 'founding' = 'serving'): void {
    const ran = this.#loop.input(() => {
      try {
        this.#checkServing(kind)
        run()
      } catch (error) {
        reply(error instanceof AspenError ? error : outcomeUnknown('this node failed over it'))
        if (!(error instanceof AspenError)) throw error
      }
    })
    if (!ran) reply(ended(this.#loop.fault))
  }

  #checkServing(kind: 'serving' | 'founding'): void {
    if (this.#stopping) throw new AspenError('STOPPING', 'this node is shutting down; ask another one')
    if (kind === 'founding' || this.#raft.membership.members.length > 0) return
    throw notInitialized()
  }

  #checkFoundable(): void {
    const { lastLog, term } = this.#raft
    if (this.#cluster.id === null && lastLog.index === 0 && term === 0) return
    throw alreadyInitialized(this.#cluster.id)
  }

  #bind(id: NodeId): Member {
    const { transport, nodeIdHint } = this.#options
    const peers = { links: this.#directory.links(), reports: transport.peers(), nodeIdHint, clusterId: this.#cluster.id }
    const member = bindMember(id, null, peers)
    if (member instanceof AspenError) throw member
    return member
  }

  // --- What can be seen ---

  get view(): ReplicaView {
    const raft = this.#raft
    return {
      clusterId: this.#cluster.id,
      role: raft.role,
      term: raft.term,
      votedFor: raft.votedFor,
      leader: raft.leader,
      membership: raft.membership,
      lastLog: raft.lastLog,
      persistedIndex: raft.persistedIndex,
      commitIndex: raft.commitIndex,
      appliedIndex: this.#applier.appliedIndex,
      purgedIndex: raft.purgedTo.index,
      proposals: this.#proposals.count + this.#forwarder.count,
      reads: this.#reads.count,
      turns: this.#loop.turns,
      snapshotsSent: this.#exchange.sent,
      counters: raft.counters,
      disk: this.#reserve.status,
      poisoned: this.#loop.fault,
    }
  }

  /** On a leader: what it knows of a peer. */
  peer(id: NodeId): PeerProgress | undefined {
    return this.#raft.peer(id)
  }

  /** The term of a log entry, for those who check the log from outside. */
  termAt(index: number): number | undefined {
    return this.#raft.termAt(index)
  }

  // --- A turn ---

  /** Carries out what the core asks for since the last turn; returns when something is due next. */
  #turn(now: number): number {
    this.#raft.tick(now)
    if (now >= this.#nextSweep) this.#sweep(now)
    this.#followMembership()
    for (let effects = this.#raft.take(); effects !== undefined; effects = this.#raft.take()) this.#carryOut(effects)
    this.#admin.progress()
    this.#persister.start()
    this.#proposals.committed(this.#raft.commitIndex, (index) => this.#raft.termAt(index))
    return Math.min(this.#raft.nextDeadline, this.#somebodyWaits() ? this.#nextSweep : Number.POSITIVE_INFINITY)
  }

  #carryOut(effects: Effects): void {
    const { role, persist, restore, apply } = effects
    if (role !== undefined) this.#onRole(role)
    if (restore !== undefined) {
      this.#applier.halt()
      this.#cache.reset(restore.last.index)
    }
    if (persist?.truncateFrom !== undefined) this.#cache.truncateFrom(persist.truncateFrom)
    for (const entry of persist?.append ?? []) this.#cache.put(entry)
    for (const message of effects.send) this.#outbound.send(message)
    this.#persister.enqueue(effects, persist === undefined && restore === undefined ? undefined : this.#cluster.take())
    if (apply !== undefined) this.#applier.enqueue(apply.first, apply.last)
    for (const { ticket, index } of effects.reads) this.#reads.ready(ticket, index, this.#applier.appliedIndex)
    for (const to of effects.snapshots) this.#exchange.offer(to)
  }

  #onRole(change: RoleChange): void {
    this.#options.logger.log('info', 'role changed', { role: change.role, term: change.term, leader: change.leader })
    if (change.role !== 'leader') this.#exchange.stopSending()
    this.#forwarder.retry()
  }

  #followMembership(): void {
    const { membership } = this.#raft
    if (membership === this.#membership) return
    this.#membership = membership
    this.#directory.follow(membership)
    this.#options.onMembership(membership)
  }

  #onApplied(entries: readonly Entry[], results: readonly (WriteResult | null)[]): void {
    let bytes = 0
    entries.forEach((entry, i) => {
      bytes += entry.payload.length
      this.#proposals.applied(entry.index, entry.term, results[i] ?? null)
    })
    const applied = this.#applier.appliedIndex
    this.#reads.applied(applied)
    this.#cache.trim(applied, this.#raft.reachedByPeers)
    this.#compactor.applied(bytes)
    this.#loop.schedule()
  }

  #onRestored({ last }: StoredSnapshot): void {
    this.#applier.restored(last.index)
    this.#proposals.skippedTo(last.index)
    this.#reads.applied(last.index)
  }

  // --- Deadlines ---

  #somebodyWaits(): boolean {
    const requests = this.#proposals.count + this.#reads.count + this.#forwarder.count
    return requests > 0 || !this.#persister.idle || this.#admin.busy || this.#exchange.busy
  }

  #sweep(now: number): void {
    this.#nextSweep = now + SWEEP_INTERVAL_MS
    this.#proposals.expire(now)
    this.#reads.expire(now, () => lateRequest(this.#raft))
    this.#forwarder.retry()
    this.#forwarder.expire(now, () => lateRequest(this.#raft))
    this.#exchange.expire(now)
    this.#leaveStalledDisk(now)
  }

  /** A leader whose disk does not sync for an election timeout is no use to the others. */
  #leaveStalledDisk(now: number): void {
    const { busySince } = this.#persister
    const stalled = busySince !== null && now - busySince > this.#options.timings.electionTimeoutMinMs
    if (!stalled || !this.#leaderWork.leads || !this.#raft.transferLeadership()) return
    this.#options.logger.log('warn', 'the log has not synced for an election timeout: handing leadership over', {
      sinceMs: now - busySince,
    })
  }

  // --- Peers ---

  #claims(): Claims {
    const { nodeId, transport } = this.#options
    return { nodeId, clusterId: this.#cluster.id, addresses: transport.addresses() }
  }

  #joinCluster(clusterId: string): void {
    this.#cluster.join(clusterId)
    this.#options.transport.announce(this.#claims())
  }

  #onRaft(message: Message): void {
    this.#raft.tick(this.#options.clock.now())
    this.#raft.step(message)
    if (message.type === 'append-response' && message.success) this.#exchange.acknowledged(message.from, message.match)
  }

  #onLinkOpened(id: NodeId): void {
    this.#raft.linkOpened(id)
    this.#forwarder.retry()
  }

  #onLinkClosed(id: NodeId): void {
    this.#raft.linkClosed(id)
    this.#exchange.linkClosed(id)
  }

  #send(to: NodeId, message: PeerMessage, lane: Lane = 'bulk'): boolean {
    const via = message.type === 'raft' ? message.message.via : undefined
    const endpointId = via ?? this.#directory.endpointFor(partOf(message), to)
    return endpointId !== undefined && this.#sendTo(endpointId, message, lane)
  }

  #sendTo(endpointId: string, message: PeerMessage, lane: Lane = 'bulk'): boolean {
    return this.#loop.running && this.#options.transport.send(endpointId, encodePeerMessage(message), lane)
  }

  // --- The end ---

  #onFault(error: Error): void {
    this.#applier.close()
    this.#reserve.close()
    this.#options.logger.log('fatal', 'the node is poisoned: it takes no further part', {
      error: error.message,
      stack: error.stack,
    })
    this.#abandon(`the node failed: ${error.message}`)
    this.#options.onFatal(error)
  }

  #abandon(why: string): void {
    this.#proposals.abandon(why)
    this.#reads.expire(Number.POSITIVE_INFINITY, () => new AspenError('STOPPING', why))
    this.#forwarder.abandon(new AspenError('STOPPING', why))
    this.#admin.abandon(new AspenError('OUTCOME_UNKNOWN', why))
    this.#compactor.abandon(new AspenError('STOPPING', why))
  }

  // --- The parts, put together ---

  #createOutbound(): Outbound {
    return new Outbound({
      log: this.#options.log,
      cache: this.#cache,
      transmit: (to, message, lane) => this.#send(to, message, lane),
      isCurrent: (term, first) => this.#raft.term === term && this.#raft.role === 'leader' && first > this.#raft.purgedTo.index,
      failed: (error) => this.#loop.fail(error),
    })
  }

  #createApplier(applied: number): Applier {
    const { log, stateMachine, clock } = this.#options
    return new Applier(
      {
        log,
        stateMachine,
        cache: this.#cache,
        applied: (entries, results) => this.#onApplied(entries, results),
        failed: (error) => this.#loop.fail(error),
        measured: (entries, startedAt) => {
          this.#metrics.apply.observe((clock.now() - startedAt) / 1000)
          this.#metrics.applyBatch.observe(entries)
        },
        now: () => clock.now(),
        defer: (run) => this.#loop.defer(run),
        later: (delayMs, run) => clock.setTimer(delayMs, () => this.#loop.guard(run)),
      },
      applied,
    )
  }

  #createPersister(): Persister {
    const { log, clock } = this.#options
    return new Persister({
      log,
      hardState: { term: this.#raft.term, votedFor: this.#raft.votedFor },
      restore: (snapshot, hardState, done) => this.#exchange.restore(snapshot, hardState, done),
      send: (message) => this.#outbound.send(message),
      persisted: (id) => void this.#loop.input(() => this.#raft.persisted(id)),
      failed: (error) => this.#loop.fail(error),
      synced: (entries, startedAt) => {
        this.#metrics.sync.observe((clock.now() - startedAt) / 1000)
        this.#metrics.batch.observe(entries)
      },
      now: () => clock.now(),
    })
  }

  #createCompactor(): Compactor {
    const { nodeId, stateMachine, retainedEntries, checkpointIntervalEntries } = this.#options
    return new Compactor({
      nodeId,
      stateMachine,
      retainedEntries,
      checkpointIntervalEntries,
      clusterId: () => this.#cluster.id ?? '',
      applied: () => this.#applier.appliedIndex,
      purgedIndex: () => this.#raft.purgedTo.index,
      positionBefore: (index, maxEntries, maxBytes) => this.#raft.positionBefore(index, maxEntries, maxBytes),
      heldIndex: () => Math.min(this.#exchange.promisedIndex, this.#raft.reachedByPeers),
      purge: (index) =>
        this.#loop.guard(() => {
          // Before the store begins: what is being purged can no longer be read.
          this.#raft.purged(index)
          this.#persister.requestPurge(index)
        }),
      failed: (error) => this.#loop.fail(error),
    })
  }

  #createExchange(): SnapshotExchange {
    const { nodeId, log, stateMachine, snapshots, logger, clock } = this.#options
    return new SnapshotExchange({
      nodeId,
      raft: this.#raft,
      log,
      stateMachine,
      snapshots,
      compactor: this.#compactor,
      logger,
      now: () => clock.now(),
      setTimer: (delayMs, run) => clock.setTimer(delayMs, () => this.#loop.guard(run)),
      send: (to, message) => this.#send(to, message),
      failed: (error) => this.#loop.fail(error),
      input: (run) => void this.#loop.input(run),
      restored: (snapshot) => this.#loop.guard(() => this.#onRestored(snapshot)),
    })
  }

  #createAdmin(): MembershipAdmin {
    const { transport, clock, nodeIdHint } = this.#options
    return new MembershipAdmin({
      raft: this.#raft,
      now: () => clock.now(),
      applied: () => this.#applier.appliedIndex,
      links: () => this.#directory.links(),
      reports: () => transport.peers(),
      nodeIdHint,
      clusterId: () => this.#cluster.id,
      isLinked: (id) => this.#directory.isLinked(id),
      changed: () => this.#loop.schedule(),
    })
  }

  #createLeaderWork(): LeaderWork {
    const { stateMachine, clock } = this.#options
    return new LeaderWork({
      raft: this.#raft,
      proposals: this.#proposals,
      admin: this.#admin,
      stateMachine,
      reserve: this.#reserve,
      proposed: this.#metrics.proposals,
      now: () => clock.now(),
      serving: () => !this.#stopping,
    })
  }

  #createForwarder(): Forwarder {
    const { nodeId, clock } = this.#options
    return new Forwarder({
      firstId: this.#incarnation * FORWARD_IDS_PER_LIFE,
      linkTo: (leader) => this.#directory.linkFor('ask', leader),
      now: () => clock.now(),
      leader: () => (this.#raft.leader === nodeId ? null : this.#raft.leader),
      send: (endpointId, request) => {
        const sent = this.#sendTo(endpointId, request)
        if (sent) this.#metrics.forwarded[request.operation].add()
        return sent
      },
      leadsHere: () => this.#leaderWork.leads,
      runHere: (job) => this.#leaderWork.run(job),
    })
  }

  #createIntake(): Intake {
    const { nodeId, metrics, onLinked } = this.#options
    return new Intake({
      nodeId,
      directory: this.#directory,
      metrics,
      term: () => this.#raft.term,
      clusterId: () => this.#cluster.id,
      linked: onLinked,
      adopt: (clusterId) => this.#joinCluster(clusterId),
      raft: (message) => this.#onRaft(message),
      forward: (from, request) => this.#leaderWork.answer(request, (reply) => void this.#sendTo(from, reply)),
      forwardReply: (from, reply) => this.#forwarder.answered(from, reply),
      snapshotChunk: (chunk) => this.#exchange.chunk(chunk),
      snapshotProgress: (progress) => this.#exchange.progressed(progress),
      linkOpened: (id) => this.#onLinkOpened(id),
      linkClosed: (id) => this.#onLinkClosed(id),
      linkEnded: (endpointId) => this.#forwarder.linkClosed(endpointId),
      crashed: (id) => this.#raft.peerCrashed(id),
      guard: (run) => {
        this.#loop.input(() => {
          // What came before may have changed who is who.
          this.#followMembership()
          run()
        })
      },
    })
  }
}
