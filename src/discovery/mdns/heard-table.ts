import { MAX_PEERS } from '../../limits.ts'
import type { Candidate, Clock } from '../../ports/index.ts'

/** What is said again is passed on so often. */
const REPEAT_MS = 5_000

/** Who was heard of, the latest at the end; the earliest is forgotten for one too many. */
export class HeardTable {
  readonly #clock: Clock
  readonly #heard = new Map<string, { readonly said: string; readonly at: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether it is to be passed on. */
  isNews(candidate: Candidate): boolean {
    const { endpointId } = candidate
    const said = JSON.stringify(candidate)
    const now = this.#clock.now()
    const before = this.#heard.get(endpointId)
    if (before !== undefined && before.said === said && now - before.at < REPEAT_MS) return false
    this.#heard.delete(endpointId)
    this.#heard.set(endpointId, { said, at: now })
    if (this.#heard.size > MAX_PEERS) this.#heard.delete(this.#heard.keys().next().value as string)
    return true
  }

  /** Keys of those who need not say it again so soon, the latest first. */
  latest(count: number, maxAgeMs: number): string[] {
    const oldest = this.#clock.now() - maxAgeMs
    const recent = [...this.#heard].filter(([, { at }]) => at >= oldest)
    return recent.slice(-count).map(([endpointId]) => endpointId)
  }
}
