/** What happens to the disks of a simulated cluster. */
import { chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { SimCluster } from './cluster.ts'
import type { Operator } from './operator.ts'
import type { SimNode } from './sim-node.ts'

const MAX_FLIPS = 3
/** A disk that is full is so for long enough that its node looks at it, and dies of it at times. */
const FULL_MIN_MS = 300
const FULL_MAX_MS = 2500

export class DiskFaults {
  readonly #cluster: SimCluster
  readonly #operator: Operator
  readonly #random: Random

  constructor(cluster: SimCluster, operator: Operator, random: Random) {
    this.#cluster = cluster
    this.#operator = operator
    this.#random = random
  }

  disturb(node: SimNode, leaderOr: (node: SimNode) => SimNode): void {
    const { failingDisk, fullDisk, lostDisk } = this.#cluster.weather
    const random = this.#random
    if (chance(random, failingDisk)) pick(random, leaderOr(node).disks).failsNext = pick(random, ['write', 'sync'])
    if (chance(random, fullDisk)) this.#fill(leaderOr(node))
    if (chance(random, lostDisk) && this.#operator.mayForget(node)) this.#cluster.loseDisks(node)
  }

  /** A machine that was down is about to start: its disks may have forgotten something meanwhile. */
  beforeStart(node: SimNode): void {
    const { weather, counters } = this.#cluster
    if (!chance(this.#random, weather.bitFlip) || !this.#operator.mayForget(node)) return
    const flips = randomBetween(this.#random, 1, MAX_FLIPS)
    for (let i = 0; i < flips; i++) {
      if (!pick(this.#random, node.disks).flipBit(this.#random)) continue
      node.damaged = true
      counters.flippedBits++
    }
    if (node.damaged) this.#cluster.note(node, 'forgets bits')
  }

  /** What stalls for longer than a read may take is not whole, either. */
  heal(): void {
    for (const { disks } of this.#cluster.nodes) {
      for (const disk of disks) {
        disk.profile = { ...disk.profile, stallProbability: 0 }
        disk.failsNext = null
        disk.fillLevel = 'roomy'
      }
    }
  }

  /** First there is little room, later at times none; then somebody frees some. */
  #fill(node: SimNode): void {
    const { scheduler } = this.#cluster
    this.#cluster.note(node, 'disk fills up')
    for (const disk of node.disks) disk.fillLevel = chance(this.#random, 0.5) ? 'nearly-full' : 'full'
    scheduler.after(randomBetween(this.#random, FULL_MIN_MS, FULL_MAX_MS), () => {
      for (const disk of node.disks) disk.fillLevel = 'roomy'
    })
  }
}
