/**
 * Which peers that nobody has named are dialled: a few at a time. While a node has few links, it tries all that it knows, in random order and
 * for ever. Once it has enough, it looks for those that it has not heard of for a while, whoever tells: they may be on the other side of a cut, and
 * nobody on this side would ever hear of them again. So an overlay that split merges when it can, and one that is whole is left alone.
 */
import { pick, randomBetween } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'
import { MAX_DIALLED_STRANGERS } from '../limits.ts'

/** Links with strangers that are enough to hear of all that the others hear of. */
const ENOUGH_LINKS = 24
/** How long one is dialled before another has its turn, in milliseconds. */
const TURN_MS = 10_000
/** A peer that was not heard of for so long is missed: longer than gossip takes to say that it is there. */
const MISSED_MS = 120_000

/** A peer that nobody has named, and that could be dialled. */
export interface Stranger {
  readonly endpointId: string
  /** By whatever source. */
  readonly heardAt: number
}

export interface Choice {
  readonly dial: readonly string[]
  readonly letGo: readonly string[]
}

export class Strangers {
  readonly #random: Random
  /** Since when those are dialled that are. */
  readonly #dialled = new Map<string, number>()

  constructor(random: Random) {
    this.#random = random
  }

  has(endpointId: string): boolean {
    return this.#dialled.has(endpointId)
  }

  /** One more, if there is room; false when it has to wait. */
  take(endpointId: string, now: number): boolean {
    if (this.#dialled.has(endpointId)) return true
    if (this.#dialled.size >= MAX_DIALLED_STRANGERS) return false
    this.#dialled.set(endpointId, now)
    return true
  }

  delete(endpointId: string): void {
    this.#dialled.delete(endpointId)
  }

  /** Who is to be dialled now instead of whom. `others` are all that are not linked, but may be dialled already; `links` are those with strangers. */
  choose(others: readonly Stranger[], linked: ReadonlySet<string>, links: number, now: number): Choice {
    const isSought = ({ heardAt }: Stranger): boolean => links < ENOUGH_LINKS || heardAt + MISSED_MS < now
    const waiting = others
      .filter((one) => !this.#dialled.has(one.endpointId) && isSought(one))
      .map(({ endpointId }) => endpointId)
    const letGo = waiting.length === 0 ? [] : this.#makeRoom(waiting.length, linked, now)
    const dial = this.#some(waiting, MAX_DIALLED_STRANGERS - this.#dialled.size)
    for (const endpointId of dial) this.#dialled.set(endpointId, now)
    return { dial, letGo }
  }

  #some(waiting: readonly string[], room: number): string[] {
    if (waiting.length <= room) return [...waiting]
    const left = [...waiting]
    const chosen: string[] = []
    while (chosen.length < room) chosen.push(...left.splice(randomBetween(this.#random, 0, left.length - 1), 1))
    return chosen
  }

  /** Those who had their turn go; where all that are dialled are linked, one of them does. */
  #makeRoom(wanted: number, linked: ReadonlySet<string>, now: number): string[] {
    const letGo: string[] = []
    const missing = (): number => wanted - (MAX_DIALLED_STRANGERS - this.#dialled.size)
    for (const [endpointId, since] of [...this.#dialled]) {
      if (missing() <= 0) break
      if (linked.has(endpointId) || since + TURN_MS > now) continue
      this.#dialled.delete(endpointId)
      letGo.push(endpointId)
    }
    if (this.#dialled.size >= MAX_DIALLED_STRANGERS && [...this.#dialled.keys()].every((one) => linked.has(one))) {
      const one = pick(this.#random, [...this.#dialled.keys()])
      this.#dialled.delete(one)
      letGo.push(one)
    }
    return letGo
  }
}
