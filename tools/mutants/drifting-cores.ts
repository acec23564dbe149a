/**
 * Consensus cores whose clocks do not agree, so that a leader may believe in itself long after the others have chosen
 * another one; it then has the learners on its side, and its clients go on reading. Nodes come back quickly, while
 * answers to their former life are still on their way.
 */
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Message, NodeId } from '../../src/raft/index.ts'
import { member } from '../../sim/core-node.ts'
import type { PendingRead } from '../../sim/core-cluster.ts'
import { CoreNode } from '../../sim/core-node.ts'
import { forkPrng, Life, Scheduler } from '../../src/simulation/index.ts'
import { SafetyViolation } from '../../sim/invariants.ts'
import { StrictChecker } from './strict-checker.ts'

const TIMINGS = { heartbeatIntervalMs: 20, electionTimeoutMinMs: 60, electionTimeoutMaxMs: 120 }
const VOTERS = 3
const LEARNERS = 3
/** What a clock makes of a millisecond: the slow ones make leaders that do not notice their end. */
const PACES = [0.15, 1, 1, 1, 2]
const STEP_MS = 4

/** What one run came across. */
export interface DriftRun {
  readonly committed: number
  readonly reads: number
  /** How often two nodes were seen that each held themselves for the leader. */
  readonly rivalries: number
}

export class DriftingCores {
  readonly #scheduler = new Scheduler()
  readonly #checker = new StrictChecker()
  readonly #random: Random
  readonly #nodes: readonly CoreNode[]
  readonly #reads = new Map<NodeId, PendingRead[]>()
  readonly #delayMaxMs: number
  readonly #syncMaxMs: number
  readonly #crash: number
  /** Those that the others do not hear, and that do not hear them. */
  #apart: ReadonlySet<NodeId> = new Set()
  #answered = 0
  #rivalries = 0

  constructor(seed: number) {
    this.#random = forkPrng(seed, 'drifting cores')
    this.#delayMaxMs = pick(this.#random, [3, 10, 80])
    this.#syncMaxMs = pick(this.#random, [1, 20, 60])
    this.#crash = pick(this.#random, [0, 0.02, 0.08])
    this.#nodes = Array.from({ length: VOTERS + LEARNERS }, (_, i) => this.#createNode(i + 1))
  }

  /** @throws SafetyViolation, AssertionError */
  run(durationMs: number): DriftRun {
    for (const node of this.#nodes) this.#start(node)
    while (this.#scheduler.now < durationMs) {
      const until = this.#scheduler.now + STEP_MS
      while (this.#scheduler.step(until));
      if (this.#leaders.length > 1) this.#rivalries++
      this.#disturb(pick(this.#random, this.#nodes))
    }
    return { committed: this.#checker.lastCommitted, reads: this.#answered, rivalries: this.#rivalries }
  }

  #createNode(id: NodeId): CoreNode {
    return new CoreNode(id, {
      random: this.#random,
      checker: this.#checker,
      timings: TIMINGS,
      syncMs: () => randomBetween(this.#random, 0, this.#syncMaxMs),
      send: (message) => this.#send(message),
      readReady: (node, ticket, index) => this.#readReady(node.id, ticket, index),
    })
  }

  #start(node: CoreNode): void {
    node.start(new Life(this.#scheduler, `n${node.id}`, () => undefined, pick(this.#random, PACES)))
    if (node.id !== 1 || node.raft.lastLog.index > 0 || node.raft.term > 0) return
    const founders = this.#nodes.slice(0, VOTERS).map(({ id }) => member(id))
    node.input((raft) => raft.bootstrap(founders))
  }

  get #leaders(): CoreNode[] {
    return this.#nodes.filter((node) => node.alive && node.raft.role === 'leader')
  }

  #disturb(node: CoreNode): void {
    if (!node.alive) {
      if (chance(this.#random, 0.5)) this.#start(node)
      return
    }
    // Every leader has clients, the one that is none any more, too.
    for (const leader of this.#leaders) {
      leader.input((raft) => raft.propose(new Uint8Array(1 + (this.#scheduler.executed % 100))))
      this.#read(leader)
      if (chance(this.#random, 0.1)) this.#addLearners(leader)
      if (chance(this.#random, 0.02)) leader.input((raft) => raft.transferLeadership())
    }
    this.#read(node)
    if (this.#apart.size === 0 && chance(this.#random, 0.03)) this.#separate()
    else if (chance(this.#random, 0.03)) this.#apart = new Set()
    if (chance(this.#random, this.#crash)) this.#crashOne(node)
  }

  #read(node: CoreNode): void {
    const floor = this.#checker.lastCommitted
    node.input((raft) => {
      const reads = this.#reads.get(node.id) ?? []
      reads.push({ ticket: raft.read(), floor })
      this.#reads.set(node.id, reads)
    })
  }

  #readReady(id: NodeId, ticket: number, index: number): void {
    const reads = this.#reads.get(id) ?? []
    for (const { floor } of reads.filter((read) => read.ticket === ticket)) {
      this.#answered++
      if (index >= floor) continue
      throw new SafetyViolation('linearizability', `node ${id} reads at ${index}; ${floor} was committed before`)
    }
    this.#reads.set(
      id,
      reads.filter((read) => read.ticket !== ticket),
    )
  }

  #addLearners(leader: CoreNode): void {
    const ids = this.#nodes.map(({ id }) => id)
    const [voters, learners] = [ids.slice(0, VOTERS), ids.slice(VOTERS)]
    if (leader.raft.membership.learners.length === learners.length) return
    leader.input((raft) => raft.changeMembership({ voters, learners, newMembers: ids.map(member) }))
  }

  /** A leader, and whoever else cannot replace it. */
  #separate(): void {
    const leader = pick(this.#random, this.#leaders.length > 0 ? this.#leaders : this.#nodes)
    const learners = this.#nodes.slice(VOTERS).filter(() => chance(this.#random, 0.8))
    this.#apart = new Set([leader, ...learners].map(({ id }) => id))
  }

  #crashOne(victim: CoreNode): void {
    victim.crash()
    this.#reads.delete(victim.id)
    for (const node of this.#nodes) {
      if (!node.alive) continue
      node.input((raft) => raft.linkClosed(victim.id))
      if (chance(this.#random, 0.5)) node.input((raft) => raft.peerCrashed(victim.id))
    }
  }

  #send(message: Message): void {
    if (this.#apart.has(message.from) !== this.#apart.has(message.to)) return
    const delay = randomBetween(this.#random, 0, this.#delayMaxMs * 100) / 100
    this.#scheduler.after(delay, () => {
      const node = this.#nodes[message.to - 1]
      if (node?.alive === true) node.input((raft) => raft.step(message))
    })
  }
}
