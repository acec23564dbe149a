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

/** Of those that were linked once, and of those that somebody only speaks of, each: whoever invents peers does not keep a node from looking for those that there are. */
const SHARE = MAX_DIALLED_STRANGERS / 2

/** A peer that nobody has named, and that could be dialled. */
export interface Stranger {
  readonly endpointId: string
  /** By whatever source. */
  readonly heardAt: number
  /** It was linked once: there is such a peer. */
  readonly wasLinked: boolean
}

export interface Choice {
  readonly dial: readonly string[]
  readonly letGo: readonly string[]
}

interface Dialled {
  readonly since: number
  readonly wasLinked: boolean
}

export class Strangers {
  readonly #random: Random
  readonly #dialled = new Map<string, Dialled>()

  constructor(random: Random) {
    this.#random = random
  }

  has(endpointId: string): boolean {
    return this.#dialled.has(endpointId)
  }

  /** One more, if there is room; false when it has to wait. */
  take(endpointId: string, wasLinked: boolean, now: number): boolean {
    const dialled = this.#dialled.get(endpointId)
    if (dialled === undefined && this.#dialled.size >= MAX_DIALLED_STRANGERS) return false
    this.#dialled.set(endpointId, { since: dialled?.since ?? now, wasLinked })
    return true
  }

  delete(endpointId: string): void {
    this.#dialled.delete(endpointId)
  }

  /** Who is to be dialled now instead of whom. `others` are all that are not linked, but may be dialled already; `links` are those with strangers. */
  choose(others: readonly Stranger[], linked: ReadonlySet<string>, links: number, now: number): Choice {
    const isSought = ({ heardAt }: Stranger): boolean => links < ENOUGH_LINKS || heardAt + MISSED_MS < now
    const waiting = others.filter((one) => !this.#dialled.has(one.endpointId) && isSought(one))
    const letGo: string[] = []
    const dial: string[] = []
    for (const wasLinked of [true, false]) {
      const ours = waiting.filter((one) => one.wasLinked === wasLinked).map(({ endpointId }) => endpointId)
      if (ours.length === 0) continue
      letGo.push(...this.#makeRoom(ours.length, wasLinked, linked, now))
      const room = MAX_DIALLED_STRANGERS - this.#dialled.size
      const share = ours.length === waiting.length ? room : Math.max(0, SHARE - this.#count(wasLinked, linked))
      for (const endpointId of this.#some(ours, Math.min(room, wasLinked ? share : room))) {
        this.#dialled.set(endpointId, { since: now, wasLinked })
        dial.push(endpointId)
      }
    }
    return { dial, letGo }
  }

  #some(waiting: readonly string[], room: number): string[] {
    if (waiting.length <= room) return [...waiting]
    const left = [...waiting]
    const chosen: string[] = []
    while (chosen.length < room) chosen.push(...left.splice(randomBetween(this.#random, 0, left.length - 1), 1))
    return chosen
  }

  /** Of a kind, those that are dialled and not reached. */
  #count(wasLinked: boolean, linked: ReadonlySet<string>): number {
    return [...this.#dialled].filter(([endpointId, one]) => one.wasLinked === wasLinked && !linked.has(endpointId)).length
  }

  /**
   * Those of the kind who had their turn go, and of the other kind those that have more than their share; where all that are dialled are linked,
   * one of them does.
   */
  #makeRoom(wanted: number, wasLinked: boolean, linked: ReadonlySet<string>, now: number): string[] {
    const letGo: string[] = []
    const missing = (): number => wanted - (MAX_DIALLED_STRANGERS - this.#dialled.size)
    for (const [endpointId, one] of [...this.#dialled]) {
      if (missing() <= 0) break
      if (linked.has(endpointId) || one.since + TURN_MS > now) continue
      const gives =
        one.wasLinked === wasLinked || (this.#count(!wasLinked, linked) > SHARE && this.#count(wasLinked, linked) < SHARE)
      if (!gives) continue
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
