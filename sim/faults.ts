/** Troubles a cluster, a little at every call, as the weather says. */
import { chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { CrashKind } from '../src/simulation/index.ts'
import type { SimCluster } from './cluster.ts'
import { DiskFaults } from './disk-faults.ts'
import { LivenessViolation } from './liveness.ts'
import { NetworkFaults } from './network-faults.ts'
import { Operator } from './operator.ts'
import type { SimNode } from './sim-node.ts'
import type { Weather } from './weather.ts'

const TICK_MS = 100
/** A turn of a leader has about as many. */
const MAX_EFFECTS = 8
/** From a moment too short to be noticed to some election timeouts. */
const PAUSE_MIN_MS = 20
const PAUSE_MAX_MS = 1500
const MAX_CLOCK_JUMP_MS = 1500
const QUOTA_MAX_MS = 1000
/** How long the operator of a healed cluster takes at most to replace what was lost. */
const REPLACEMENT_MS = 20_000

export class Faults {
  readonly #cluster: SimCluster
  readonly #random: Random
  readonly #weather: Weather
  readonly #operator: Operator
  readonly #network: NetworkFaults
  readonly #disks: DiskFaults
  #healed = false

  constructor(cluster: SimCluster, random: Random, weather: Weather) {
    this.#cluster = cluster
    this.#random = random
    this.#weather = weather
    this.#operator = new Operator(cluster, random)
    this.#network = new NetworkFaults(cluster, random)
    this.#disks = new DiskFaults(cluster, this.#operator, random)
  }

  /** Called at every tenth of a second. */
  disturb(): void {
    const random = this.#random
    for (const node of this.#cluster.nodes) if (node.life === null && chance(random, 0.25)) this.#start(node)
    this.#operator.progress()
    const [node] = this.#someRunning()
    if (node === undefined) return
    this.#load(node)
    this.#network.disturb(node)
    this.#disks.disturb(node, (one) => this.#leaderOr(one))
    this.#hold(node)
    this.#end(node)
  }

  /**
   * The sky clears: all paths work, all nodes run, and whoever lost its disks is a member again. With bounds that let a follower have one
   * entry at a time, clients can write as fast as a newcomer on a longer path catches up: `rest` is called when that takes long.
   */
  async heal(rest: () => void): Promise<void> {
    this.#healed = true
    // A disk that failed just before may be reported only now.
    this.#cluster.supervised = true
    this.#network.heal()
    this.#disks.heal()
    this.#cluster.quotaReached = false
    for (const { life } of this.#cluster.nodes) life?.douseFuse()
    const deadline = this.#cluster.scheduler.now + REPLACEMENT_MS
    do {
      if (this.#cluster.scheduler.now > deadline - REPLACEMENT_MS / 2) rest()
      for (const node of this.#cluster.nodes) {
        this.#cluster.resume(node)
        if (node.life === null) this.#cluster.start(node)
        // Behind a breaker that is open it would be left alone for longer than this takes.
        else if (node.replica === null) this.#cluster.bringBack(node)
      }
      if (this.#cluster.scheduler.now > deadline) {
        throw new LivenessViolation(`not every node runs, or some member is not replaced, within ${REPLACEMENT_MS} ms`)
      }
      await this.#cluster.pass(TICK_MS)
      this.#operator.progress()
    } while (!this.#operator.idle || !this.#cluster.nodes.every(isSound))
  }

  #start(node: SimNode): void {
    this.#disks.beforeStart(node)
    this.#cluster.start(node)
  }

  #someRunning(): SimNode[] {
    const running = this.#cluster.running.filter(({ replica, life }) => replica !== null && life?.paused === false)
    return running.length === 0 ? [] : [pick(this.#random, running)]
  }

  /** Leaders are the more interesting victims. */
  #leaderOr(node: SimNode): SimNode {
    const { leader } = this.#cluster
    return leader !== undefined && chance(this.#random, 0.6) ? leader : node
  }

  /** What people and programs ask for besides reads and writes. */
  #load(node: SimNode): void {
    const { killed, powerCut, membership, handover, snapshot, quota } = this.#weather
    const random = this.#random
    if (chance(random, membership)) {
      this.#operator.changeMembership(node)
      if (killed + powerCut > 0 && chance(random, 0.3)) this.#crashSoon()
    }
    if (handover > 0 && chance(random, handover)) this.#operator.handOver(node)
    if (chance(random, snapshot)) this.#forceSnapshot(node)
    if (chance(random, quota)) this.#reachQuota()
  }

  /** Processes that stand still, and clocks that do not. */
  #hold(node: SimNode): void {
    const { paused, clockJump } = this.#weather
    const random = this.#random
    if (chance(random, paused)) this.#pause(this.#leaderOr(node))
    if (!chance(random, clockJump)) return
    this.#cluster.counters.clockJumps++
    this.#cluster.note(node, 'clock jumps')
    node.life?.jumpClock(randomBetween(random, 100, MAX_CLOCK_JUMP_MS))
  }

  /** Processes that end, in order or not. */
  #end(node: SimNode): void {
    const { killed, powerCut, blackout, stopped, replicaRestarted } = this.#weather
    const random = this.#random
    if (chance(random, stopped)) this.#cluster.stop(this.#leaderOr(node))
    if (chance(random, replicaRestarted)) this.#endReplica(this.#leaderOr(node))
    if (chance(random, blackout)) for (const victim of this.#cluster.running) this.#cluster.crash(victim, 'power-cut')
    else if (node.life !== null && chance(random, powerCut)) this.#crash(node, 'power-cut')
    else if (node.life !== null && chance(random, killed)) this.#crash(this.#leaderOr(node), 'killed')
  }

  /** By hand, in good order; or because it fails: between two events, or between two effects of one. */
  #endReplica(node: SimNode): void {
    if (chance(this.#random, 0.4)) this.#cluster.restartReplica(node)
    else this.#cluster.failReplica(node, chance(this.#random, 0.3) ? null : randomBetween(this.#random, 0, MAX_EFFECTS))
  }

  /** At once, between two events; or soon, between two effects of one. */
  #crash(node: SimNode, kind: CrashKind): void {
    if (chance(this.#random, 0.5)) this.#cluster.crash(node, kind)
    else this.#cluster.crashWithin(node, kind, randomBetween(this.#random, 0, MAX_EFFECTS))
  }

  #pause(node: SimNode): void {
    const { life } = node
    if (life === null || life.paused) return
    this.#cluster.pause(node)
    this.#cluster.scheduler.after(randomBetween(this.#random, PAUSE_MIN_MS, PAUSE_MAX_MS), () => {
      if (node.life === life) this.#cluster.resume(node)
    })
  }

  #forceSnapshot(node: SimNode): void {
    const reply = (error: Error | undefined): void => {
      if (error === undefined) this.#cluster.counters.forcedSnapshots++
    }
    node.life?.after(0, () => node.send({ type: 'TriggerSnapshot', reply }))
  }

  #reachQuota(): void {
    this.#cluster.quotaReached = true
    this.#cluster.scheduler.after(randomBetween(this.#random, 100, QUOTA_MAX_MS), () => {
      this.#cluster.quotaReached = false
    })
  }

  /** In the middle of whatever the leader is doing. */
  #crashSoon(): void {
    this.#cluster.scheduler.after(randomBetween(this.#random, 1, 60), () => {
      const { leader } = this.#cluster
      if (leader !== undefined && !this.#healed) this.#cluster.crash(leader, chance(this.#random, 0.5) ? 'killed' : 'power-cut')
    })
  }
}

/** It runs, and is not about to end. */
function isSound({ replica, stopping, poisoned }: SimNode): boolean {
  return replica !== null && !stopping && !poisoned
}
