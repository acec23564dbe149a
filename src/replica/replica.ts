/**
 * Runs the consensus core of one node. Three parts, by whom they serve: the engine carries out what the core asks for
 * (turn/), the requests are those who wait (requests/), the peers are the other nodes (peers/).
 *
 * Invariants: nothing is answered that is not committed, or that shows a state not applied here; nothing that promises durability
 * leaves before it is durable; after a fault nothing leaves and nobody is answered with success.
 */
import type { WriteResult } from '../api/index.ts'
import { LANGUAGE, MAX_CLUSTER_VERSION } from '../commands/index.ts'
import type { StoredSnapshot } from '../ports/index.ts'
import { ForgottenPromise, Raft } from '../raft/index.ts'
import type { Member, NodeId, PeerProgress } from '../raft/index.ts'
import { encodeMembership } from '../wire/index.ts'
import type { Configuration } from '../wire/index.ts'
import { markForgotten } from './forgotten-promise.ts'
import { REPLICA_LIMITS } from './options.ts'
import type { Reply, ReplicaOptions } from './options.ts'
import { Peers } from './peers/index.ts'
import type { Recovered } from './recovery.ts'
import type { ReplicaView } from './replica-view.ts'
import { Requests } from './requests/index.ts'
import type { AdminRequest, VersionStanding } from './requests/index.ts'
import { ClusterBinding, Engine, guardStores, openReplicaMetrics, Snapshots, TurnLoop } from './turn/index.ts'
import type { TurnContext, TurnRunner } from './turn/index.ts'

/** How often deadlines are looked at while somebody waits, in milliseconds. */
const SWEEP_INTERVAL_MS = 50
/** How often a stopping replica looks whether it may end, in milliseconds. */
const STOP_CHECK_INTERVAL_MS = 5

export class Replica implements TurnRunner {
  readonly #options: ReplicaOptions
  readonly #context: TurnContext
  readonly #peers: Peers
  readonly #engine: Engine
  readonly #requests: Requests
  #nextSweep = 0

  constructor(options: ReplicaOptions, { restored, clusterId }: Recovered) {
    const { nodeId, clock, random, timings, transport, logger, language = LANGUAGE } = options
    const { volumes = [], diskReserveBytes = null, maxClusterVersion = MAX_CLUSTER_VERSION, thorough = false } = options
    const { autoPromote = false } = options
    const incarnation = random.nextUint32() + 1
    const limits = { ...REPLICA_LIMITS, ...options.limits }
    const loop = new TurnLoop(clock, this)
    const stores = guardStores(options, loop)
    const raft = new Raft(
      {
        id: nodeId,
        endpointId: transport.endpointId,
        timings,
        random,
        incarnation,
        encodeMembership,
        sendLimits: limits.send,
        thorough,
      },
      restored,
      clock.now(),
    )
    const metrics = openReplicaMetrics(options.metrics)
    const context = { clock, loop, raft, logger, metrics, cluster: new ClusterBinding(clusterId), language }
    const snapshots = new Snapshots(context, stores.stateMachine, limits.snapshotRequests)
    const peers = new Peers(context, options, stores, snapshots)
    const engine = new Engine(context, { ...options, limits }, stores, snapshots, peers)
    this.#options = options
    this.#context = context
    this.#peers = peers
    this.#engine = engine
    const settings = { volumes, diskReserveBytes, maxClusterVersion, incarnation, limits, timings, autoPromote }
    const waiting = { ...settings, founder: options.founder, stores, language, snapshots, engine, peers }
    this.#requests = new Requests(context, waiting)
    engine.listen(this.#requests)
  }

  // --- Life ---

  /** Takes part over the links there are, and those to come. Their owner says to peers which cluster this node is of. */
  start(): void {
    this.#peers.announceMembership()
    this.#requests.start()
    this.#context.loop.schedule()
    this.#peers.start(this.#requests)
  }

  /**
   * Takes no more requests, hands leadership over, and calls back when what was accepted is answered and the log
   * is at rest, or at `deadline`. The owner closes transport and stores after calling `close`.
   */
  stop(deadline: number, done: () => void): void {
    const { clock, loop, raft } = this.#context
    this.#requests.stop()
    const wait = (): void => {
      if (this.#requests.leads) loop.input(() => void raft.transferLeadership())
      if (!loop.running || this.#atRest() || clock.now() >= deadline) done()
      else clock.setTimer(STOP_CHECK_INTERVAL_MS, wait)
    }
    wait()
  }

  #atRest(): boolean {
    const { raft } = this.#context
    const alone = raft.membership.voters.length < 2
    return (raft.role !== 'leader' || alone) && this.#requests.writes === 0 && this.#engine.idle
  }

  /** The owner has found something that cannot be trusted any more: the node takes no further part. */
  fail(error: Error): void {
    this.#context.loop.fail(error)
  }

  /** Says and does nothing from now on; whoever still waits is told that the outcome is unknown. */
  close(): void {
    this.#context.loop.close()
    this.#peers.close()
    this.#engine.close()
    this.#requests.abandon('the node stopped before it was decided')
  }

  // --- Requests ---

  /** Replicates an encoded command envelope. `deadline` is a time of the clock. */
  write(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    this.#requests.write(envelope, deadline, reply)
  }

  /** Calls back when the state machine may be read linearizably. */
  read(deadline: number, reply: Reply<void>): void {
    this.#requests.read(deadline, reply)
  }

  /** Adds a learner or changes the voters, here or at the leader. */
  administer(request: AdminRequest, deadline: number, reply: Reply<Configuration>): void {
    this.#requests.administer(request, deadline, reply)
  }

  /** Founds a cluster of these voters. Their keys are those of the live links that claim the ids. */
  init(voters: readonly NodeId[], clusterId: string, self: Member, deadline: number, reply: Reply<Configuration>): void {
    this.#requests.init(voters, clusterId, self, deadline, reply)
  }

  /** Takes a snapshot of this node's state with all that is committed by now; calls back when it is durable. */
  takeSnapshot(reply: Reply<StoredSnapshot>): void {
    this.#requests.takeSnapshot(reply)
  }

  /** Has `run` ask what has gathered, at the beginning of the next turn, whose effects are then those of all of it. */
  beforeTurn(run: () => void): void {
    this.#context.loop.beforeTurn(run)
  }

  // --- A turn ---

  /** Called by the loop: does what is due, carries out what the core asks for, and answers what is decided by that. */
  turn(now: number): number {
    const { raft } = this.#context
    raft.tick(now)
    if (now >= this.#nextSweep) this.#sweep(now)
    this.#peers.followMembership()
    this.#peers.progress(now)
    this.#engine.carryOut()
    this.#requests.progress(now)
    this.#engine.write()
    this.#requests.answerCommitted()
    const swept = this.#requests.waiting || !this.#engine.allWritten || this.#peers.busy
    return Math.min(raft.nextDeadline, swept ? this.#nextSweep : Number.POSITIVE_INFINITY)
  }

  #sweep(now: number): void {
    this.#nextSweep = now + SWEEP_INTERVAL_MS
    this.#requests.expire(now)
    this.#peers.expire(now)
    this.#leaveStalledDisk(now)
  }

  /** A leader whose disk does not sync for an election timeout is no use to the others. */
  #leaveStalledDisk(now: number): void {
    const { raft, logger } = this.#context
    const { busySince } = this.#engine
    const stalled = busySince !== null && now - busySince > this.#options.timings.electionTimeoutMinMs
    if (!stalled || !this.#requests.leads || !raft.transferLeadership()) return
    logger.log('warn', 'the log has not synced for an election timeout: handing leadership over', { sinceMs: now - busySince })
  }

  /** Called by the loop, once: nothing runs any more. */
  faulted(error: Error): void {
    this.#engine.close()
    // Peers are told that it takes no part: who follows it need not wait to find out.
    this.#peers.close()
    const { message, stack } = error
    this.#context.logger.log('fatal', 'the node is poisoned: it takes no further part', { error: message, stack })
    this.#requests.abandon(`the node failed: ${message}`)
    const { log, clock, logger, onFatal } = this.#options
    if (error instanceof ForgottenPromise) markForgotten({ log, clock, logger }, error, () => onFatal(error))
    else onFatal(error)
  }

  /** A member knows of a committed configuration that does not name this node. */
  outlived(index: number): void {
    const { loop, raft } = this.#context
    loop.input(() => raft.outlived(index))
  }

  // --- What can be seen ---

  /** Moves while it does anything. */
  get turns(): number {
    return this.#context.loop.turns
  }

  get leader(): NodeId | null {
    return this.#context.raft.leader
  }

  get view(): ReplicaView {
    const { raft, loop, cluster } = this.#context
    const {
      role,
      term,
      votedFor,
      leader,
      membership,
      membershipIndex,
      lastLog,
      persistedIndex,
      commitIndex,
      commitMovedAt,
      knownCommitIndex,
      counters,
      heardVotes,
    } = raft
    return {
      clusterId: cluster.id,
      role,
      term,
      votedFor,
      leader,
      membership,
      membershipIndex,
      lastLog,
      persistedIndex,
      commitIndex,
      commitMovedAt,
      knownCommitIndex,
      appliedIndex: this.#engine.appliedIndex,
      purgedIndex: raft.purgedTo.index,
      proposals: this.#requests.writes,
      reads: this.#requests.reads,
      turns: loop.turns,
      snapshotsSent: this.#peers.snapshotsSent,
      counters,
      heardVotes,
      handsOver: raft.transferring || raft.leaving,
      writingSince: this.#engine.busySince,
      disk: this.#requests.disk,
      digests: this.#peers.digests,
      poisoned: loop.fault,
    }
  }

  /** What the cluster and its members can apply. */
  get versions(): VersionStanding {
    return this.#requests.versions
  }

  /** On a leader: what it knows of a peer. */
  peer(id: NodeId): PeerProgress | undefined {
    return this.#context.raft.peer(id)
  }

  /** Whether the holder of this key is linked, and takes part in consensus. */
  takesPart(endpointId: string): boolean {
    return this.#peers.takesPart(endpointId)
  }

  /** The term of a log entry, for those who check the log from outside. */
  termAt(index: number): number | undefined {
    return this.#context.raft.termAt(index)
  }
}
