/** Clocks of two nodes may differ so much, in milliseconds. */
const MAX_SKEW_MS = 10 * 60_000
/** The DHT keeps what is put for two hours: a node that has not put anything for as long is not there. */
const MAX_AGE_MS = 2 * 3_600_000
const MICROSECONDS = 1_000

/** Milliseconds since 1970. */
export type WallClock = () => number

/** The sequences of what this node publishes: they grow, over restarts as well. */
export class Sequence {
  readonly #wallClock: WallClock
  #last = 0

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock
  }

  next(): number {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#wallClock() * MICROSECONDS))
    return this.#last
  }

  /** A record of this node with this sequence is out there: the next ones are above it. False if nobody would believe those. */
  goAbove(sequence: number): boolean {
    if (sequence > (this.#wallClock() + MAX_SKEW_MS) * MICROSECONDS) return false
    this.#last = Math.max(this.#last, sequence)
    return true
  }
}

/** Whether a record is news: not older than one that was heard, nor than nodes are missed for, nor from the future. */
export class Freshness {
  readonly #wallClock: WallClock
  readonly #maxKeys: number
  readonly #newest = new Map<string, number>()

  constructor(wallClock: WallClock, maxKeys: number) {
    this.#wallClock = wallClock
    this.#maxKeys = maxKeys
  }

  /** Why it is not to be believed; null if it is. */
  objection(endpointId: string, sequence: number): string | null {
    const newest = this.#newest.get(endpointId) ?? 0
    const ageMs = this.#wallClock() - sequence / MICROSECONDS
    if (sequence < newest) return 'older than one that was found before'
    if (ageMs > MAX_AGE_MS) return `${Math.round(ageMs / 60_000)} minutes old by the clock of this node`
    if (ageMs < -MAX_SKEW_MS) return `of a time ${Math.round(-ageMs / 60_000)} minutes ahead of the clock of this node`
    this.#newest.delete(endpointId)
    this.#newest.set(endpointId, sequence)
    if (this.#newest.size > this.#maxKeys) this.#newest.delete(this.#newest.keys().next().value as string)
    return null
  }
}
