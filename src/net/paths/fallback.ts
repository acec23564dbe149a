import type { Clock } from '../../ports/index.ts'
import { surface } from '../link/index.ts'
import type { Carrier, LinkReports } from '../link/index.ts'

/** After a start that failed, no other is tried for so long. */
const RETRY_MS = 60_000

export interface FallbackOptions {
  readonly carrier: Carrier
  /** True when it starts with the transport; otherwise when a peer is not reached without it. */
  readonly atStart: boolean
  /** Whether also for peers that have addresses, none of which works though something may be there. */
  readonly forUnreached: boolean
}

/** A carrier that nothing depends on: where it cannot be had, that is said, and the others go on. */
export class Fallback {
  readonly carrier: Carrier
  readonly #clock: Clock
  readonly #reports: LinkReports
  readonly #start: () => Promise<void>
  readonly #started: () => void
  #isStarted = false
  #notBefore = -Infinity

  /** @param started called when it is there */
  constructor(carrier: Carrier, clock: Clock, reports: LinkReports, start: () => Promise<void>, started: () => void) {
    this.carrier = carrier
    this.#clock = clock
    this.#reports = reports
    this.#start = start
    this.#started = started
  }

  get isStarted(): boolean {
    return this.#isStarted
  }

  /** A peer is not reached without it. */
  need(): void {
    if (this.#isStarted || this.#clock.now() < this.#notBefore) return
    this.#notBefore = this.#clock.now() + RETRY_MS
    surface(this.#run())
  }

  async #run(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      this.#reports.noCarrier(this.carrier.name, error as Error)
      return
    }
    this.#isStarted = true
    this.#started()
  }
}
