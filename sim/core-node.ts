/**
 * A consensus core with the thinnest possible shell: effects are carried out literally, disk writes are batches that
 * become durable in order, and a crash keeps the batches that got there.
 */
import { assert, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import { EMPTY_MEMBERSHIP, Raft, SEND_LIMITS } from '../src/raft/index.ts'
import type { Effects, Entry, LogId, Member, Membership, Message, NodeId, SnapshotMeta, Timings } from '../src/raft/index.ts'
import type { SafetyChecker } from './invariants.ts'
import type { Life } from '../src/simulation/index.ts'

/** A member, under a key made from its id. */
export function member(id: NodeId): Member {
  return { id, endpointId: String(id).padStart(64, '0'), addresses: [] }
}

const ORIGIN: LogId = { term: 0, index: 0 }
/** Of every other node: a few entries fill them. */
const TIGHT_LIMITS = { appendBytes: 8, inflightAppends: 3, inflightBytes: 20 }

interface CoreDisk {
  term: number
  votedFor: NodeId | null
  purged: LogId
  entries: Entry[]
  snapshot: SnapshotMeta | null
}

interface AppliedMembership {
  readonly index: number
  readonly membership: Membership
}

export interface CoreWorld {
  readonly random: Random
  readonly checker: SafetyChecker
  readonly timings: Timings
  readonly syncMs: () => number
  readonly send: (message: Message) => void
  /** A read may be served at `index`. */
  readonly readReady: (node: CoreNode, ticket: number, index: number) => void
}

export class CoreNode {
  readonly id: NodeId
  readonly #world: CoreWorld
  readonly #disk: CoreDisk = { term: 0, votedFor: null, purged: ORIGIN, entries: [], snapshot: null }
  /** What was asked of the disk and has not reached it. */
  #pending: Effects[] = []
  #syncing = false
  /** The log as the core knows it: the disk's, changed by all that is pending. */
  #cache: Entry[] = []
  #cacheBase: LogId = ORIGIN
  /** The state machine trails: everything up to `stateFloor` would survive a crash. */
  #applied = 0
  #stateFloor = 0
  #memberships: AppliedMembership[] = [{ index: 0, membership: EMPTY_MEMBERSHIP }]
  #life: Life | null = null
  #raft: Raft | null = null
  #lives = 0

  constructor(id: NodeId, world: CoreWorld) {
    this.id = id
    this.#world = world
  }

  get alive(): boolean {
    return this.#raft !== null
  }

  get raft(): Raft {
    assert(this.#raft !== null, `node ${this.id} is down`)
    return this.#raft
  }

  get applied(): number {
    return this.#applied
  }

  get snapshot(): SnapshotMeta | null {
    return this.#disk.snapshot
  }

  start(life: Life): void {
    const { purged, entries, term, votedFor } = this.#disk
    const { random, checker, timings } = this.#world
    const last = entries.at(-1)?.index ?? purged.index
    this.#applied = randomBetween(random, this.#stateFloor, Math.max(this.#stateFloor, Math.min(this.#applied, last)))
    this.#memberships = this.#memberships.filter(({ index }) => index <= this.#applied)
    this.#cache = [...entries]
    this.#cacheBase = purged
    this.#life = life
    checker.started(this.id, { term, votedFor, purged, entries: entries.map(identify), applied: this.#applied })
    const later = entries.filter(({ index, membership }) => index > this.#applied && membership !== undefined)
    this.#raft = new Raft(
      {
        id: this.id,
        endpointId: member(this.id).endpointId,
        timings,
        random,
        incarnation: this.id * 1000 + ++this.#lives,
        encodeMembership: () => new Uint8Array(9),
        sendLimits: this.id % 2 === 0 ? TIGHT_LIMITS : SEND_LIMITS,
        thorough: true,
      },
      {
        term,
        votedFor,
        purged,
        entries: entries.map((entry) => ({ term: entry.term, size: entry.payload.length })),
        memberships: [
          this.#memberships.at(-1) as AppliedMembership,
          ...later.map(({ index, membership }) => ({ index, membership: membership as Membership })),
        ],
        applied: this.#applied,
      },
      life.clock.now(),
    )
    this.#tickAt(this.#raft)
  }

  /** Of the batches on their way, some reach the disk; the rest is lost. */
  crash(): void {
    const kept = randomBetween(this.#world.random, 0, this.#pending.length)
    for (const effects of this.#pending.slice(0, kept)) this.#store(effects)
    this.#pending = []
    this.#syncing = false
    this.#life?.end()
    this.#raft = null
  }

  /** Gives the core an input and carries out what it answers. */
  input(run: (raft: Raft) => void): void {
    const { raft } = this
    raft.tick(this.#now())
    run(raft)
    for (let effects = raft.take(); effects !== undefined; effects = raft.take()) this.#carryOut(effects)
    this.#observe(raft)
  }

  /** Takes a snapshot of what is applied and drops the log behind it, up to a random entry. */
  purge(): void {
    const { raft } = this
    if (this.#applied <= this.#disk.purged.index) return
    const durableLast = this.#disk.entries.at(-1)?.index ?? 0
    const to = Math.min(randomBetween(this.#world.random, this.#disk.purged.index + 1, this.#applied), durableLast)
    if (to <= this.#disk.purged.index || this.#pending.some(({ restore }) => restore !== undefined)) return
    const { index: membershipIndex, membership } = this.#memberships.at(-1) as AppliedMembership
    this.#disk.snapshot = { last: { term: this.#cacheTerm(this.#applied), index: this.#applied }, membership, membershipIndex }
    this.#stateFloor = this.#applied
    const position = { term: this.#cacheTerm(to), index: to }
    this.#disk.entries = this.#disk.entries.filter(({ index }) => index > to)
    this.#disk.purged = position
    this.#cache = this.#cache.filter(({ index }) => index > to)
    this.#cacheBase = position
    this.#world.checker.purged(this.id, position)
    raft.purged(to)
  }

  #now(): number {
    return this.#life?.clock.now() ?? 0
  }

  #tickAt(raft: Raft): void {
    const delay = Math.max(1, raft.nextDeadline - this.#now())
    this.#life?.clock.setTimer(Math.min(delay, 50), () => {
      this.input(() => undefined)
      this.#tickAt(raft)
    })
  }

  #observe(raft: Raft): void {
    const { checker } = this.#world
    const termAt = (index: number): number | undefined => raft.termAt(index)
    if (raft.role === 'leader') checker.leads(this.id, raft.term, termAt)
    checker.commits(this.id, raft.commitIndex, raft.role === 'leader' ? raft.term : null, termAt)
  }

  #carryOut(effects: Effects): void {
    this.#cacheChanges(effects)
    this.#observe(this.raft)
    for (const message of effects.send) this.#world.send(this.#fill(message))
    if (effects.apply !== undefined) this.#apply(effects.apply.first, effects.apply.last)
    for (const { ticket, index } of effects.reads) this.#world.readReady(this, ticket, index)
    for (const peer of effects.snapshots) this.#offerSnapshot(peer)
    if (effects.persist !== undefined || effects.restore !== undefined || effects.sendOncePersisted.length > 0) {
      this.#pending.push(effects)
      this.#sync()
    }
  }

  #cacheChanges({ persist, restore }: Effects): void {
    const { checker } = this.#world
    if (persist?.hardState !== undefined) checker.hardState(this.id, persist.hardState.term, persist.hardState.votedFor)
    if (restore !== undefined) {
      checker.reset(this.id, restore.last)
      checker.restored(this.id, restore.last.index)
      this.#cache = []
      this.#cacheBase = restore.last
      this.#applied = restore.last.index
      const { membershipIndex: index, membership } = restore
      this.#memberships = [...this.#memberships.filter((older) => older.index < index), { index, membership }]
    }
    if (persist?.truncateFrom !== undefined) {
      checker.truncated(this.id, persist.truncateFrom)
      this.#cache.length = persist.truncateFrom - this.#cacheBase.index - 1
    }
    for (const entry of persist?.append ?? []) {
      checker.appended(this.id, identify(entry))
      this.#cache.push(entry)
    }
  }

  /** One sync at a time makes everything durable that waited when it began. */
  #sync(): void {
    if (this.#syncing || this.#pending.length === 0) return
    this.#syncing = true
    const batch = [...this.#pending]
    this.#life?.after(this.#world.syncMs(), () => {
      this.#syncing = false
      for (const effects of batch) {
        const { hardState } = effects.persist ?? {}
        if (hardState !== undefined) this.#world.checker.hardStateDurable(this.id, hardState.term, hardState.votedFor)
        this.#store(effects)
        this.#pending.shift()
      }
      this.input((raft) => {
        const last = batch.findLast(({ persist, restore }) => persist !== undefined || restore !== undefined)
        if (last !== undefined) raft.persisted(last.id)
      })
      for (const { sendOncePersisted } of batch) for (const message of sendOncePersisted) this.#world.send(message)
      this.#sync()
    })
  }

  #store({ persist, restore }: Effects): void {
    const disk = this.#disk
    if (persist?.hardState !== undefined) Object.assign(disk, persist.hardState)
    if (restore !== undefined) {
      Object.assign(disk, { snapshot: restore, purged: restore.last, entries: [] })
      this.#stateFloor = restore.last.index
    }
    if (persist?.truncateFrom !== undefined) disk.entries.length = persist.truncateFrom - disk.purged.index - 1
    disk.entries.push(...(persist?.append ?? []))
  }

  #apply(first: number, last: number): void {
    for (let index = first; index <= last; index++) {
      const entry = this.#cache[index - this.#cacheBase.index - 1] as Entry
      const durable = this.#disk.entries[index - this.#disk.purged.index - 1]
      assert(durable?.term === entry.term, `node ${this.id} applies entry ${index} before it is durable`)
      this.#world.checker.applied(this.id, identify(entry))
      if (entry.membership !== undefined) this.#memberships.push({ index, membership: entry.membership })
      this.#applied = index
    }
  }

  #fill(message: Message): Message {
    if (message.type !== 'append' || message.count === 0) return message
    const from = message.prev.index - this.#cacheBase.index
    return { ...message, entries: this.#cache.slice(from, from + message.count) }
  }

  #offerSnapshot(peer: NodeId): void {
    const { snapshot } = this.#disk
    const life = this.#life
    const { term } = this.raft
    life?.after(randomBetween(this.#world.random, 1, 40), () => {
      if (snapshot === null || snapshot.last.index < this.#disk.purged.index) this.input((raft) => raft.snapshotEnded(peer))
      // Said under the term that it was offered in: whoever leads no more offers nothing.
      else if (this.raft.role === 'leader' && this.raft.term === term) {
        this.#world.send({ type: 'snapshot', from: this.id, to: peer, term, snapshot })
      }
    })
    // What became of it is not heard from every peer.
    life?.after(300, () => this.input((raft) => raft.snapshotEnded(peer)))
  }

  #cacheTerm(index: number): number {
    if (index === this.#cacheBase.index) return this.#cacheBase.term
    return (this.#cache[index - this.#cacheBase.index - 1] as Entry).term
  }
}

function identify({ index, term, payload, kind }: Entry): { index: number; term: number; digest: number } {
  let digest = kind.length
  for (const byte of payload) digest = (Math.imul(digest, 31) + byte) >>> 0
  return { index, term, digest }
}
