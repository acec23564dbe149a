import { AspenError } from '../../api/index.ts'
import type { WriteResult } from '../../api/index.ts'
import { decodeWriteResult, Quota } from '../../commands/index.ts'
import type { Applied, Language } from '../../commands/index.ts'
import type { StoredSnapshot, Volume } from '../../ports/index.ts'
import type { Entry, Member, NodeId, Timings } from '../../raft/index.ts'
import { WireError } from '../../lib/index.ts'
import { MAX_REQUEST_TIMEOUT_MS } from '../../limits.ts'
import { decodeConfiguration } from '../../wire/index.ts'
import type { Configuration, ForwardReply, ForwardRequest } from '../../wire/index.ts'
import type { Founder, ReplicaLimits, Reply } from '../options.ts'
import type { PeerHandlers, Peers } from '../peers/index.ts'
import type { Engine, ReplicaStores, Snapshots, TurnContext, TurnListener } from '../turn/index.ts'
import { encodeAdminRequest } from './admin-codec.ts'
import { Asked } from './asked.ts'
import { ClusterVersion } from './cluster-version.ts'
import type { VersionStanding } from './cluster-version.ts'
import { DiskReserve } from './disk-reserve.ts'
import { decodedReply, Forwarder } from './forwarder.ts'
import { Founding } from './founding.ts'
import { forwardReply, LeaderWork } from './leader-work.ts'
import { MembershipAdmin } from './membership-admin.ts'
import type { AdminRequest } from './membership-admin.ts'
import { outcomeUnknown, Proposals } from './proposals.ts'
import { Reads } from './reads.ts'
import { ended, lateRequest, notInitialized } from './refusals.ts'

/**
 * How far apart the ids of two lives begin. A life that needs more runs into the numbers of one that was not lived, but for
 * one case in 2^32; and an answer counts only on the link on which was asked, which no life survives.
 */
const FORWARD_IDS_PER_LIFE = 2 ** 20

export interface RequestsParts {
  readonly stores: Pick<ReplicaStores, 'stateMachine'>
  /** What commands are written and read with. */
  readonly language: Language
  readonly maxClusterVersion: number
  /** Those to be watched for room. */
  readonly volumes: readonly Volume[]
  readonly diskReserveBytes: number | null
  readonly snapshots: Snapshots
  readonly engine: Engine
  readonly peers: Peers
  readonly founder: Founder | undefined
  /** Different in every life: what was asked in a former one is not answered in this one. */
  readonly incarnation: number
  readonly limits: ReplicaLimits
  readonly timings: Timings
  readonly autoPromote: boolean
}

/** Who waits on this node, and for what: the node's own callers, and those of other nodes whose leader it is. */
export class Requests implements TurnListener, PeerHandlers {
  readonly #context: TurnContext
  readonly #parts: RequestsParts
  readonly #proposals: Proposals
  readonly #reads: Reads
  readonly #reserve: DiskReserve
  readonly #version: ClusterVersion
  readonly #admin: MembershipAdmin
  readonly #leaderWork: LeaderWork
  readonly #forwarder: Forwarder
  readonly #founding: Founding
  #stopping = false

  constructor(context: TurnContext, parts: RequestsParts) {
    const { engine, peers, stores, language, volumes, diskReserveBytes, maxClusterVersion, incarnation, limits } = parts
    const { clock, logger } = context
    this.#context = context
    this.#parts = parts
    this.#proposals = new Proposals(engine.appliedIndex, limits)
    this.#reads = new Reads(stores.stateMachine, limits.reads)
    this.#reserve = new DiskReserve({ nodeId: context.raft.id, volumes, clock, logger, reserveBytes: diskReserveBytes })
    const { stateMachine } = stores
    this.#version = new ClusterVersion(context, { language, stateMachine, engine, peers, maxVersion: maxClusterVersion })
    this.#admin = new MembershipAdmin(context, engine, peers, this.#version, parts)
    this.#leaderWork = new LeaderWork(context, {
      proposals: this.#proposals,
      admin: this.#admin,
      quota: new Quota(stores.stateMachine, language),
      version: this.#version,
      language,
      reserve: this.#reserve,
      stateMachine,
      peers,
    })
    this.#forwarder = new Forwarder(context, incarnation * FORWARD_IDS_PER_LIFE, peers, this.#leaderWork, limits)
    this.#founding = new Founding(context, {
      engine,
      peers,
      proposals: this.#proposals,
      forwarder: this.#forwarder,
      founder: parts.founder,
    })
  }

  // --- Life ---

  start(): void {
    this.#reserve.start()
  }

  /** Refuses what comes from now on; what was accepted goes on. */
  stop(): void {
    this.#stopping = true
    this.#leaderWork.stop()
  }

  /** Tells everybody who still waits that the outcome is unknown, and why. */
  abandon(why: string): void {
    this.#reserve.close()
    this.#proposals.abandon(why)
    this.#reads.expire(Number.POSITIVE_INFINITY, () => new AspenError('STOPPING', why))
    this.#forwarder.abandon(new AspenError('STOPPING', why))
    this.#founding.abandon(new AspenError('STOPPING', why))
    this.#admin.abandon(new AspenError('OUTCOME_UNKNOWN', why))
    this.#parts.snapshots.abandon(new AspenError('STOPPING', why))
  }

  // --- What is asked ---

  /** Replicates an encoded command envelope. `deadline` is a time of the clock. */
  write(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    this.#attempt(reply, (answer) => {
      if (this.leads) this.#leaderWork.propose(envelope, deadline, answer)
      else {
        const decode = (bytes: Uint8Array): WriteResult => decodeWriteResult(bytes, this.#parts.language)
        this.#forwarder.submit('write', envelope, deadline, decodedReply(answer, decode))
      }
    })
  }

  /** Calls back when the state machine may be read linearizably. */
  read(deadline: number, reply: Reply<void>): void {
    this.#attempt(reply, (answer) => {
      this.#checkState()
      this.#reads.checkRoom()
      this.#context.metrics.reads.add()
      this.#reads.add(this.#context.raft.read(), deadline, answer)
    })
  }

  /** Adds a learner, changes the voters or raises the version, here or at the leader. */
  administer(request: AdminRequest, deadline: number, reply: Reply<Configuration>): void {
    this.#attempt(reply, (answer) => {
      this.#forwarder.submit('admin', encodeAdminRequest(request), deadline, decodedReply(answer, decodeConfiguration))
    })
  }

  /** Founds a cluster of these voters. Their keys are those of the live links that claim the ids. */
  init(voters: readonly NodeId[], clusterId: string, self: Member, deadline: number, reply: Reply<Configuration>): void {
    this.#attempt(reply, (answer) => this.#founding.submit(voters, { clusterId, self }, deadline, answer), 'founding')
  }

  /** Takes a snapshot of this node's state with all that is committed by now; calls back when it is durable. */
  takeSnapshot(reply: Reply<StoredSnapshot>): void {
    const { engine, snapshots } = this.#parts
    this.#attempt(reply, (answer) => {
      this.#checkState()
      this.#reads.whenApplied(this.#context.raft.commitIndex, engine.appliedIndex, (error) => {
        if (error === undefined) this.#attempt(answer, (again) => snapshots.take(again))
        else answer(error)
      })
    })
  }

  /** Runs a request; a refusal is answered, a broken invariant ends the node. */
  #attempt<T>(reply: Reply<T>, run: (answer: Reply<T>) => void, kind: 'serving' | 'founding' = 'serving'): void {
    const { loop } = this.#context
    const asked = new Asked(reply)
    const ran = loop.input(() => {
      try {
        this.#checkServing(kind)
        run(asked.answer)
      } catch (error) {
        const refused = error instanceof AspenError
        if (refused || !asked.answered) asked.answer(refused ? error : outcomeUnknown('this node failed over it'))
        if (!refused) throw error
      }
    })
    if (!ran) reply(ended(loop.fault))
  }

  #checkServing(kind: 'serving' | 'founding'): void {
    if (this.#stopping) throw new AspenError('STOPPING', 'this node is shutting down; ask another one')
    if (kind === 'founding' || this.#context.raft.membership.members.length > 0) return
    throw notInitialized()
  }

  /** @throws AspenError NOT_APPLIED while nothing can be read here */
  #checkState(): void {
    if (!this.#parts.stores.stateMachine.awaitsSnapshot) return
    throw new AspenError('NOT_APPLIED', 'this node waits for a snapshot of the leader in place of its state; ask another one')
  }

  // --- What peers ask and answer ---

  forwarded(from: string, request: ForwardRequest): void {
    if (request.operation === 'found') this.#foundFor(from, request)
    else this.#leaderWork.answer(from, request)
  }

  #foundFor(from: string, { id, body, timeoutMs }: ForwardRequest): void {
    const { clock } = this.#context
    const reply: Reply<Uint8Array> = (error, value) => void this.#parts.peers.sendTo(from, forwardReply(id, error, value))
    try {
      this.#checkServing('founding')
      this.#founding.answer(from, body, clock.now() + Math.min(timeoutMs, MAX_REQUEST_TIMEOUT_MS), reply)
    } catch (error) {
      if (error instanceof AspenError) reply(error)
      else if (error instanceof WireError) reply(new AspenError('INVALID_REQUEST', error.message))
      else throw error
    }
  }

  answered(from: string, reply: ForwardReply): void {
    this.#forwarder.answered(from, reply)
  }

  linkOpened(): void {
    this.#forwarder.retry()
  }

  linkClosed(endpointId: string): void {
    this.#founding.linkClosed(endpointId)
    this.#forwarder.linkClosed(endpointId)
  }

  // --- What becomes of it ---

  roleChanged(): void {
    this.#forwarder.retry()
  }

  applied(entries: readonly Entry[], results: readonly (Applied | null)[]): void {
    entries.forEach(({ index, term }, i) => this.#proposals.applied(index, term, results[i] ?? null))
    this.#reads.applied(this.#parts.engine.appliedIndex)
    if (this.#admin.busy || this.#founding.busy) this.#context.loop.schedule()
  }

  restored(index: number): void {
    this.#proposals.skippedTo(index)
    this.#reads.applied(index)
  }

  readable(ticket: number, index: number): void {
    this.#reads.ready(ticket, index, this.#parts.engine.appliedIndex)
  }

  /** Answers what is decided by what is committed now. */
  answerCommitted(): void {
    const { raft } = this.#context
    this.#proposals.committed(raft.commitIndex, (index) => raft.termAt(index))
  }

  /** Moves on what takes several steps. */
  progress(now: number): void {
    this.#version.progress(now)
    this.#founding.progress()
    this.#admin.progress(now)
  }

  /** Answers what is past its deadline, and tries again what could not be sent. */
  expire(now: number): void {
    const late = (): AspenError => lateRequest(this.#context.raft)
    this.#proposals.expire(now)
    const forgotten = this.#reads.expire(now, late)
    if (forgotten.size > 0) this.#context.raft.forgetReads(forgotten)
    this.#forwarder.retry()
    this.#forwarder.expire(now, late)
  }

  // --- What can be seen ---

  /** Whether this node takes work that only a leader can do. */
  get leads(): boolean {
    return this.#leaderWork.leads
  }

  /** Writes and administrative requests that are not answered yet. */
  get writes(): number {
    return this.#proposals.count + this.#forwarder.count
  }

  get reads(): number {
    return this.#reads.count
  }

  /** Somebody waits, and must hear when it takes too long. */
  get waiting(): boolean {
    return this.writes + this.reads > 0 || this.#admin.busy || this.#founding.busy
  }

  get versions(): VersionStanding {
    return this.#version.standing
  }

  get disk(): DiskReserve['status'] {
    return this.#reserve.status
  }
}
