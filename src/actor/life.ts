import { ActorError } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { sayReason } from './end-reason.ts'
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

/** What most lives have nothing of, and take no room for. */
class Belongings {
  turns: Turns | null = null
  timers = 0
  readonly kept = new Set<Kept>()
  readonly calls = new Set<Asker>()
}

/** One life of an actor: what handles its messages, and what ends with it. */
export class Life {
  /** Whole milliseconds: other numbers take more room. */
  readonly startedAt: number
  /** Null until its start is done. */
  handlers: Handlers | null = null
  #endedBy: EndReason | null = null
  #has: Belongings | null = null

  constructor(startedAt: number) {
    this.startedAt = startedAt
  }

  /** What completes now is of no concern to anybody. */
  get over(): boolean {
    return this.#endedBy !== null
  }

  /** Null while it is not over. */
  get endedBy(): EndReason | null {
    return this.#endedBy
  }

  /** Where its messages are handled; null: in the turns that all actors share. */
  get turns(): Turns | null {
    return this.#has === null ? null : this.#has.turns
  }

  set turns(turns: Turns | null) {
    this.#belongings().turns = turns
  }

  /** Those that have not run. */
  get timers(): number {
    return this.#has === null ? 0 : this.#has.timers
  }

  set timers(timers: number) {
    this.#belongings().timers = timers
  }

  #belongings(): Belongings {
    return (this.#has ??= new Belongings())
  }

  get kept(): Iterable<Kept> {
    return this.#has?.kept ?? []
  }

  /** It is cancelled when this life ends. */
  keep(kept: Kept): void {
    this.#belongings().kept.add(kept)
  }

  drop(kept: Kept): void {
    this.#has?.kept.delete(kept)
  }

  /** A call that it has in hand, and answers later. */
  keepCall(call: Asker): void {
    if (call.settled) return
    const { calls } = this.#belongings()
    calls.add(call)
    call.keptBy = calls
  }

  /** It has crashed, or is killed: those who are linked to it hear of it once. */
  failed(reason: EndReason): void {
    for (const one of this.kept) one.failed?.(this, reason)
  }

  /** @param path whose it is */
  end(path: () => string, reason: EndReason): void {
    this.#endedBy = reason
    const has = this.#has
    if (has === null) return
    for (const one of has.kept) one.cancel()
    has.kept.clear()
    const calls = [...has.calls]
    if (calls.length === 0) return
    const words = `${path()} ended with the message in hand: ${sayReason(reason)}`
    has.calls.clear()
    for (const call of calls) call.refuse(new ActorError('CRASHED', words, { begun: true }))
  }
}
