import { AspenError } from '../api/index.ts'
import type { WriteResult } from '../api/index.ts'
import { MAX_COMMAND_SIZE, MAX_REQUEST_TIMEOUT_MS, MAX_RESULT_BYTES } from '../limits.ts'
import type { Counter, StateMachine } from '../ports/index.ts'
import type { Raft } from '../raft/index.ts'
import { decodeEnvelope, encodeMembership, encodeWriteResult, isPlainBatch, WireError } from '../wire/index.ts'
import type { ForwardReply, ForwardRequest } from '../wire/index.ts'
import { decodeAdminRequest } from './admin-codec.ts'
import type { DiskReserve } from './disk-reserve.ts'
import type { Job } from './forwarder.ts'
import type { MembershipAdmin } from './membership-admin.ts'
import type { Reply } from './options.ts'
import type { Proposals } from './proposals.ts'
import { Quota } from './quota.ts'

export interface LeaderWorkOptions {
  readonly raft: Raft
  readonly proposals: Proposals
  readonly admin: MembershipAdmin
  readonly stateMachine: StateMachine
  readonly reserve: DiskReserve
  readonly proposed: Counter
  readonly now: () => number
  /** False while the node stops: work is left to the next leader. */
  readonly serving: () => boolean
}

/** What only a leader does: proposing, and changing who belongs; for its own callers and for those of other nodes. */
export class LeaderWork {
  readonly #options: LeaderWorkOptions
  readonly #quota: Quota

  constructor(options: LeaderWorkOptions) {
    this.#options = options
    this.#quota = new Quota(options.stateMachine)
  }

  /** Whether this node takes work now. */
  get leads(): boolean {
    const { raft } = this.#options
    return raft.role === 'leader' && !raft.transferring
  }

  /** @throws AspenError OVERLOADED, QUOTA_EXCEEDED, DISK_FULL, NOT_LEADER: nothing was proposed */
  propose(envelope: Uint8Array, deadline: number, reply: Reply<WriteResult>): void {
    const { raft, proposals, reserve, proposed } = this.#options
    proposals.checkRoom(envelope.length)
    const growth = this.#quota.check(envelope)
    reserve.check(envelope)
    const logId = raft.propose(envelope)
    if (logId === undefined) throw notLeader(raft)
    this.#quota.proposed(logId.index, growth)
    proposed.add()
    const answersFromState = !isPlainBatch(envelope)
    proposals.add(logId, { bytes: envelope.length, deadline, answersFromState, reply: answersFromState ? fitting(reply) : reply })
  }

  /** Another node hands over what its callers want. */
  answer(request: ForwardRequest, answer: (reply: ForwardReply) => void): void {
    const { id, operation, body, timeoutMs } = request
    const refuse = ({ code, message, details }: AspenError): void => {
      answer({ type: 'forward-reply', id, ok: false, code, message, details })
    }
    if (!this.leads || !this.#options.serving()) {
      refuse(notLeader(this.#options.raft))
      return
    }
    this.run({
      operation,
      body,
      deadline: this.#options.now() + Math.min(timeoutMs, MAX_REQUEST_TIMEOUT_MS),
      reply: (error, value) => {
        if (error === undefined && value !== undefined) answer({ type: 'forward-reply', id, ok: true, body: value })
        else refuse(error instanceof AspenError ? error : new AspenError('INTERNAL', error?.message ?? 'the leader failed'))
      },
    })
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
    checkEnvelope(body)
    this.propose(body, deadline, (error, result) => {
      if (error !== undefined || result === undefined) reply(error)
      else answerEncoded(reply, () => encodeWriteResult(result), `the command took effect as entry ${result.logId.index}`)
    })
  }

  #administer({ body, deadline, reply }: Job): void {
    this.#options.admin.submit(decodeAdminRequest(body), deadline, (error, membership) => {
      if (error !== undefined || membership === undefined) reply(error)
      else answerEncoded(reply, () => encodeMembership(membership), 'the membership is as it was asked for')
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

/** What a peer hands over goes into every node's log: it must be a command, and fit. @throws AspenError, WireError */
function checkEnvelope(envelope: Uint8Array): void {
  if (envelope.length > MAX_COMMAND_SIZE) {
    throw new AspenError('COMMAND_TOO_LARGE', `the command has ${envelope.length} bytes; at most ${MAX_COMMAND_SIZE} are allowed`)
  }
  decodeEnvelope(envelope)
}

/** What a transaction found may be more than a message holds. */
function fitting(reply: Reply<WriteResult>): Reply<WriteResult> {
  return (error, result) => {
    if (result !== undefined && foundBytes(result) > MAX_RESULT_BYTES) reply(tooLarge(result))
    else reply(error, result)
  }
}

/** Bytes of keys and values that the gets of a transaction found. */
function foundBytes({ txn }: WriteResult): number {
  if (txn === undefined) return 0
  const sizes = txn.results.map((one) =>
    one.type === 'get' && one.entry !== null ? one.entry.key.length + one.entry.value.length : 0,
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

function tooLarge({ logId, txn }: WriteResult): AspenError {
  return new AspenError(
    'RESULT_TOO_LARGE',
    `the transaction took effect as entry ${logId.index}, but what it found has more than ${MAX_RESULT_BYTES} bytes: read the keys one by one`,
    { log_id: logId, succeeded: txn?.succeeded },
  )
}

function notLeader({ id, leader }: Raft): AspenError {
  return new AspenError('NOT_LEADER', `node ${id} does not lead`, { leader })
}
