/**
 * How a cluster begins. For several voters the one with the lowest id founds it, whoever is asked: so requests at several nodes in the
 * same moment come to one cluster. The others hand the request over and wait for the answer.
 *
 * A request waits for the links it needs, within its deadline: one that was just asked for is about to be.
 */
import { AspenError } from '../../api/index.ts'
import { MAX_ADMIN_REQUESTS } from '../../limits.ts'
import type { Member, Membership, NodeId } from '../../raft/index.ts'
import { decodeMembership, encodeMembership } from '../../wire/index.ts'
import type { Founder, FoundingTerms, Reply } from '../options.ts'
import { bindMember } from '../peers/index.ts'
import type { Peers } from '../peers/index.ts'
import type { Engine, TurnContext } from '../turn/index.ts'
import { decodeVoters, encodeVoters } from './admin-codec.ts'
import { decodedReply } from './forwarder.ts'
import type { Forwarder } from './forwarder.ts'
import type { Proposals } from './proposals.ts'
import { alreadyInitialized } from './refusals.ts'

/** How long a request waits for the links it needs before it says that there are none, in milliseconds. */
const LINK_PATIENCE_MS = 2_000

interface Task {
  readonly voters: readonly NodeId[]
  readonly terms: FoundingTerms
  /** The key that handed it over; null when this node was asked. */
  readonly from: string | null
  readonly startedAt: number
  readonly deadline: number
  readonly reply: Reply<Membership>
}

type FoundingCore = 'id' | 'term' | 'lastLog' | 'membership' | 'membershipIndex' | 'bootstrap'

export interface FoundingParts {
  readonly engine: Pick<Engine, 'appliedIndex'>
  readonly peers: Pick<Peers, 'knowledge' | 'join'>
  readonly proposals: Pick<Proposals, 'add'>
  readonly forwarder: Pick<Forwarder, 'ask'>
  /** For what others hand over. */
  readonly founder: Founder | undefined
}

export class Founding {
  readonly #context: TurnContext<'schedule', FoundingCore>
  readonly #parts: FoundingParts
  #tasks: Task[] = []

  constructor(context: TurnContext<'schedule', FoundingCore>, parts: FoundingParts) {
    this.#context = context
    this.#parts = parts
  }

  get busy(): boolean {
    return this.#tasks.length > 0
  }

  /** @throws AspenError ALREADY_INITIALIZED, OVERLOADED */
  submit(voters: readonly NodeId[], terms: FoundingTerms, deadline: number, reply: Reply<Membership>): void {
    if (!this.#foundable) throw alreadyInitialized(this.#context.cluster.id)
    this.#add({ voters, terms, from: null, startedAt: this.#context.clock.now(), deadline, reply })
  }

  /** The holder of this key, which belongs to no cluster, was asked. @throws AspenError OVERLOADED, INVALID_REQUEST; WireError */
  answer(from: string, body: Uint8Array, deadline: number, reply: Reply<Uint8Array>): void {
    const voters = decodeVoters(body)
    const { id } = this.#context.raft
    if (Math.min(...voters) !== id)
      throw new AspenError('INVALID_REQUEST', `node ${id} does not found a cluster of ${voters.join(', ')}`)
    const terms = this.#parts.founder?.terms()
    if (terms === undefined) throw new AspenError('INVALID_REQUEST', `node ${id} founds clusters for its own callers only`)
    const own: Reply<Membership> = (error, membership) =>
      membership === undefined ? reply(error) : reply(undefined, encodeMembership(membership))
    this.#add({ voters, terms, from, startedAt: this.#context.clock.now(), deadline, reply: own })
  }

  /** Moves every task on as far as it goes now. */
  progress(): void {
    if (this.#tasks.length === 0) return
    const tasks = this.#tasks
    this.#tasks = []
    const waiting = tasks.filter((task) => !this.#advance(task))
    this.#tasks = [...waiting, ...this.#tasks]
  }

  abandon(error: AspenError): void {
    for (const task of this.#tasks.splice(0)) task.reply(error)
  }

  #add(task: Task): void {
    if (this.#tasks.length >= MAX_ADMIN_REQUESTS) {
      throw new AspenError('OVERLOADED', `${this.#tasks.length} requests to found a cluster wait already`, { queue: 'admin' })
    }
    this.#tasks.push(task)
    this.#context.loop.schedule()
  }

  get #foundable(): boolean {
    const { raft, cluster } = this.#context
    return cluster.id === null && raft.lastLog.index === 0 && raft.term === 0
  }

  /** True once there is nothing left to do for it here. */
  #advance(task: Task): boolean {
    if (!this.#foundable) return this.#afterwards(task)
    const founder = Math.min(...task.voters)
    const needed = founder === this.#context.raft.id ? task.voters.filter((id) => id !== founder) : [founder]
    const others: Member[] = []
    for (const id of needed) {
      const member = bindMember(id, null, this.#parts.peers.knowledge())
      if (!(member instanceof AspenError)) others.push(member)
      else if (member.code === 'NODE_UNKNOWN' && this.#isPatient(task)) return false
      else {
        // Its link to a cluster of this very founding may be faster than the founding itself.
        if (!this.#handOver(task, founder, member.details['endpoint_id'])) task.reply(member)
        return true
      }
    }
    if (founder === this.#context.raft.id) this.#found(task, others)
    else if (!others.every(({ endpointId }) => this.#handOver(task, founder, endpointId))) return false
    return true
  }

  #isPatient({ startedAt, deadline }: Task): boolean {
    return this.#context.clock.now() < Math.min(deadline, startedAt + LINK_PATIENCE_MS)
  }

  #found({ terms, deadline, reply }: Task, others: readonly Member[]): void {
    const { raft } = this.#context
    this.#parts.peers.join(terms.clusterId)
    raft.bootstrap([terms.self, ...others].toSorted((a, b) => a.id - b.id))
    this.#parts.proposals.add(
      { term: 0, index: 1 },
      { bytes: 0, deadline, answersFromState: true, reply: (error) => reply(error, raft.membership) },
    )
  }

  /** Hands a caller's request to the founder; false when it certainly was not sent. */
  #handOver({ voters, from, deadline, reply }: Task, founder: NodeId, endpointId: unknown): boolean {
    if (from !== null || founder === this.#context.raft.id || typeof endpointId !== 'string') return false
    const job = {
      operation: 'found',
      body: encodeVoters(voters),
      deadline,
      reply: decodedReply(reply, decodeMembership),
    } as const
    return this.#parts.forwarder.ask(founder, endpointId, job)
  }

  /** The cluster is there. Who was handed the request by a voter of exactly this cluster says that it is done, once it is. */
  #afterwards({ voters, from, deadline, reply }: Task): boolean {
    const { raft, cluster, clock } = this.#context
    const { membership } = raft
    const isVoter = membership.members.some(({ endpointId }) => endpointId === from)
    if (!isVoter || membership.voters.join() !== voters.join()) {
      const words = `node ${raft.id} belongs to another cluster: start it with an empty data directory to found one with it`
      reply(from === null ? alreadyInitialized(cluster.id) : new AspenError('CLUSTER_MISMATCH', words, { node_id: raft.id }))
      return true
    }
    if (raft.membershipIndex <= this.#parts.engine.appliedIndex) reply(undefined, membership)
    else if (clock.now() >= deadline)
      reply(new AspenError('OUTCOME_UNKNOWN', 'the cluster is being founded, and not yet by a majority'))
    else return false
    return true
  }
}
