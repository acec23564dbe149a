/**
 * How a cluster begins. For several voters the one with the lowest id founds it, whoever is asked: so requests at several nodes in the
 * same moment come to one cluster. The others hand the request over and wait for the answer. The founder has the consent of all other
 * voters first: so requests for sets that contradict each other come to clusters that share no node, and whose set came too late hears it.
 *
 * A request waits for the links it needs, within its deadline: one that was just asked for is about to be.
 */
import { AspenError } from '../../api/index.ts'
import { MAX_ADMIN_REQUESTS } from '../../limits.ts'
import type { Member, NodeId, Raft } from '../../raft/index.ts'
import { decodeMembership, encodeMembership } from '../../wire/index.ts'
import type { Configuration } from '../../wire/index.ts'
import type { Founder, FoundingTerms, Reply } from '../options.ts'
import { bindMember, mayStillLink } from '../peers/index.ts'
import type { Peers } from '../peers/index.ts'
import type { Engine, TurnContext } from '../turn/index.ts'
import { decodeFounding, encodeFounding } from './admin-codec.ts'
import { Consents } from './consents.ts'
import { decodedReply } from './forwarder.ts'
import type { Forwarder } from './forwarder.ts'
import { mayWaitForLink } from './link-patience.ts'
import type { Proposals } from './proposals.ts'
import { alreadyInitialized } from './refusals.ts'

/** For the word that a consent is not needed any more, in milliseconds. */
const RELEASE_TIMEOUT_MS = 2_000

const FOUNDING_INDEX = 1

interface Task {
  readonly voters: readonly NodeId[]
  readonly terms: FoundingTerms
  /** The key that handed it over; null when this node was asked. */
  readonly from: string | null
  readonly startedAt: number
  readonly deadline: number
  readonly reply: Reply<Configuration>
  /** Why it is not known what became of it at the founder. */
  readonly lost?: Error
}

/** The founding that this node is at. It gives no consent meanwhile. */
interface Attempt {
  readonly task: Task
  /** The keys that have consented, each on the link that it has now. */
  readonly granted: Set<string>
  asking: Member | null
  refusal: Error | null
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
  readonly #consents: Consents
  #tasks: Task[] = []
  #attempt: Attempt | null = null

  constructor(context: TurnContext<'schedule', FoundingCore>, parts: FoundingParts) {
    this.#context = context
    this.#parts = parts
    this.#consents = new Consents(context.raft.id)
  }

  get busy(): boolean {
    return this.#tasks.length > 0 || this.#consents.busy
  }

  /** @throws AspenError ALREADY_INITIALIZED, OVERLOADED */
  submit(voters: readonly NodeId[], terms: FoundingTerms, deadline: number, reply: Reply<Configuration>): void {
    if (!this.#foundable) throw alreadyInitialized(this.#context.cluster.id)
    this.#add({ voters, terms, from: null, startedAt: this.#context.clock.now(), deadline, reply })
  }

  /** The holder of this key, which belongs to no cluster, was asked. @throws AspenError OVERLOADED, INVALID_REQUEST; WireError */
  answer(from: string, body: Uint8Array, deadline: number, reply: Reply<Uint8Array>): void {
    const { step, voters } = decodeFounding(body)
    const { id } = this.#context.raft
    if (step !== 'found') return this.#consent(step, from, deadline, reply)
    if (Math.min(...voters) !== id)
      throw new AspenError('INVALID_REQUEST', `node ${id} does not found a cluster of ${voters.join(', ')}`)
    const terms = this.#parts.founder?.terms()
    if (terms === undefined) throw new AspenError('INVALID_REQUEST', `node ${id} founds clusters for its own callers only`)
    const own: Reply<Configuration> = (error, founded) =>
      founded === undefined ? reply(error) : reply(undefined, encodeMembership(founded.membership))
    this.#add({ voters, terms, from, startedAt: this.#context.clock.now(), deadline, reply: own })
  }

  #consent(step: 'consent' | 'release', from: string, deadline: number, reply: Reply<Uint8Array>): void {
    if (step === 'consent') {
      this.#parts.founder?.checkMayFound?.()
      this.#consents.ask(from, deadline, reply)
    } else {
      this.#consents.release(from)
      reply(undefined, new Uint8Array(0))
    }
    this.#context.loop.schedule()
  }

  /** Whoever was there may have forgotten what it has consented to. */
  linkClosed(endpointId: string): void {
    this.#attempt?.granted.delete(endpointId)
  }

  /** Moves every task on as far as it goes now. */
  progress(): void {
    if (!this.busy) return
    const tasks = this.#tasks
    this.#tasks = []
    const waiting = tasks.filter((task) => !this.#advance(task))
    this.#tasks = [...waiting, ...this.#tasks]
    if (!this.#foundable) this.#consents.refuse(foreignCluster(this.#context.raft.id))
    else if (this.#attempt === null) this.#consents.give(this.#context.clock.now())
  }

  abandon(error: AspenError): void {
    this.#attempt = null
    for (const task of this.#tasks.splice(0)) task.reply(error)
    this.#consents.refuse(error)
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
    if (!this.#foundable) {
      if (this.#attempt?.task === task) this.#end(this.#attempt)
      return this.#afterwards(task)
    }
    const founder = Math.min(...task.voters)
    const needed = founder === this.#context.raft.id ? task.voters.filter((id) => id !== founder) : [founder]
    const others: Member[] = []
    for (const id of needed) {
      const member = bindMember(id, null, this.#parts.peers.knowledge())
      if (!(member instanceof AspenError)) others.push(member)
      // Its link to a cluster of this very founding may be faster than the founding itself.
      else if (this.#handOver(task, founder, member.details['endpoint_id'])) return true
      else if (this.#isPatient(task, member)) return false
      else {
        this.#refuse(task, member)
        return true
      }
    }
    if (founder === this.#context.raft.id) return this.#try(task, others)
    if (!others.every(({ endpointId }) => this.#handOver(task, founder, endpointId))) return false
    return true
  }

  /** Founds once everybody has consented. True once there is nothing left to do for the task. */
  #try(task: Task, others: readonly Member[]): boolean {
    const now = this.#context.clock.now()
    if (now >= task.deadline) {
      this.#refuse(task, undecided(this.#attempt?.task === task ? this.#attempt.asking : null, this.#context.raft.id))
      return true
    }
    if (this.#attempt === null) {
      if (this.#consents.isGiven(now)) return false
      this.#attempt = { task, granted: new Set(), asking: null, refusal: null }
    }
    const attempt = this.#attempt
    if (attempt.task !== task) return false
    if (attempt.refusal !== null) {
      this.#refuse(task, attempt.refusal)
      return true
    }
    const missing = others.toSorted((a, b) => a.id - b.id).find(({ endpointId }) => !attempt.granted.has(endpointId))
    if (missing === undefined) {
      this.#attempt = null
      this.#found(task, others)
      return true
    }
    if (attempt.asking === null) this.#ask(attempt, missing)
    return false
  }

  #ask(attempt: Attempt, member: Member): void {
    const { voters, deadline } = attempt.task
    const { id, endpointId } = member
    const reply: Reply<Uint8Array> = (error) => {
      if (this.#attempt !== attempt) {
        if (error === undefined) this.#release(voters, member)
        return
      }
      attempt.asking = null
      if (error === undefined) attempt.granted.add(endpointId)
      // A link that broke has decided nothing: it is there again, or bound to no peer.
      else if (!(error instanceof AspenError && error.code === 'OUTCOME_UNKNOWN')) attempt.refusal = error
      this.#context.loop.schedule()
    }
    const job = { operation: 'found', body: encodeFounding({ step: 'consent', voters }), deadline, reply } as const
    if (this.#parts.forwarder.ask(id, endpointId, job)) attempt.asking = member
  }

  #refuse(task: Task, error: Error): void {
    if (this.#attempt?.task === task) this.#end(this.#attempt)
    task.reply(error)
  }

  /** It comes to nothing: whoever has consented is free again. */
  #end(attempt: Attempt): void {
    this.#attempt = null
    const { voters } = attempt.task
    const asked = attempt.asking === null ? attempt.granted : new Set([...attempt.granted, attempt.asking.endpointId])
    for (const id of voters) {
      const member = bindMember(id, null, this.#parts.peers.knowledge())
      if (!(member instanceof AspenError) && asked.has(member.endpointId)) this.#release(voters, member)
    }
  }

  /** Where it does not arrive, the consent ends by itself. */
  #release(voters: readonly NodeId[], { id, endpointId }: Member): void {
    const deadline = this.#context.clock.now() + RELEASE_TIMEOUT_MS
    const body = encodeFounding({ step: 'release', voters })
    this.#parts.forwarder.ask(id, endpointId, { operation: 'found', body, deadline, reply: () => undefined })
  }

  /** Others are not kept waiting for what has begun. */
  #isPatient(task: Task, refusal: AspenError): boolean {
    const isTrying = this.#attempt?.task === task && refusal.code !== 'NODE_UNKNOWN'
    return !isTrying && mayStillLink(refusal, null) && mayWaitForLink(task, this.#context.clock.now())
  }

  #found({ terms, deadline, reply }: Task, others: readonly Member[]): void {
    const { raft } = this.#context
    this.#parts.peers.join(terms.clusterId)
    raft.bootstrap([terms.self, ...others].toSorted((a, b) => a.id - b.id))
    this.#parts.proposals.add(
      { term: 0, index: FOUNDING_INDEX },
      { bytes: 0, deadline, answersFromState: true, reply: (error) => reply(error, inForce(raft)) },
    )
  }

  /** Hands a caller's request to the founder; false when it certainly was not sent. */
  #handOver(task: Task, founder: NodeId, endpointId: unknown): boolean {
    const { voters, from, deadline, reply } = task
    if (from !== null || founder === this.#context.raft.id || typeof endpointId !== 'string') return false
    const job = {
      operation: 'found',
      body: encodeFounding({ step: 'found', voters }),
      deadline,
      reply: decodedReply<Configuration>((error, founded) => {
        const isLost = error instanceof AspenError && error.code === 'OUTCOME_UNKNOWN' && !this.#foundable
        // Of another cluster by now, whose links the founder's does not fit; which one is known soon.
        if (isLost) this.#add({ ...task, lost: error })
        else reply(error, founded)
      }, decodeFounded),
    } as const
    return this.#parts.forwarder.ask(founder, endpointId, job)
  }

  /** The cluster is there. Who was handed the request by a voter of exactly this cluster says that it is done, once it is. */
  #afterwards(task: Task): boolean {
    const { voters, from, deadline, reply, lost } = task
    const { raft, cluster, clock } = this.#context
    const { membership } = raft
    if (lost !== undefined) return this.#decideLost(task, lost)
    const isVoter = membership.members.some(({ endpointId }) => endpointId === from)
    if (!isVoter || membership.voters.join() !== voters.join()) {
      reply(from === null ? alreadyInitialized(cluster.id) : foreignCluster(raft.id))
      return true
    }
    if (raft.membershipIndex <= this.#parts.engine.appliedIndex) reply(undefined, inForce(raft))
    else if (clock.now() >= deadline)
      reply(new AspenError('OUTCOME_UNKNOWN', 'the cluster is being founded, and not yet by a majority'))
    else return false
    return true
  }

  /** The founder's answer did not come; which cluster this node is in says as much. */
  #decideLost({ voters, deadline, reply }: Task, lost: Error): boolean {
    const { raft, cluster, clock } = this.#context
    const { membership } = raft
    const isApplied = membership.members.length > 0 && raft.membershipIndex <= this.#parts.engine.appliedIndex
    if (membership.members.length > 0 && membership.voters.join() !== voters.join()) reply(alreadyInitialized(cluster.id))
    else if (isApplied) reply(undefined, inForce(raft))
    else if (clock.now() >= deadline) reply(lost)
    else return false
    return true
  }
}

function inForce({ membership, membershipIndex: index }: Pick<Raft, 'membership' | 'membershipIndex'>): Configuration {
  return { membership, index }
}

/** A cluster begins with the entry that founds it. */
function decodeFounded(bytes: Uint8Array): Configuration {
  return { membership: decodeMembership(bytes), index: FOUNDING_INDEX }
}

function foreignCluster(id: NodeId): AspenError {
  const words = `node ${id} belongs to another cluster: start it with an empty data directory to found one with it`
  return new AspenError('CLUSTER_MISMATCH', words, { node_id: id })
}

function undecided(waitedFor: Member | null, self: NodeId): AspenError {
  const id = waitedFor?.id ?? self
  const words = `node ${id} is wanted for another cluster, or does not answer; nothing was changed`
  return new AspenError('DEADLINE_EXCEEDED', words, { node_id: id })
}
