/** What one peer may ask of this node, or all together: so much a second, and more at once after a rest. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

export class Allowance {
  readonly #rate: Rate
  #left: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#at = now
  }

  /** False, and nothing taken, when there is not so much left. */
  take(amount: number, now: number): boolean {
    const { perSecond, burst } = this.#rate
    this.#left = Math.min(burst, this.#left + (Math.max(0, now - this.#at) * perSecond) / 1000)
    this.#at = now
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }
}
