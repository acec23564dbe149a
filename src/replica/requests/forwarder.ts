import { AspenError } from '../../api/index.ts'
import { fail } from '../../lib/index.ts'
import { MAX_ADMIN_REQUESTS, MAX_REQUEST_TIMEOUT_MS } from '../../limits.ts'
import type { NodeId } from '../../raft/index.ts'
import { WireError } from '../../wire/index.ts'
import type { ForwardReply, ForwardRequest } from '../../wire/index.ts'
import { REPLICA_LIMITS } from '../options.ts'
import type { ReplicaLimits, Reply } from '../options.ts'
import type { Peers } from '../peers/index.ts'
import type { TurnContext } from '../turn/index.ts'
import type { LeaderWork } from './leader-work.ts'
import { outcomeUnknown } from './proposals.ts'

interface Job {
  readonly operation: ForwardRequest['operation']
  readonly body: Uint8Array
  readonly deadline: number
  readonly reply: Reply<Uint8Array>
}

interface Sent {
  readonly job: Job
  readonly leader: NodeId
  /** The key that was asked: another may come to lead under the same id. */
  readonly endpointId: string
}

type ForwarderContext = TurnContext<never, 'id' | 'leader'>
type ForwarderPeers = Pick<Peers, 'linkToLeader' | 'sendTo'>
type ForwarderLimits = Pick<ReplicaLimits, 'forwarded' | 'forwardedBytes'>
type LocalWork = Pick<LeaderWork, 'leads' | 'run'>

/**
 * Takes work that only a leader can do to the leader, one hop. A job is sent again only while it provably never
 * reached a proposer: not sent at all, or answered with NOT_LEADER. Otherwise its outcome is unknown.
 */
export class Forwarder {
  readonly #context: ForwarderContext
  readonly #peers: ForwarderPeers
  readonly #leaderWork: LocalWork
  readonly #limits: ForwarderLimits
  #nextId: number
  #waiting: Job[] = []
  readonly #sent = new Map<number, Sent>()
  #bytes = 0

  /** @param firstId where the ids of this life begin: an answer to a former one must not answer anything here */
  constructor(
    context: ForwarderContext,
    firstId: number,
    peers: ForwarderPeers,
    leaderWork: LocalWork,
    limits: ForwarderLimits = REPLICA_LIMITS,
  ) {
    this.#limits = limits
    this.#context = context
    this.#nextId = firstId
    this.#peers = peers
    this.#leaderWork = leaderWork
  }

  /** Bytes of those who wait here for the leader. */
  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#waiting.length + this.#sent.size
  }

  /** @throws AspenError OVERLOADED */
  submit(operation: Job['operation'], body: Uint8Array, deadline: number, reply: Reply<Uint8Array>): void {
    // What data fills has room for administration, which is small.
    const { forwarded, forwardedBytes } = this.#limits
    const room = operation === 'admin' ? forwarded + MAX_ADMIN_REQUESTS : forwarded
    if (this.count >= room || (operation !== 'admin' && this.#bytes + body.length > forwardedBytes)) {
      throw new AspenError('OVERLOADED', `${this.count} requests already wait for the leader on this node; try again`, {
        queue: 'forwarder',
      })
    }
    this.#bytes += body.length
    const job: Job = {
      operation,
      body,
      deadline,
      reply: (error, value) => {
        this.#bytes -= body.length
        reply(error, value)
      },
    }
    this.#dispatch(job)
  }

  /** The leader, a link or the role changed: what waits is tried again. */
  retry(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const job of waiting) this.#dispatch(job)
  }

  answered(from: string, answer: ForwardReply): void {
    const sent = this.#sent.get(answer.id)
    if (sent === undefined || sent.endpointId !== from) return
    this.#sent.delete(answer.id)
    if (answer.ok) sent.job.reply(undefined, answer.body)
    else if (answer.code === 'NOT_LEADER') this.#notLedBy(sent)
    else sent.job.reply(new AspenError(answer.code, answer.message, answer.details))
  }

  /** The news of another leader may have overtaken the refusal of the old one: nothing would follow that tries again soon. */
  #notLedBy({ job, leader, endpointId }: Sent): void {
    if (this.#leader === leader && this.#peers.linkToLeader(leader) === endpointId) this.#waiting.push(job)
    else this.#dispatch(job)
  }

  /** A link is gone: what was sent on it may or may not have been done. */
  linkClosed(endpointId: string): void {
    for (const [id, { job, leader, endpointId: asked }] of this.#sent) {
      if (asked !== endpointId) continue
      this.#sent.delete(id)
      job.reply(outcomeUnknown(`the link to the leader, node ${leader}, broke before it answered`))
    }
  }

  expire(now: number, noLeader: () => AspenError): void {
    const overdue = this.#waiting.filter((job) => job.deadline <= now)
    if (overdue.length > 0) this.#waiting = this.#waiting.filter((job) => job.deadline > now)
    for (const job of overdue) job.reply(noLeader())
    for (const [id, { job, leader }] of this.#sent) {
      if (job.deadline > now) continue
      this.#sent.delete(id)
      job.reply(outcomeUnknown(`the leader, node ${leader}, did not answer before the deadline`))
    }
  }

  abandon(why: AspenError): void {
    for (const job of this.#waiting.splice(0)) job.reply(why)
    for (const { job } of this.#sent.values()) job.reply(outcomeUnknown('this node stopped before the leader answered'))
    this.#sent.clear()
  }

  #dispatch(job: Job): void {
    if (this.#leaderWork.leads) {
      this.#leaderWork.run(job)
      return
    }
    const leader = this.#leader
    const endpointId = leader === null ? null : this.#peers.linkToLeader(leader)
    if (leader === null || endpointId === null) {
      this.#waiting.push(job)
      return
    }
    if (!this.#send(job, leader, endpointId)) this.#waiting.push(job)
  }

  /** Asks one node, which need not lead; false when it certainly was not sent. */
  ask(node: NodeId, endpointId: string, job: Job): boolean {
    return this.#send(job, node, endpointId)
  }

  #send(job: Job, leader: NodeId, endpointId: string): boolean {
    const id = this.#nextId++
    if (!Number.isSafeInteger(id) || this.#sent.has(id)) fail(`request ${id} would be taken for another one`)
    const left = job.deadline - this.#context.clock.now()
    // Also of a deadline that is no number.
    const timeoutMs = left >= 1 ? Math.min(left, MAX_REQUEST_TIMEOUT_MS) : 1
    const sent = this.#peers.sendTo(endpointId, { type: 'forward', id, operation: job.operation, timeoutMs, body: job.body })
    if (!sent) return false
    this.#context.metrics.forwarded[job.operation].add()
    this.#sent.set(id, { job, leader, endpointId })
    return true
  }

  /** The leader to send to, or null: this node does not know one, or leads itself. */
  get #leader(): NodeId | null {
    const { leader, id } = this.#context.raft
    return leader === id ? null : leader
  }
}

/** A reply in bytes for one in values. What the leader answered and this node cannot read is an unknown outcome. */
export function decodedReply<T>(reply: Reply<T>, decode: (body: Uint8Array) => T): Reply<Uint8Array> {
  return (error, body) => {
    if (error !== undefined || body === undefined) {
      reply(error ?? outcomeUnknown('the leader answered without saying what became of it'))
      return
    }
    let value: T
    try {
      value = decode(body)
    } catch (failure) {
      if (!(failure instanceof WireError)) throw failure
      reply(outcomeUnknown(`the leader's answer cannot be read: ${failure.message}`))
      return
    }
    reply(undefined, value)
  }
}

export type { Job }
