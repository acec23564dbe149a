/** Random faults, as likely as one wants them. */
import { chance, pick, randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import type { AspenRouter } from './aspen-router.ts'

/** How likely each fault is at every tenth of a virtual second. */
export interface Trouble {
  /** A process ends; its node starts again within half a second. */
  readonly crash?: number
  /** A machine loses power, and what its disks had not synced. */
  readonly powerCut?: number
  /** Some nodes do not hear the others, for half a second at most. */
  readonly partition?: number
}

const INTERVAL_MS = 100
const LONGEST_MS = 500

export class Troublemaker {
  readonly #router: AspenRouter
  readonly #random: Random
  #trouble: Trouble | null = null
  /** Counts the beginnings, so that what an earlier one planned does not happen in a later one. */
  #round = 0

  constructor(router: AspenRouter, random: Random) {
    this.#router = router
    this.#random = random
  }

  begin(trouble: Trouble): void {
    this.#trouble = trouble
    this.#next(++this.#round)
  }

  end(): void {
    this.#trouble = null
    this.#round++
  }

  #next(round: number): void {
    this.#router.after(INTERVAL_MS, () => {
      if (round !== this.#round || this.#trouble === null) return
      this.#disturb(this.#trouble, round)
      this.#next(round)
    })
  }

  #disturb({ crash = 0, powerCut = 0, partition = 0 }: Trouble, round: number): void {
    const router = this.#router
    const running = router.nodeIds.filter((id) => router.isRunning(id))
    if (running.length > 0) {
      const victim = pick(this.#random, running)
      if (chance(this.#random, powerCut)) this.#crash(victim, 'power-cut', round)
      else if (chance(this.#random, crash)) this.#crash(victim, 'killed', round)
    }
    if (!router.isPartitioned && chance(this.#random, partition)) {
      const inside = router.nodeIds.filter(() => chance(this.#random, 0.4))
      const outside = router.nodeIds.filter((id) => !inside.includes(id))
      router.partition(inside, outside)
      this.#soon(round, () => router.reunite())
    }
  }

  #crash(nodeId: number, kind: 'killed' | 'power-cut', round: number): void {
    this.#router.crash(nodeId, kind)
    this.#soon(round, () => {
      if (!this.#router.isRunning(nodeId)) this.#router.start(nodeId)
    })
  }

  #soon(round: number, run: () => void): void {
    this.#router.after(randomBetween(this.#random, 10, LONGEST_MS), () => {
      if (round === this.#round) run()
    })
  }
}
