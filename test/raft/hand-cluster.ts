/**
 * Consensus cores in which everything happens by hand: effects are taken, batches become durable, messages arrive or
 * are lost, and nodes crash, one command at a time. The shell around each core keeps the contract of Effects.
 */
import assert from 'node:assert/strict'
import { Prng } from '../../src/lib/index.ts'
import { EMPTY_MEMBERSHIP, Raft, SEND_LIMITS } from '../../src/raft/index.ts'
import type {
  Effects,
  Entry,
  HardState,
  LogId,
  Member,
  Membership,
  Message,
  NodeId,
  SendLimits,
  SnapshotMeta,
} from '../../src/raft/index.ts'

export const TIMINGS = { heartbeatIntervalMs: 500, electionTimeoutMinMs: 1500, electionTimeoutMaxMs: 3000 }

export function memberOf(id: NodeId): Member {
  return { id, endpointId: String(id).padStart(64, '0'), addresses: [] }
}

interface Batch {
  readonly id: number
  readonly effects: Effects
}

/** What a crash leaves. */
interface DurableState {
  hardState: HardState
  purged: LogId
  base: { index: number; membership: Membership }
  entries: Entry[]
}

export class HandNode {
  raft: Raft
  readonly durable: DurableState
  /** The log with what is not durable yet. */
  log: Entry[] = []
  batches: Batch[] = []
  applied = 0
  appliedEntries: Entry[] = []
  readonly #id: NodeId
  readonly #sendLimits: SendLimits
  #lives = 0
  #now = 0

  constructor(id: NodeId, state: DurableState, sendLimits: SendLimits = SEND_LIMITS) {
    this.#id = id
    this.#sendLimits = sendLimits
    this.durable = state
    this.raft = this.#start()
  }

  #start(): Raft {
    const { hardState, purged, entries, base } = this.durable
    this.#lives++
    this.log = [...entries]
    this.batches = []
    this.applied = Math.max(this.applied, purged.index)
    const memberships = entries
      .filter((entry) => entry.membership !== undefined && entry.index > base.index)
      .map((entry) => ({ index: entry.index, membership: entry.membership as Membership }))
    return new Raft(
      {
        id: this.#id,
        endpointId: memberOf(this.#id).endpointId,
        timings: TIMINGS,
        random: new Prng(this.#id),
        incarnation: this.#id * 100 + this.#lives,
        encodeMembership: () => new Uint8Array(8),
        sendLimits: this.#sendLimits,
      },
      {
        ...hardState,
        purged,
        entries: entries.map((entry) => ({ term: entry.term, size: entry.payload.length })),
        memberships: [base, ...memberships],
        applied: this.applied,
      },
      this.#now,
    )
  }

  advance(ms: number): void {
    this.#now += ms
    this.raft.tick(this.#now)
  }

  /** Everything that is not durable is lost. What was applied is not: it was committed. */
  restart(): void {
    this.raft = this.#start()
  }

  entriesAfter(prev: LogId, count: number): Entry[] {
    const first = prev.index - this.durable.purged.index
    return this.log.slice(first, first + count)
  }

  /** Takes effects, brings the log up to date, and returns them with appends completed. */
  take(): Effects | undefined {
    const effects = this.raft.take()
    if (effects === undefined) return undefined
    if (effects.restore !== undefined) this.log = []
    const { persist } = effects
    const offset = effects.restore?.last.index ?? this.#logOffset()
    if (persist?.truncateFrom !== undefined) this.log = this.log.slice(0, persist.truncateFrom - 1 - offset)
    this.log.push(...(persist?.append ?? []))
    const send = effects.send.map((message) => this.#complete(message))
    const filled = { ...effects, send }
    if (persist !== undefined || effects.restore !== undefined || effects.sendOncePersisted.length > 0)
      this.batches.push({ id: effects.id, effects: filled })
    if (effects.apply !== undefined) this.#apply(effects.apply.first, effects.apply.last)
    return filled
  }

  /** Where `log` begins, counting a restore that is not durable yet. */
  #logOffset(): number {
    const restore = this.batches.findLast((batch) => batch.effects.restore !== undefined)?.effects.restore
    return restore?.last.index ?? this.durable.purged.index
  }

  #complete(message: Message): Message {
    if (message.type !== 'append') return message
    const first = message.prev.index - this.#logOffset()
    const entries = this.log.slice(first, first + message.count)
    assert.equal(entries.length, message.count, `node ${this.#id} must send ${message.count} entries after ${message.prev.index}`)
    return { ...message, entries }
  }

  #apply(first: number, last: number): void {
    assert.equal(first, this.applied + 1, `node ${this.#id} applies in order`)
    const offset = this.#logOffset()
    for (let index = first; index <= last; index++) this.appliedEntries.push(this.log[index - offset - 1] as Entry)
    this.applied = last
  }

  /** The batches up to `id` are durable; returns the messages that waited for it. */
  persisted(id: number): Message[] {
    const done = this.batches.filter((batch) => batch.id <= id)
    this.batches = this.batches.filter((batch) => batch.id > id)
    const messages: Message[] = []
    let wrote: number | undefined
    for (const { effects } of done) {
      if (effects.persist !== undefined || effects.restore !== undefined) wrote = effects.id
      this.#makeDurable(effects)
      messages.push(...effects.sendOncePersisted)
    }
    if (wrote !== undefined) this.raft.persisted(wrote)
    return messages
  }

  #makeDurable({ restore, persist }: Effects): void {
    const { durable } = this
    if (restore !== undefined) {
      durable.purged = restore.last
      durable.base = { index: restore.membershipIndex, membership: restore.membership }
      durable.entries = []
      this.applied = restore.last.index
    }
    if (persist?.hardState !== undefined) durable.hardState = persist.hardState
    if (persist?.truncateFrom !== undefined)
      durable.entries = durable.entries.slice(0, persist.truncateFrom - 1 - durable.purged.index)
    durable.entries.push(...(persist?.append ?? []))
  }

  /** The log up to `index`, which is applied, goes. */
  purge(index: number): void {
    const { durable } = this
    const count = index - durable.purged.index
    const base = durable.entries.slice(0, count).findLast((entry) => entry.membership !== undefined)
    if (base?.membership !== undefined) durable.base = { index: base.index, membership: base.membership }
    durable.purged = { index, term: (durable.entries[count - 1] as Entry).term }
    durable.entries = durable.entries.slice(count)
    this.log = this.log.slice(count)
    this.raft.purged(index)
  }

  snapshot(): SnapshotMeta {
    const term = this.raft.termAt(this.applied)
    assert.ok(term !== undefined)
    const brought = this.appliedEntries.findLast((entry) => entry.membership !== undefined)
    return {
      last: { term, index: this.applied },
      membership: brought?.membership ?? this.durable.base.membership,
      membershipIndex: brought?.index ?? this.durable.base.index,
    }
  }
}

/** A node with nothing. */
export function emptyNode(id: NodeId): HandNode {
  return new HandNode(id, {
    hardState: { term: 0, votedFor: null },
    purged: { term: 0, index: 0 },
    base: { index: 0, membership: EMPTY_MEMBERSHIP },
    entries: [],
  })
}

/** A node whose log has entries of these terms after the founding configuration of `voters`. */
export function grownNode(
  id: NodeId,
  voters: readonly NodeId[],
  terms: readonly number[],
  term: number,
  sendLimits?: SendLimits,
): HandNode {
  const membership: Membership = { voters: [...voters], outgoing: [], learners: [], members: voters.map(memberOf) }
  const founding: Entry = { index: 1, term: 0, kind: 'membership', payload: new Uint8Array(8), membership }
  const rest = terms.map((entryTerm, i): Entry => {
    const index = i + 2
    return { index, term: entryTerm, kind: 'command', payload: new TextEncoder().encode(`${index}@${entryTerm}`) }
  })
  const state = {
    hardState: { term, votedFor: null },
    purged: { term: 0, index: 0 },
    base: { index: 0, membership: EMPTY_MEMBERSHIP },
    entries: [founding, ...rest],
  }
  return new HandNode(id, state, sendLimits)
}

export class HandCluster {
  readonly nodes = new Map<NodeId, HandNode>()
  /** Messages on their way, oldest first. */
  wire: Message[] = []

  node(id: NodeId): HandNode {
    const node = this.nodes.get(id)
    assert.ok(node !== undefined, `there is no node ${id}`)
    return node
  }

  /** Takes what node `id` has to say; what may leave is on the wire. */
  take(id: NodeId): Effects | undefined {
    const node = this.node(id)
    const effects = node.take()
    if (effects === undefined) return undefined
    this.wire.push(...effects.send)
    const idle = node.batches.every((batch) => batch.effects.persist === undefined && batch.effects.restore === undefined)
    if (idle) for (const batch of node.batches.splice(0)) this.wire.push(...batch.effects.sendOncePersisted)
    return effects
  }

  /** The oldest `count` batches of node `id` become durable (all when absent). */
  persist(id: NodeId, count = Number.POSITIVE_INFINITY): void {
    const node = this.node(id)
    const batch = node.batches[Math.min(count, node.batches.length) - 1]
    if (batch !== undefined) this.wire.push(...node.persisted(batch.id))
  }

  /** Delivers the messages for which `choose` holds, in order. */
  deliver(choose: (message: Message) => boolean): Message[] {
    const chosen = this.wire.filter(choose)
    this.wire = this.wire.filter((message) => !choose(message))
    for (const message of chosen) {
      this.node(message.to).raft.step(message)
    }
    return chosen
  }

  drop(choose: (message: Message) => boolean): Message[] {
    const chosen = this.wire.filter(choose)
    this.wire = this.wire.filter((message) => !choose(message))
    return chosen
  }

  /** Lets everything happen until nothing does, calling back for what is seen. `isCut` messages are lost. */
  settle(
    seen: (line: { readonly id: NodeId; readonly effects: Effects }) => void = () => undefined,
    isCut: (message: Message) => boolean = () => false,
  ): void {
    for (let step = 0; step < 1000; step++) {
      let moved = false
      for (const [id, node] of this.nodes) {
        for (let effects = this.take(id); effects !== undefined; effects = this.take(id)) {
          moved = true
          seen({ id, effects })
        }
        if (node.batches.length > 0) {
          moved = true
          this.persist(id)
        }
      }
      this.drop(isCut)
      moved = this.deliver(() => true).length > 0 || moved
      if (!moved) return
    }
    assert.fail('the cluster does not come to rest')
  }

  /** Time passes for these nodes (all when absent), and for nobody else. */
  advance(ms: number, ids: Iterable<NodeId> = this.nodes.keys()): void {
    for (const id of ids) this.node(id).advance(ms)
  }
}
