/**
 * Those that this node is linked with and hears gossip from, and what each may cost it. Who passes on what nobody signed, or what is no gossip, is
 * lying or broken, because every node checks before it passes on: it is not listened to for a while.
 */
import { Allowance } from './allowance.ts'
import type { Rate } from './allowance.ts'

/** What one that has gone had used up is its own again after so long, in milliseconds. */
const REMEMBERED_MS = 60_000
/** How long one that lied is not listened to, in milliseconds. */
const MUTED_MS = 60_000

/** What a neighbour may send. */
const RATES = {
  bytes: { perSecond: 16_384, burst: 262_144 },
  /** Those of itself, each of which costs the check of a signature: some 100 microseconds. */
  own: { perSecond: 0.5, burst: 10 },
  /** Those of others. */
  announcements: { perSecond: 20, burst: 300 },
  digests: { perSecond: 0.5, burst: 8 },
  /** Announcements that it asks for. */
  wanted: { perSecond: 30, burst: 600 },
} as const satisfies Record<string, Rate>

/** What all together may pass on of others: a hundredth of a processor when there is no end of it. */
const ALL_CHECKS: Rate = { perSecond: 100, burst: 1_000 }

export type Good = keyof typeof RATES

interface Neighbour {
  readonly allowances: Readonly<Record<Good, Allowance>>
  mutedUntil: number
  /** When it last spoke for itself. */
  spokeAt: number
  /** Null while it is linked. */
  closedAt: number | null
}

export class Neighbours {
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #checks: Allowance

  constructor(now: number) {
    this.#checks = new Allowance(ALL_CHECKS, now)
  }

  /** Keys of those that are linked. */
  get linked(): string[] {
    return Array.from(this.#neighbours).flatMap(([endpointId, { closedAt }]) => (closedAt === null ? [endpointId] : []))
  }

  isLinked(endpointId: string): boolean {
    return this.#neighbours.get(endpointId)?.closedAt === null
  }

  /** One that comes back has not been given everything anew. */
  opened(endpointId: string, now: number): void {
    const known = this.#neighbours.get(endpointId)
    if (known !== undefined) known.closedAt = null
    else {
      const of = (good: Good): Allowance => new Allowance(RATES[good], now)
      const allowances = {
        bytes: of('bytes'),
        own: of('own'),
        announcements: of('announcements'),
        digests: of('digests'),
        wanted: of('wanted'),
      }
      this.#neighbours.set(endpointId, { allowances, mutedUntil: now, spokeAt: Number.NEGATIVE_INFINITY, closedAt: null })
    }
  }

  closed(endpointId: string, now: number): void {
    const known = this.#neighbours.get(endpointId)
    if (known !== undefined) known.closedAt = now
  }

  /** Forgets those that have been away for so long that everything they had used up is theirs again. */
  tidy(now: number): void {
    for (const [endpointId, { closedAt, mutedUntil }] of this.#neighbours) {
      if (closedAt !== null && closedAt + REMEMBERED_MS < now && mutedUntil < now) this.#neighbours.delete(endpointId)
    }
  }

  take(endpointId: string, good: Good, amount: number, now: number): boolean {
    return this.#neighbours.get(endpointId)?.allowances[good].take(amount, now) === true
  }

  /** Whether one more signature may be checked. */
  takeCheck(now: number): boolean {
    return this.#checks.take(1, now)
  }

  mute(endpointId: string, now: number): void {
    const known = this.#neighbours.get(endpointId)
    if (known !== undefined) known.mutedUntil = now + MUTED_MS
  }

  isMuted(endpointId: string, now: number): boolean {
    const known = this.#neighbours.get(endpointId)
    return known === undefined || now < known.mutedUntil
  }

  spoke(endpointId: string, now: number): void {
    const known = this.#neighbours.get(endpointId)
    if (known !== undefined) known.spokeAt = now
  }

  /** When a neighbour that is linked last spoke for itself. */
  spokeAt(endpointId: string): number {
    const known = this.#neighbours.get(endpointId)
    return known?.closedAt === null ? known.spokeAt : Number.NEGATIVE_INFINITY
  }
}
