import { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import type { EndReason } from './end-reason.ts'
import type { Handlers } from './protocol.ts'

/** Calls back in a turn of whatever it belongs to. */
export type Turns = (run: () => void) => void

/** What ends with a life: timers, monitors of others, links. */
interface Kept {
  cancel(): void
  /** The life has failed. */
  failed?(life: Life, reason: EndReason): void
}

/** One life of an actor: what handles its messages, and what ends with it. */
export class Life {
  readonly startedAt: number
  /** Null until its start is done. */
  handlers: Handlers | null = null
  /** Where its messages are handled; null: in the turns that all actors share. */
  turns: Turns | null = null
  #over = false
  #kept: Set<Kept> | null = null
  /** Calls that it has in hand, and answers later. */
  #calls: Set<Asker> | null = null

  constructor(startedAt: number) {
    this.startedAt = startedAt
  }

  /** What completes now is of no concern to anybody. */
  get over(): boolean {
    return this.#over
  }

  get kept(): Iterable<Kept> {
    return this.#kept ?? []
  }

  /** It is cancelled when this life ends. */
  keep(kept: Kept): void {
    this.#kept ??= new Set()
    this.#kept.add(kept)
  }

  drop(kept: Kept): void {
    this.#kept?.delete(kept)
  }

  keepCall(call: Asker): void {
    if (call.settled) return
    this.#calls ??= new Set()
    this.#calls.add(call)
    call.keptBy = this.#calls
  }

  /** It has crashed, or is killed: those who are linked to it hear of it once. */
  failed(reason: EndReason): void {
    for (const one of this.#kept ?? []) one.failed?.(this, reason)
  }

  end(path: string, why: string): void {
    this.#over = true
    const kept = this.#kept
    this.#kept = null
    for (const one of kept ?? []) one.cancel()
    const calls = this.#calls
    this.#calls = null
    const words = `${path} ended with the message in hand: ${why}`
    for (const call of calls ?? []) call.refuse(new ActorError('CRASHED', words, { begun: true }))
  }
}
