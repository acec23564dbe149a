import type { Clock } from '../../ports/index.ts'

/** Packets that are looked into a second, and at once. */
const PER_SECOND = 400
/** Of these, one neighbour has half: it keeps nobody else from being heard. */
const PER_SECOND_OF_ONE = PER_SECOND / 2
/** Neighbours that are counted apart, those that spoke last. */
const MAX_NEIGHBOURS = 64
/** What is saved up is that of so many seconds. */
const BURST_SECONDS = 2

/** So many a second, and what is saved up of it. */
export class Bucket {
  readonly #perSecond: number
  #left: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#left = perSecond * BURST_SECONDS
    this.#at = now
  }

  take(now: number): boolean {
    this.#left = Math.min(this.#perSecond * BURST_SECONDS, this.#left + ((now - this.#at) * this.#perSecond) / 1_000)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** What anybody on the network may have this node do: the rest is dropped unseen. */
export class Allowance {
  readonly #clock: Clock
  readonly #all: Bucket
  readonly #byNeighbour = new Map<string, Bucket>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.#all = new Bucket(PER_SECOND, clock.now())
  }

  /** @param from the address of who speaks */
  take(from: string): boolean {
    const now = this.#clock.now()
    const own = this.#byNeighbour.get(from) ?? new Bucket(PER_SECOND_OF_ONE, now)
    this.#byNeighbour.delete(from)
    this.#byNeighbour.set(from, own)
    if (this.#byNeighbour.size > MAX_NEIGHBOURS) this.#byNeighbour.delete(this.#byNeighbour.keys().next().value as string)
    return own.take(now) && this.#all.take(now)
  }
}
