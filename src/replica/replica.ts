/**
 * Runs the consensus core of one node: feeds it what comes in, carries out what it asks for, and answers those
 * who wait. All of it happens in turns: inputs are taken in as they come, and once per turn of the event loop
 * the effects of all of them are carried out together.
 *
 * Invariants: nothing is answered that is not committed and applied here; nothing that promises durability
 * leaves before it is durable; after a failure (`poisoned`) nothing leaves and nobody is answered with success.
 */
import { AspenError } from '../api/index.ts'
import type { WriteResult } from '../api/index.ts'
import { MAX_ENTRY_CACHE_BYTES } from '../limits.ts'
import type { Counter, Done, Histogram, StoredSnapshot, Timer } from '../ports/index.ts'
import { Raft } from '../raft/index.ts'
import type {
  Effects,
  Entry,
  Member,
  Membership,
  Message,
  NodeId,
  PeerProgress,
  RaftCounters,
  RoleChange,
  SnapshotMeta,
} from '../raft/index.ts'
import {
  decodeMembership,
  decodeWriteResult,
  encodeMembership,
  encodePeerMessage,
  encodeWriteResult,
  WireError,
} from '../wire/index.ts'
import type { ForwardReply, ForwardRequest, PeerMessage } from '../wire/index.ts'
import { decodeAdminRequest, encodeAdminRequest } from './admin-codec.ts'
import { Applier } from './applier.ts'
import { Compactor } from './compactor.ts'
import { Directory } from './directory.ts'
import { EntryCache } from './entry-cache.ts'
import { Forwarder } from './forwarder.ts'
import type { Job } from './forwarder.ts'
import { Intake } from './intake.ts'
import { bindMember, MembershipAdmin } from './membership-admin.ts'
import type { AdminRequest, PeerKnowledge } from './membership-admin.ts'
import type { Reply, ReplicaOptions } from './options.ts'
import { Outbound } from './outbound.ts'
import { Persister } from './persister.ts'
import { Proposals } from './proposals.ts'
import { checkQuota } from './quota.ts'
import { Reads } from './reads.ts'
import type { Recovered } from './recovery.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'
import { SnapshotSender } from './snapshot-sender.ts'

/** How often deadlines are looked at, in milliseconds. */
const SWEEP_INTERVAL_MS = 50

/** What of the consensus state can be seen from outside. */
export interface ReplicaView {
  readonly clusterId: string | null
  readonly role: Raft['role']
  readonly term: number
  readonly votedFor: NodeId | null
  readonly leader: NodeId | null
  readonly membership: Membership
  readonly lastLog: { readonly term: number; readonly index: number }
  readonly persistedIndex: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly purgedIndex: number
  readonly proposals: number
  readonly reads: number
  readonly turns: number
  readonly snapshotsSent: number
  readonly counters: Readonly<RaftCounters>
  readonly poisoned: Error | null
}

export class Replica {
  readonly #options: ReplicaOptions
  readonly #raft: Raft
  readonly #cache: EntryCache
  readonly #directory: Directory
  readonly #proposals = new Proposals()
  readonly #reads = new Reads()
  readonly #forwarder: Forwarder
  readonly #persister: Persister
  readonly #applier: Applier
  readonly #outbound: Outbound
  readonly #compactor: Compactor
  readonly #sender: SnapshotSender
  readonly #receiver: SnapshotReceiver
  readonly #admin: MembershipAdmin
  readonly #intake: Intake
  readonly #metrics: {
    readonly sync: Histogram
    readonly batch: Histogram
    readonly proposals: Counter
    readonly reads: Counter
    readonly forwarded: Readonly<Record<ForwardRequest['operation'], Counter>>
  }
  #clusterId: string | null
  /** Written with the next batch, once in the life of a log. */
  #clusterIdToPersist: string | undefined
  #membership: Membership
  #arrived: StoredSnapshot | null = null
  #turnScheduled = false
  #timer: Timer | null = null
  #timerAt = Number.POSITIVE_INFINITY
  #nextSweep = 0
  #turns = 0
  #stopping = false
  #closed = false
  #poisoned: Error | null = null

  constructor(options: ReplicaOptions, recovered: Recovered) {
    this.#options = options
    const { nodeId, clock, random, log, stateMachine, snapshots, metrics } = options
    const { restored } = recovered
    this.#clusterId = recovered.clusterId
    const incarnation = random.nextUint32() + 1
    this.#raft = new Raft({ id: nodeId, timings: options.timings, random, incarnation, encodeMembership }, restored, clock.now())
    this.#membership = this.#raft.membership
    this.#directory = new Directory(nodeId)
    this.#directory.follow(this.#membership)
    this.#cache = new EntryCache(this.#raft.lastLog.index, MAX_ENTRY_CACHE_BYTES)
    this.#metrics = {
      sync: metrics.histogram('aspen_log_sync_duration_seconds'),
      batch: metrics.histogram('aspen_log_batch_entries'),
      proposals: metrics.counter('aspen_proposals_total'),
      reads: metrics.counter('aspen_reads_total'),
      forwarded: {
        write: metrics.counter('aspen_forwarded_requests_total', { operation: 'write' }),
        admin: metrics.counter('aspen_forwarded_requests_total', { operation: 'admin' }),
      },
    }
    const now = (): number => clock.now()
    const failed = (error: Error): void => this.#poison(error)
    this.#applier = new Applier(
      {
        log,
        stateMachine,
        cache: this.#cache,
        applied: (entries, results) => this.#onApplied(entries, results),
        failed,
        defer: (run) => clock.defer(() => this.#guard(run)),
      },
      restored.applied,
    )
    this.#outbound = new Outbound({
      log,
      cache: this.#cache,
      transmit: (to, parts, lane) => this.#transmit(to, parts, lane),
      isCurrent: (term, first) => this.#raft.term === term && this.#raft.role === 'leader' && first > this.#raft.purgedTo.index,
      failed,
    })
    this.#persister = new Persister({
      log,
      restore: (snapshot, done) => this.#restore(snapshot, done),
      send: (message) => this.#outbound.send(message),
      persisted: (id) => this.#input(() => this.#raft.persisted(id)),
      purged: (position) => this.#guard(() => this.#raft.purged(position.index)),
      failed,
      synced: (entries, startedAt) => {
        this.#metrics.sync.observe((clock.now() - startedAt) / 1000)
        this.#metrics.batch.observe(entries)
      },
      now,
    })
    this.#compactor = new Compactor({
      log,
      stateMachine,
      snapshots,
      retainedEntries: options.retainedEntries,
      checkpointIntervalEntries: options.checkpointIntervalEntries,
      clusterId: () => this.#clusterId ?? '',
      applied: () => this.#applier.appliedIndex,
      purgedIndex: () => this.#raft.purgedTo.index,
      purge: (index) => this.#guard(() => this.#persister.requestPurge(index)),
      failed,
    })
    this.#sender = new SnapshotSender({
      nodeId,
      snapshots,
      now,
      send: (to, chunk) => this.#sendPeer(to, chunk),
      ended: (to) => this.#input(() => this.#raft.snapshotEnded(to)),
      unreadable: (to, error) =>
        options.logger.log('warn', 'a snapshot could not be read for a peer', { peer: to, reason: error.message }),
    })
    this.#receiver = new SnapshotReceiver({
      nodeId,
      snapshots,
      send: (to, progress) => void this.#sendPeer(to, progress),
      arrived: (from, term, snapshot) => this.#onSnapshotArrived(from, term, snapshot),
      rejected: (error) => options.logger.log('warn', 'a received snapshot was thrown away', { reason: error.message }),
    })
    this.#forwarder = new Forwarder({
      now,
      leader: () => (this.#raft.leader === nodeId ? null : this.#raft.leader),
      send: (leader, request) => {
        this.#metrics.forwarded[request.operation].add()
        return this.#sendPeer(leader, request)
      },
      leadsHere: () => this.#leadsHere(),
      runHere: (job) => this.#runForwarded(job),
    })
    this.#admin = new MembershipAdmin({
      raft: this.#raft,
      now,
      applied: () => this.#applier.appliedIndex,
      links: () => this.#directory.links(),
      reports: () => options.transport.peers(),
      nodeIdHint: options.nodeIdHint,
      isLinked: (id) => this.#directory.isLinked(id),
      changed: () => this.#scheduleTurn(),
    })
    this.#intake = new Intake({
      nodeId,
      directory: this.#directory,
      metrics,
      clusterId: () => this.#clusterId,
      linked: (peer) => options.onLinked(peer),
      adopt: (clusterId) => this.#setClusterId(clusterId),
      raft: (message) => this.#onRaft(message),
      forward: (from, request) => this.#onForward(from, request),
      forwardReply: (from, reply) => this.#forwarder.answered(from, reply),
      snapshotChunk: (chunk) => {
        if (chunk.term === this.#raft.term && chunk.from === this.#raft.leader) this.#receiver.receive(chunk)
      },
      snapshotProgress: (progress) => this.#sender.progressed(progress),
      linkOpened: (id) => this.#onLinkOpened(id),
      linkClosed: (id) => this.#onLinkClosed(id),
      crashed: (id) => this.#raft.peerCrashed(id),
      guard: (run) => this.#input(run),
    })
  }

  // --- Life ---

  /** Starts listening to peers and taking part. */
  async start(): Promise<void> {
    const { transport, nodeId } = this.#options
    this.#options.onMembership(this.#membership)
    this.#scheduleTurn()
    await transport.start(this.#intake, { nodeId, clusterId: this.#clusterId, addresses: [] })
    transport.announce(this.#claims())
  }

  /**
   * Takes no more requests, hands leadership over, and calls back when what was accepted is answered and the log
   * is at rest, or at `deadline`. The owner closes transport and stores afterwards, then calls `close`.
   */
  stop(deadline: number, done: () => void): void {
    this.#stopping = true
    if (this.#raft.role === 'leader') this.#input(() => void this.#raft.transferLeadership())
    const wait = (): void => {
      const { clock } = this.#options
      const settled = this.#raft.role !== 'leader' || this.#raft.membership.voters.length < 2
      const quiet = this.#proposals.count === 0 && this.#forwarder.count === 0 && this.#persister.idle && this.#applier.idle
      if (this.#poisoned !== null || (settled && quiet) || clock.now() >= deadline) {
        done()
        return
      }
      clock.setTimer(5, wait)
    }
    wait()
  }

  /** Says and does nothing from now on; whoever still waits is told that the outcome is unknown. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#abandon('the node stopped before it was decided')
  }

  // --- Requests ---

  /** Replicates an encoded command envelope. `deadline` is a time of the clock. */
  write(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    this.#attempt(reply, () => {
      if (this.#leadsHere()) this.#propose(envelope, deadline, reply)
      else {
        this.#forwarder.submit('write', envelope, deadline, (error, body) => {
          if (error !== undefined || body === undefined) reply(error)
          else reply(undefined, decodeWriteResult(body))
        })
      }
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
      this.#forwarder.submit('admin', encodeAdminRequest(request), deadline, (error, body) => {
        if (error !== undefined || body === undefined) reply(error)
        else reply(undefined, decodeMembership(body))
      })
    })
  }

  /** Founds a cluster of these voters. Their keys are those of the live links that claim the ids. */
  init(voters: readonly NodeId[], clusterId: string, self: Member, deadline: number, reply: Reply<Membership>): void {
    this.#input(() => {
      const members: Member[] = []
      for (const id of voters) {
        const member = id === self.id ? self : bindMember(id, null, this.#peerKnowledge())
        if (member instanceof AspenError) {
          reply(member)
          return
        }
        members.push(member)
      }
      const refusal = this.#initRefusal()
      if (refusal !== null) {
        reply(refusal)
        return
      }
      this.#setClusterId(clusterId)
      this.#raft.bootstrap(members)
      this.#proposals.add({ term: 0, index: 1 }, 0, deadline, (error) => reply(error, this.#raft.membership))
    })
  }

  /** Takes a snapshot of this node's state; calls back when it is durable. */
  takeSnapshot(reply: Reply<StoredSnapshot>): void {
    this.#attempt(reply, () => this.#compactor.takeSnapshot(reply))
  }

  get view(): ReplicaView {
    const raft = this.#raft
    return {
      clusterId: this.#clusterId,
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
      turns: this.#turns,
      snapshotsSent: this.#sender.started,
      counters: raft.counters,
      poisoned: this.#poisoned,
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

  // --- Inputs ---

  #leadsHere(): boolean {
    return this.#raft.role === 'leader' && !this.#raft.transferring
  }

  /** Runs a request; a refusal is answered, a broken invariant poisons. */
  #attempt<T>(reply: Reply<T>, run: () => void): void {
    this.#input(() => {
      try {
        this.#checkServing()
        run()
      } catch (error) {
        if (!(error instanceof AspenError)) throw error
        reply(error)
      }
    }, reply)
  }

  #checkServing(): void {
    if (this.#stopping) throw new AspenError('STOPPING', 'this node is shutting down; ask another one')
    if (this.#raft.membership.members.length === 0) {
      throw new AspenError(
        'NOT_INITIALIZED',
        'this node belongs to no cluster yet: POST /init on one node, then /add-learner for the others',
      )
    }
  }

  /** Feeds the core and has a turn follow. */
  #input(run: () => void, reply?: Reply<never>): void {
    if (this.#poisoned !== null || this.#closed) {
      reply?.(new AspenError('POISONED', `this node has stopped: ${this.#poisoned?.message ?? 'it was closed'}`))
      return
    }
    this.#guard(run)
    this.#scheduleTurn()
  }

  #guard(run: () => void): void {
    if (this.#poisoned !== null || this.#closed) return
    try {
      run()
    } catch (error) {
      this.#poison(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #propose(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    this.#proposals.checkRoom(envelope.length)
    checkQuota(this.#options.stateMachine.info(), this.#proposals.bytes, this.#proposals.count, envelope)
    const logId = this.#raft.propose(envelope)
    if (logId === undefined) throw new AspenError('NOT_LEADER', 'this node does not lead any more', { leader: this.#raft.leader })
    this.#metrics.proposals.add()
    this.#proposals.add(logId, envelope.length, deadline, reply)
  }

  #initRefusal(): AspenError | null {
    const { lastLog, term } = this.#raft
    if (this.#clusterId === null && lastLog.index === 0 && term === 0) return null
    return new AspenError(
      'ALREADY_INITIALIZED',
      `this node already belongs to cluster ${this.#clusterId ?? 'unknown'}; nothing was changed`,
      {
        cluster_id: this.#clusterId,
      },
    )
  }

  #peerKnowledge(): PeerKnowledge {
    const { transport, nodeIdHint } = this.#options
    return { links: this.#directory.links(), reports: transport.peers(), nodeIdHint }
  }

  #setClusterId(clusterId: string): void {
    this.#clusterId = clusterId
    this.#clusterIdToPersist = clusterId
    this.#options.transport.announce(this.#claims())
  }

  #claims(): { nodeId: NodeId; clusterId: string | null; addresses: readonly string[] } {
    const { nodeId, transport } = this.#options
    return { nodeId, clusterId: this.#clusterId, addresses: transport.addresses() }
  }

  #onRaft(message: Message): void {
    this.#raft.tick(this.#options.clock.now())
    this.#raft.step(message)
    if (message.type === 'append-response' && message.success) this.#sender.acknowledged(message.from, message.match)
  }

  #onLinkOpened(id: NodeId): void {
    this.#raft.linkOpened(id)
    this.#forwarder.retry()
  }

  #onLinkClosed(id: NodeId): void {
    this.#raft.linkClosed(id)
    this.#sender.linkClosed(id)
    this.#forwarder.linkClosed(id)
  }

  /** Another node asks this one to do what only a leader can. */
  #onForward(from: string, request: ForwardRequest): void {
    const { id, operation, body } = request
    const answer = (reply: ForwardReply): void => void this.#transmitTo(from, reply)
    const refuse = (error: AspenError): void => {
      answer({ type: 'forward-reply', id, ok: false, code: error.code, message: error.message, details: error.details })
    }
    if (!this.#leadsHere() || this.#stopping) {
      refuse(new AspenError('NOT_LEADER', `node ${this.#options.nodeId} does not lead`, { leader: this.#raft.leader }))
      return
    }
    this.#runForwarded({
      operation,
      body,
      deadline: this.#options.clock.now() + request.timeoutMs,
      reply: (error, value) => {
        if (error === undefined && value !== undefined) answer({ type: 'forward-reply', id, ok: true, body: value })
        else refuse(error instanceof AspenError ? error : new AspenError('INTERNAL', error?.message ?? 'the leader failed'))
      },
    })
  }

  /** Runs a forwarded job, or one that was to be forwarded, on this leader. */
  #runForwarded(job: Job): void {
    const { operation, body, deadline, reply } = job
    try {
      if (operation === 'write') {
        this.#propose(body, deadline, (error, result) => {
          if (error !== undefined || result === undefined) reply(error)
          else reply(undefined, encodeWriteResult(result))
        })
        return
      }
      this.#admin.submit(decodeAdminRequest(body), deadline, (error, membership) => {
        if (error !== undefined || membership === undefined) reply(error)
        else reply(undefined, encodeMembership(membership))
      })
    } catch (error) {
      if (error instanceof AspenError) reply(error)
      else if (error instanceof WireError) reply(new AspenError('INVALID_REQUEST', error.message))
      else throw error
    }
  }

  // --- Turns ---

  #scheduleTurn(): void {
    if (this.#turnScheduled) return
    this.#turnScheduled = true
    this.#options.clock.defer(() => {
      this.#turnScheduled = false
      this.#guard(() => this.#turn())
    })
  }

  #turn(): void {
    this.#turns++
    const now = this.#options.clock.now()
    this.#raft.tick(now)
    if (now >= this.#nextSweep) this.#sweep(now)
    for (let effects = this.#raft.take(); effects !== undefined; effects = this.#raft.take()) this.#carryOut(effects)
    this.#followMembership()
    this.#admin.progress()
    this.#persister.start()
    this.#armTimer(now)
  }

  #carryOut(effects: Effects): void {
    const { persist, restore } = effects
    if (effects.role !== undefined) this.#onRole(effects.role)
    if (restore !== undefined) {
      this.#applier.halt()
      this.#cache.reset(restore.last.index)
    }
    if (persist?.truncateFrom !== undefined) this.#cache.truncateFrom(persist.truncateFrom)
    for (const entry of persist?.append ?? []) this.#cache.put(entry)
    for (const message of effects.send) this.#outbound.send(message)
    const clusterId = this.#clusterIdToPersist
    if (clusterId !== undefined && (persist !== undefined || restore !== undefined)) {
      this.#clusterIdToPersist = undefined
      this.#persister.enqueue(effects, clusterId)
    } else this.#persister.enqueue(effects, undefined)
    if (effects.apply !== undefined) this.#applier.enqueue(effects.apply.first, effects.apply.last)
    for (const { ticket, index } of effects.reads) this.#reads.ready(ticket, index, this.#applier.appliedIndex)
    for (const to of effects.snapshots) this.#startSnapshot(to)
  }

  #onRole(change: RoleChange): void {
    this.#options.logger.log('info', 'role changed', { role: change.role, term: change.term, leader: change.leader })
    if (change.role !== 'leader') this.#sender.stop()
    this.#forwarder.retry()
  }

  #onApplied(entries: readonly Entry[], results: readonly (WriteResult | null)[]): void {
    entries.forEach((entry, i) => this.#proposals.applied(entry.index, entry.term, results[i] ?? null))
    const applied = this.#applier.appliedIndex
    this.#reads.applied(applied)
    this.#cache.trim(applied)
    this.#compactor.applied()
    this.#scheduleTurn()
  }

  #followMembership(): void {
    const { membership } = this.#raft
    if (membership === this.#membership) return
    this.#membership = membership
    this.#directory.follow(membership)
    this.#options.onMembership(membership)
  }

  /** Looks at every deadline. */
  #sweep(now: number): void {
    this.#nextSweep = now + SWEEP_INTERVAL_MS
    this.#proposals.expire(now)
    this.#reads.expire(now, () => this.#late())
    this.#forwarder.retry()
    this.#forwarder.expire(now, () => this.#late())
    this.#sender.expire(now)
    const { busySince } = this.#persister
    const stalled = busySince !== null && now - busySince > this.#options.timings.electionTimeoutMinMs
    if (stalled && this.#leadsHere()) {
      this.#options.logger.log('warn', 'the log has not synced for an election timeout: handing leadership over', {
        sinceMs: now - busySince,
      })
      this.#raft.transferLeadership()
    }
  }

  /** Why a request that was never proposed came to its deadline. */
  #late(): AspenError {
    const { leader, term } = this.#raft
    if (leader === null) {
      return new AspenError(
        'NO_LEADER',
        `no leader is known in term ${term}: a majority of the voters must be reachable; nothing was changed`,
        {
          leader: null,
          term,
          voters: this.#raft.membership.voters,
        },
      )
    }
    return new AspenError('OUTCOME_UNKNOWN', `the leader, node ${leader}, could not confirm it before the deadline`, {
      leader,
      term,
    })
  }

  #armTimer(now: number): void {
    const waiting = this.#proposals.count + this.#reads.count + this.#forwarder.count > 0
    const sweepAt =
      waiting || !this.#persister.idle || this.#admin.busy || this.#sender.busy ? this.#nextSweep : Number.POSITIVE_INFINITY
    const due = Math.min(this.#raft.nextDeadline, sweepAt)
    if (this.#timer !== null && this.#timerAt <= due) return
    this.#timer?.cancel()
    this.#timerAt = due
    this.#timer = this.#options.clock.setTimer(Math.max(0, due - now), () => {
      this.#timer = null
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#scheduleTurn()
    })
  }

  // --- Snapshots ---

  #startSnapshot(to: NodeId): void {
    const { snapshots } = this.#options
    const { term } = this.#raft
    const begin = (snapshot: StoredSnapshot): void => {
      if (this.#raft.role === 'leader' && this.#raft.term === term && !this.#sender.has(to))
        this.#sender.start(to, term, snapshot)
    }
    const newest = snapshots.newest()
    if (newest !== null && newest.last.index >= this.#raft.purgedTo.index) {
      begin(newest)
      return
    }
    this.#compactor.takeSnapshot((error, snapshot) => {
      this.#input(() => {
        if (error !== undefined || snapshot === undefined) {
          this.#options.logger.log('error', 'a snapshot for a lagging peer could not be taken', {
            peer: to,
            reason: error?.message,
          })
          this.#raft.snapshotEnded(to)
        } else begin(snapshot)
      })
    })
  }

  #onSnapshotArrived(from: NodeId, term: number, snapshot: StoredSnapshot): void {
    this.#input(() => {
      this.#arrived = snapshot
      this.#raft.step({ type: 'snapshot', from, to: this.#options.nodeId, term, snapshot })
    })
  }

  /** Log first, state second: a crash between the two finds the snapshot ahead of the state, and finishes the job. */
  #restore(meta: SnapshotMeta, done: Done): void {
    const snapshot = this.#arrived
    if (snapshot === null || snapshot.last.index !== meta.last.index || snapshot.last.term !== meta.last.term) {
      done(new Error(`the snapshot at entry ${meta.last.index} is not the one that arrived`))
      return
    }
    const { log, stateMachine } = this.#options
    const hardState = { term: this.#raft.term, votedFor: this.#raft.votedFor }
    log.reset(snapshot.last, hardState, snapshot.clusterId, (error) => {
      if (error !== undefined) {
        done(error)
        return
      }
      stateMachine.restore(snapshot, (restoreError) => {
        if (restoreError !== undefined) {
          done(restoreError)
          return
        }
        this.#guard(() => this.#onRestored(snapshot))
        done()
      })
    })
  }

  #onRestored(snapshot: StoredSnapshot): void {
    const { index } = snapshot.last
    this.#applier.restored(index)
    this.#proposals.skippedTo(index)
    this.#reads.applied(index)
    this.#options.logger.log('info', 'a snapshot was installed', { index, bytes: snapshot.sizeBytes })
  }

  // --- Output ---

  #sendPeer(to: NodeId, message: PeerMessage): boolean {
    const endpointId = this.#directory.endpointOf(to)
    return endpointId !== undefined && this.#transmitTo(endpointId, message)
  }

  #transmitTo(endpointId: string, message: PeerMessage): boolean {
    if (this.#poisoned !== null || this.#closed) return false
    return this.#options.transport.send(endpointId, encodePeerMessage(message), 'bulk')
  }

  #transmit(to: NodeId, parts: readonly Uint8Array[], lane: 'priority' | 'bulk'): boolean {
    const endpointId = this.#directory.endpointOf(to)
    if (endpointId === undefined || this.#poisoned !== null || this.#closed) return false
    return this.#options.transport.send(endpointId, parts, lane)
  }

  // --- The end ---

  #poison(error: Error): void {
    if (this.#poisoned !== null || this.#closed) return
    this.#poisoned = error
    this.#timer?.cancel()
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
  }
}

/** What a recovered node starts from. See `recover`. */
export type { Recovered }
