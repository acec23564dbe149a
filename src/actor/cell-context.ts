import type { Random } from '../lib/index.ts'
import type { Timer } from '../ports/index.ts'
import type { Cell } from './cell.ts'
import type { ActorContext } from './context.ts'
import type { ActorDefinition, SpawnOptions } from './definition.ts'
import type { Life, Turns } from './life.ts'
import type { Handlers } from './protocol.ts'
import { refTo } from './reference.ts'
import type { ActorRef } from './reference.ts'

/** What a life sees of its cell. */
export class CellContext implements ActorContext {
  readonly #cell: Cell
  readonly #life: Life

  constructor(cell: Cell, life: Life) {
    this.#cell = cell
    this.#life = life
  }

  get path(): string {
    return this.#cell.path
  }

  get random(): Random {
    return this.#cell.runtime.random
  }

  now(): number {
    return this.#cell.runtime.clock.now()
  }

  self<H extends Handlers>(): ActorRef<H> {
    return refTo<H>(this.#cell)
  }

  after(delayMs: number, run: () => void): Timer {
    const life = this.#life
    const timer = this.#cell.runtime.clock.setTimer(delayMs, () => {
      life.dropTimer(timer)
      this.#cell.runInside(life, run)
    })
    const kept: Timer = {
      cancel: () => {
        life.dropTimer(timer)
        timer.cancel()
      },
    }
    if (life.over) timer.cancel()
    else life.keepTimer(timer)
    return kept
  }

  spawn<H extends Handlers, A = void>(definition: ActorDefinition<H, A>, options: SpawnOptions<A> = {}): ActorRef<H> {
    return this.#cell.spawn(this.#life, definition, options)
  }

  handleIn(turns: Turns): void {
    this.#life.turns = turns
  }

  fail(error: Error): void {
    this.#cell.runtime.clock.defer(() => {
      if (!this.#life.over) this.#cell.crash(error)
    })
  }

  stop(): void {
    if (!this.#life.over) this.#cell.stop(() => undefined)
  }
}
