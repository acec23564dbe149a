/** Consensus cores alone, under message shuffling and crashes: the cheapest way to many interleavings. */
import { chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { Message, NodeId, RaftCounters } from '../src/raft/index.ts'
import { CoreNode, member } from './core-node.ts'
import { forkPrng, Life, Scheduler, Trace } from '../src/simulation/index.ts'
import { SafetyChecker } from './invariants.ts'

const TIMINGS = { heartbeatIntervalMs: 20, electionTimeoutMinMs: 60, electionTimeoutMaxMs: 120 }

interface Weather {
  readonly loss: number
  readonly duplication: number
  readonly delayMaxMs: number
  readonly syncMaxMs: number
  readonly crash: number
  readonly partition: number
  readonly membership: number
  readonly purge: number
}

const HANGING_SYNC_MS = 1000

const FAIR: Weather = { loss: 0, duplication: 0, delayMaxMs: 3, syncMaxMs: 2, crash: 0, partition: 0, membership: 0, purge: 0 }

function drawWeather(random: Random): Weather {
  return {
    loss: pick(random, [0, 0.01, 0.1]),
    duplication: pick(random, [0, 0.05]),
    delayMaxMs: pick(random, [3, 10, 40]),
    syncMaxMs: pick(random, [1, 5, 30]),
    crash: pick(random, [0, 0.02, 0.05]),
    partition: pick(random, [0, 0.02]),
    membership: pick(random, [0, 0.03]),
    purge: pick(random, [0, 0.05]),
  }
}

/** What one run came across. */
/** Reminders are for who is linked anew: there are no links here. */
export interface CoreCoverage extends Omit<RaftCounters, 'reminders'> {
  acknowledgedReads: number
  crashes: number
  crashesInJointChange: number
}

export interface CoreRun {
  readonly hash: string
  readonly committed: number
  readonly checks: number
  readonly coverage: CoreCoverage
}

export interface PendingRead {
  readonly ticket: number
  /** What was committed anywhere when the read began. */
  readonly floor: number
}

export class CoreCluster {
  readonly #scheduler = new Scheduler()
  readonly #checker = new SafetyChecker()
  readonly #trace: Trace
  readonly #random: Random
  readonly #nodes: CoreNode[]
  readonly #founders: number
  readonly #reads = new Map<NodeId, PendingRead[]>()
  readonly #counted = new WeakSet<object>()
  #weather: Weather
  readonly #cut = new Set<string>()
  /** Nodes whose disk has all but stopped. */
  readonly #hanging = new Set<NodeId>()
  #proposals = 0
  readonly #coverage: CoreCoverage = {
    electionsStarted: 0,
    electionsLost: 0,
    leaderChanges: 0,
    truncations: 0,
    longTruncations: 0,
    clamps: 0,
    snapshotsRestored: 0,
    conflictingSnapshots: 0,
    fullWindows: 0,
    jointChanges: 0,
    acknowledgedReads: 0,
    crashes: 0,
    crashesInJointChange: 0,
  }

  constructor(seed: number, keepLines = 0) {
    this.#random = forkPrng(seed, 'core')
    this.#trace = new Trace(keepLines)
    this.#founders = pick(this.#random, [1, 3, 3, 3, 5])
    this.#weather = drawWeather(this.#random)
    this.#nodes = Array.from({ length: this.#founders + 2 }, (_, i) => this.#createNode(i + 1))
  }

  get trace(): Trace {
    return this.#trace
  }

  /** Runs the faults, then heals and demands progress. @throws SafetyViolation, AssertionError, Error */
  run(durationMs: number): CoreRun {
    for (const node of this.#nodes) this.#start(node)
    while (this.#scheduler.now < durationMs) {
      this.#advance(randomBetween(this.#random, 1, 10))
      this.#disturb()
    }
    this.#heal()
    const committed = this.#demandProgress()
    for (const node of this.#nodes) this.#count(node)
    return { hash: this.#trace.hash, committed, checks: this.#checker.checks, coverage: this.#coverage }
  }

  #createNode(id: NodeId): CoreNode {
    return new CoreNode(id, {
      random: this.#random,
      checker: this.#checker,
      timings: TIMINGS,
      syncMs: () => randomBetween(this.#random, 0, this.#hanging.has(id) ? HANGING_SYNC_MS : this.#weather.syncMaxMs),
      send: (message) => this.#send(message),
      readReady: (node, ticket, index) => this.#readReady(node, ticket, index),
    })
  }

  #start(node: CoreNode): void {
    this.#trace.record(this.#scheduler.now, `n${node.id}`, 'start')
    node.start(new Life(this.#scheduler, `n${node.id}`))
    // A founder that crashed before its first entry was durable has told nobody of it.
    if (node.id !== 1 || node.raft.lastLog.index > 0 || node.raft.term > 0) return
    node.input((raft) => raft.bootstrap(this.#nodes.slice(0, this.#founders).map(({ id }) => member(id))))
  }

  #advance(ms: number): void {
    const until = this.#scheduler.now + ms
    while (this.#scheduler.step(until));
  }

  #disturb(): void {
    const { crash, partition, membership, purge } = this.#weather
    const node = pick(this.#random, this.#nodes)
    if (!node.alive) {
      if (chance(this.#random, 0.2)) this.#start(node)
      return
    }
    this.#load(node)
    if (chance(this.#random, purge)) node.purge()
    if (chance(this.#random, membership)) this.#changeMembership()
    if (chance(this.#random, partition)) this.#partition()
    if (chance(this.#random, 0.01)) node.input((raft) => raft.transferLeadership())
    if (chance(this.#random, crash)) this.#crash(node)
  }

  #load(node: CoreNode): void {
    const leader = this.#nodes.find((other) => other.alive && other.raft.role === 'leader')
    for (let i = randomBetween(this.#random, 0, 3); i > 0; i--) {
      const text = `write ${++this.#proposals}`
      leader?.input((raft) => raft.propose(new Uint8Array(text.length).map((_, at) => text.charCodeAt(at))))
    }
    const floor = this.#checker.lastCommitted
    node.input((raft) => {
      const reads = this.#reads.get(node.id) ?? []
      reads.push({ ticket: raft.read(), floor })
      this.#reads.set(node.id, reads)
    })
  }

  #readReady(node: CoreNode, ticket: number, index: number): void {
    const reads = this.#reads.get(node.id) ?? []
    for (const read of reads.filter((other) => other.ticket === ticket)) {
      this.#coverage.acknowledgedReads++
      if (index < read.floor) throw new Error(`stale read: node ${node.id} reads at ${index}, ${read.floor} was committed before`)
    }
    this.#reads.set(
      node.id,
      reads.filter((other) => other.ticket !== ticket),
    )
  }

  #changeMembership(): void {
    const leader = this.#nodes.find((node) => node.alive && node.raft.role === 'leader')
    if (leader === undefined) return
    const ids = this.#nodes.map(({ id }) => id)
    const voters = ids.filter(() => chance(this.#random, 0.6))
    if (voters.length === 0) return
    const learners = ids.filter((id) => !voters.includes(id) && chance(this.#random, 0.5))
    leader.input((raft) => raft.changeMembership({ voters, learners, newMembers: ids.map(member) }))
  }

  #reunite(): void {
    this.#cut.clear()
    this.#hanging.clear()
  }

  /** Often the leader; with a disk that hangs, its writes are still under way when the others overrule it. */
  #cutOff(): ReadonlySet<NodeId> {
    const leader = this.#nodes.find((node) => node.alive && node.raft.role === 'leader')
    if (leader !== undefined && chance(this.#random, 0.5)) {
      this.#hanging.add(leader.id)
      return new Set([leader.id])
    }
    return new Set(this.#nodes.filter(() => chance(this.#random, 0.4)).map(({ id }) => id))
  }

  #partition(): void {
    if (this.#cut.size > 0) {
      this.#reunite()
      return
    }
    const minority = this.#cutOff()
    const oneWay = chance(this.#random, 0.3)
    for (const a of this.#nodes) {
      for (const b of this.#nodes) {
        if (minority.has(a.id) !== minority.has(b.id) && (!oneWay || minority.has(a.id))) this.#cut.add(`${a.id}>${b.id}`)
      }
    }
  }

  #crash(node: CoreNode): void {
    this.#coverage.crashes++
    const victims = chance(this.#random, 0.2) ? this.#nodes.filter(({ alive }) => alive) : [node]
    for (const victim of victims) this.#crashOne(victim)
  }

  #crashOne(victim: CoreNode): void {
    if (victim.raft.membership.outgoing.length > 0) this.#coverage.crashesInJointChange++
    this.#count(victim)
    this.#trace.record(this.#scheduler.now, `n${victim.id}`, 'crash')
    victim.crash()
    this.#reads.delete(victim.id)
    for (const node of this.#nodes) {
      if (!node.alive) continue
      node.input((raft) => raft.linkClosed(victim.id))
      if (chance(this.#random, 0.5)) node.input((raft) => raft.peerCrashed(victim.id))
    }
  }

  #count(node: CoreNode): void {
    if (!node.alive || this.#counted.has(node.raft)) return
    this.#counted.add(node.raft)
    const { reminders: _, ...counters } = node.raft.counters
    const total: Record<keyof typeof counters, number> = this.#coverage
    const names = Object.keys(counters) as (keyof typeof counters)[]
    for (const name of names) total[name] += counters[name]
  }

  #send(message: Message): void {
    if (this.#cut.has(`${message.from}>${message.to}`) || chance(this.#random, this.#weather.loss)) return
    this.#deliverLater(message)
    if (chance(this.#random, this.#weather.duplication)) this.#deliverLater(message)
  }

  #deliverLater(message: Message): void {
    const delay = randomBetween(this.#random, 0, this.#weather.delayMaxMs * 100) / 100
    this.#scheduler.after(delay, () => {
      const node = this.#nodes[message.to - 1]
      if (node?.alive !== true) return
      this.#trace.record(this.#scheduler.now, `n${message.to}`, describeMessage(message), node.raft.term, node.raft.commitIndex)
      node.input((raft) => raft.step(message))
    })
  }

  #heal(): void {
    this.#reunite()
    this.#weather = FAIR
    for (const node of this.#nodes) if (!node.alive) this.#start(node)
  }

  /** One more write commits, and reaches every voter, within bounded time. */
  #demandProgress(): number {
    const deadline = this.#scheduler.now + 5000
    const target = this.#checker.lastCommitted + 5
    while (this.#scheduler.now < deadline) {
      this.#advance(20)
      const leader = this.#nodes.find((node) => node.alive && node.raft.role === 'leader')
      if (leader === undefined) continue
      leader.input((raft) => raft.propose(new Uint8Array(3)))
      const { voters } = leader.raft.membership
      if (voters.length > 0 && voters.every((id) => (this.#nodes[id - 1] as CoreNode).applied >= target))
        return this.#checker.lastCommitted
    }
    const states = this.#nodes.map(({ id, raft, applied }) => `${id}:${raft.role}/${raft.term}/${raft.commitIndex}/${applied}`)
    throw new Error(`no progress within 5 s after healing: ${states.join(' ')}`)
  }
}

function describeMessage(message: Message): string {
  return JSON.stringify(message, (name, value: unknown) => (name === 'entries' || name === 'to' ? undefined : value))
}
