import type { Timer } from '../ports/index.ts'
import type { EndReason } from './end-reason.ts'
import type { Linked } from './link.ts'
import type { Meter } from './meters.ts'
import type { WaitingSender } from './sending.ts'
import type { LifeEvent, Watch } from './target.ts'

/** What others have to do with an actor, or want of it: most actors have none of it most of the time, and take no room for it. */
export class Ties {
  /** Its name in the whole system. */
  registeredAs: string | null = null
  /** Why it takes no messages. */
  closed: string | null = null
  /** It is to end for good: those who want to know when it has. */
  leaving: (() => void)[] | null = null
  /** It has asked for the end of its life: what follows is its supervisor's business. */
  leaves = false
  /** Its life is to end, and another may follow. */
  halted: (() => void) | null = null
  /** Told once when the life that is being started has started, or failed to. */
  started: (() => void) | null = null
  /** When it is killed. */
  deadline: Timer | null = null
  /** How its last life ended; null while it lives, or has not lived yet. */
  lastEnd: EndReason | null = null
  /** Lives behind the first. */
  restarts = 0
  /** What is counted of it by its name. */
  meter: Meter | null = null
  /** Messages that found no room. */
  refused = 0
  /** Who waits for room in its mailbox, the first first. */
  senders: Set<WaitingSender> | null = null
  /** Those who are to be linked to its next life. */
  linked: Linked[] | null = null
  #told: Set<{ readonly told: (event: LifeEvent) => void }> | null = null

  watch(told: (event: LifeEvent) => void): Watch {
    const entry = { told }
    this.#told ??= new Set()
    this.#told.add(entry)
    return { cancel: () => void this.#told?.delete(entry) }
  }

  get isWatched(): boolean {
    return this.#told !== null
  }

  tell(event: LifeEvent): void {
    for (const { told } of this.#told ?? []) told(event)
  }

  /** Nobody is told any more. */
  forget(): void {
    this.#told = null
    this.linked = null
  }
}
