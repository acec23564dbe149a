import { MAX_PEERS, STRANGER_EXPIRY_MS } from '../../limits.ts'
import type { Candidate, Clock } from '../../ports/index.ts'

/** What is said again is passed on so often. */
const REPEAT_MS = 5_000
/** Nodes that one address may speak of first: who invents more leaves room in the peer book for others. */
const MAX_OF_ONE = 128

interface Heard {
  readonly said: string
  readonly at: number
  /** The address that spoke of it first. */
  readonly from: string
}

/** Who was heard of, the latest at the end; the earliest is forgotten for one too many, and whoever was not heard of for as long as strangers are kept. */
export class HeardTable {
  readonly #clock: Clock
  readonly #heard = new Map<string, Heard>()
  /** By address. */
  readonly #counts = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether what was said from this address is to be passed on. */
  isNews(candidate: Candidate, from: string): boolean {
    const { endpointId } = candidate
    const said = JSON.stringify(candidate)
    const now = this.#clock.now()
    for (const [key, { at }] of this.#heard) {
      if (now - at < STRANGER_EXPIRY_MS) break
      this.#forget(key)
    }
    const before = this.#heard.get(endpointId)
    if (before === undefined && (this.#counts.get(from) ?? 0) >= MAX_OF_ONE) return false
    if (before !== undefined && before.said === said && now - before.at < REPEAT_MS) return false
    this.#forget(endpointId)
    this.#add(endpointId, { said, at: now, from: before?.from ?? from })
    return true
  }

  /** Keys of those who need not say it again so soon, the latest first. */
  latest(count: number, maxAgeMs: number): string[] {
    const oldest = this.#clock.now() - maxAgeMs
    const recent = [...this.#heard].filter(([, { at }]) => at >= oldest)
    return recent.slice(-count).map(([endpointId]) => endpointId)
  }

  #add(endpointId: string, heard: Heard): void {
    if (this.#heard.size >= MAX_PEERS) this.#forget(this.#heard.keys().next().value as string)
    this.#heard.set(endpointId, heard)
    this.#counts.set(heard.from, (this.#counts.get(heard.from) ?? 0) + 1)
  }

  #forget(endpointId: string): void {
    const heard = this.#heard.get(endpointId)
    if (heard === undefined) return
    this.#heard.delete(endpointId)
    const left = (this.#counts.get(heard.from) ?? 0) - 1
    if (left > 0) this.#counts.set(heard.from, left)
    else this.#counts.delete(heard.from)
  }
}
