import { AspenError } from '../../api/index.ts'
import type { WriteResult } from '../../api/index.ts'
import { answersAtCommit, checkFound, encodeWriteResult, readEnvelope, stampEnvelope } from '../../commands/index.ts'
import type { Language, Quota } from '../../commands/index.ts'
import { MAX_REQUEST_TIMEOUT_MS } from '../../limits.ts'
import type { StateMachine } from '../../ports/index.ts'
import type { Raft } from '../../raft/index.ts'
import { encodeConfiguration, encodeMembership, WireError } from '../../wire/index.ts'
import type { ForwardReply, ForwardRequest } from '../../wire/index.ts'
import { decodeAdminRequest } from './admin-codec.ts'
import type { ClusterVersion } from './cluster-version.ts'
import type { DiskReserve } from './disk-reserve.ts'
import type { Job } from './forwarder.ts'
import type { MembershipAdmin } from './membership-admin.ts'
import type { Reply } from '../options.ts'
import type { Peers } from '../peers/index.ts'
import type { TurnContext } from '../turn/index.ts'
import type { Proposals } from './proposals.ts'
import { ReignClock } from './reign-clock.ts'

/** What an answer to another node may take, in milliseconds. */
const ANSWER_MARGIN_MS = 150

export interface LeaderWorkParts {
  readonly proposals: Proposals
  readonly admin: MembershipAdmin
  readonly quota: Quota
  readonly version: Pick<ClusterVersion, 'checkProposal'>
  /** What this node can read, and so may propose. */
  readonly language: Language
  readonly reserve: DiskReserve
  readonly stateMachine: Pick<StateMachine, 'awaitsSnapshot'>
  readonly peers: Pick<Peers, 'sendTo'>
}

type WorkContext = TurnContext<never, 'id' | 'term' | 'role' | 'leader' | 'transferring' | 'leaving' | 'propose'>

/** What only a leader does: proposing, and changing who belongs; for its own callers and for those of other nodes. */
export class LeaderWork {
  readonly #context: WorkContext
  readonly #parts: LeaderWorkParts
  readonly #clock = new ReignClock()
  #stopping = false

  constructor(context: WorkContext, parts: LeaderWorkParts) {
    this.#context = context
    this.#parts = parts
  }

  /** The node stops: work of other nodes is left to the next leader. */
  stop(): void {
    this.#stopping = true
  }

  /**
   * Whether this node takes work now. Not once the configuration without it is in its log: what stands behind that would be committed
   * by others, of whom it hears nothing any more; what stands before it is answered when it is committed. Nor with a state that is not believed.
   */
  get leads(): boolean {
    const { raft } = this.#context
    return raft.role === 'leader' && !raft.transferring && !raft.leaving && !this.#parts.stateMachine.awaitsSnapshot
  }

  /**
   * Nothing is proposed that this node could not read again, nor what a member may not be able to read.
   * @throws AspenError OVERLOADED, QUOTA_EXCEEDED, DISK_FULL, NOT_LEADER, INVALID_REQUEST, COMMAND_TOO_LARGE, CLUSTER_VERSION, NOT_APPLIED: nothing was proposed
   */
  propose(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    const { raft, metrics, clock } = this.#context
    const { proposals, quota, version, language, reserve } = this.#parts
    proposals.checkRoom(envelope.length)
    version.checkProposal(envelope)
    const { command } = readEnvelope(envelope, language)
    const growth = quota.check(command)
    reserve.check(growth, envelope.length)
    const elapsedMs = this.#clock.elapsed(raft.term, clock.now())
    const logId = raft.propose(stampEnvelope(envelope, elapsedMs))
    if (logId === undefined) throw notLeader(raft)
    this.#clock.stamped(elapsedMs)
    quota.proposed(logId.index, growth)
    metrics.proposals.add()
    const answersFromState = !answersAtCommit(envelope)
    const fitted = answersFromState ? fitting(reply, language) : reply
    proposals.add(logId, { bytes: envelope.length, deadline, answersFromState, reply: fitted })
  }

  /** The node with this key hands over what its callers want. */
  answer(from: string, { id, operation, body, timeoutMs }: ForwardRequest): void {
    const { peers } = this.#parts
    const reply: Reply<Uint8Array> = (error, value) => void peers.sendTo(from, forwardReply(id, error, value))
    if (!this.leads || this.#stopping) {
      reply(notLeader(this.#context.raft))
      return
    }
    const leftMs = Math.min(timeoutMs, MAX_REQUEST_TIMEOUT_MS)
    // What becomes of an administrative request at the deadline has its reason, which is to be there before whoever asked gives up.
    const marginMs = operation === 'admin' ? Math.min(ANSWER_MARGIN_MS, leftMs / 4) : 0
    const deadline = this.#context.clock.now() + leftMs - marginMs
    this.run({ operation, body, deadline, reply })
  }

  /** Runs a job that came over a link, or that waited here for a leader. Answers with bytes. */
  run(job: Job): void {
    try {
      if (job.operation === 'write') this.#write(job)
      else this.#administer(job)
    } catch (error) {
      if (error instanceof AspenError) job.reply(error)
      else if (error instanceof WireError) job.reply(new AspenError('INVALID_REQUEST', error.message))
      else throw error
    }
  }

  #write({ body, deadline, reply }: Job): void {
    this.propose(body, deadline, (error, result) => {
      if (error !== undefined || result === undefined) reply(error)
      else {
        const done = `the command took effect as entry ${result.logId.index}`
        answerEncoded(reply, () => encodeWriteResult(result, this.#parts.language), done)
      }
    })
  }

  #administer({ body, deadline, reply }: Job): void {
    const { request, placed } = decodeAdminRequest(body)
    this.#parts.admin.submit(request, deadline, (error, answer) => {
      if (error !== undefined || answer === undefined) return reply(error)
      const encode = (): Uint8Array => (placed ? encodeConfiguration(answer) : encodeMembership(answer.membership))
      answerEncoded(reply, encode, 'what was asked for is done')
    })
  }
}

/** An answer that has no encoding is another answer, which says what was done, and no reason for the leader to stop. */
function answerEncoded(reply: Reply<Uint8Array>, encode: () => Uint8Array, done: string): void {
  let body: Uint8Array
  try {
    body = encode()
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    reply(new AspenError('RESULT_TOO_LARGE', `${done}, but the answer cannot be sent: ${error.message}`))
    return
  }
  reply(undefined, body)
}

/** What a transaction found may be more than a message holds. */
function fitting(reply: Reply<WriteResult>, language: Language): Reply<WriteResult> {
  return (error, result) => {
    const tooLarge = result && checkFound(result, language)
    if (tooLarge === undefined) reply(error, result)
    else reply(tooLarge)
  }
}

export function forwardReply(id: number, error: Error | undefined, body: Uint8Array | undefined): ForwardReply {
  if (error === undefined && body !== undefined) return { type: 'forward-reply', id, ok: true, body }
  const refusal = error instanceof AspenError ? error : new AspenError('INTERNAL', error?.message ?? 'the leader failed')
  const { code, message, details } = refusal
  return { type: 'forward-reply', id, ok: false, code, message, details }
}

function notLeader({ id, leader }: Pick<Raft, 'id' | 'leader'>): AspenError {
  return new AspenError('NOT_LEADER', `node ${id} does not lead`, { leader })
}
