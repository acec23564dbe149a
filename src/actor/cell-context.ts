import type { Random } from '../lib/index.ts'
import type { Timer } from '../ports/index.ts'
import { ActorError } from './actor-error.ts'
import type { Cell } from './cell.ts'
import type { ActorContext } from './context.ts'
import type { ActorDefinition, SpawnArguments } from './definition.ts'
import type { Life, Turns } from './life.ts'
import { LifeTimer, NO_TIMER } from './life-timer.ts'
import { Monitor } from './monitor.ts'
import type { Handlers } from './protocol.ts'
import { cellOf, ownRefTo } from './reference.ts'
import type { ActorRef } from './reference.ts'
import { checkFunction, checkMs, say } from './settings.ts'
import { watchLives } from './target.ts'
import type { LifeEvent, Target, Watch } from './target.ts'

/** What a life sees of its cell. */
export class CellContext implements ActorContext {
  readonly #cell: Cell
  readonly #life: Life
  #controller: AbortController | null = null

  constructor(cell: Cell, life: Life) {
    this.#cell = cell
    this.#life = life
  }

  /** For the runtime: whose context it is. */
  static of(context: ActorContext): { readonly cell: Cell; readonly life: Life } {
    if (!(context instanceof CellContext))
      throw new TypeError('this is no context of an actor: the runtime alone starts a definition')
    return { cell: context.#cell, life: context.#life }
  }

  get path(): string {
    return this.#cell.path
  }

  get random(): Random {
    return this.#cell.runtime.random
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#newController()
    return this.#controller.signal
  }

  #newController(): AbortController {
    const controller = new AbortController()
    const life = this.#life
    // Whoever listens is the program's, and runs inside of nothing.
    const abort = (): void => controller.abort(new ActorError('DOWN', `a life of ${this.#cell.path} is over`))
    if (life.over) abort()
    else life.keep({ cancel: () => this.#cell.runtime.clock.defer(abort) })
    return controller
  }

  now(): number {
    return this.#cell.runtime.clock.now()
  }

  self<H extends Handlers>(): ActorRef<H> {
    return ownRefTo<H>(this.#cell)
  }

  after(delayMs: number, run: () => void): Timer {
    checkMs(delayMs, 0, 'delayMs')
    checkFunction(run, 'what runs after a delay')
    const life = this.#life
    if (life.over) return NO_TIMER
    // What a handler did meanwhile may have cancelled it.
    const runInTurn = (timer: LifeTimer): void => this.#cell.runInside(life, () => (timer.take() ? run() : undefined))
    return new LifeTimer(life, this.#cell.runtime.clock, delayMs, runInTurn)
  }

  sleep(delayMs: number): Promise<void> {
    checkMs(delayMs, 0, 'delayMs')
    const life = this.#life
    return new Promise((resolve) => {
      if (life.over) return
      const wake = (timer: LifeTimer): void => {
        timer.take()
        resolve()
      }
      // What it throws the promise is rejected with.
      void new LifeTimer(life, this.#cell.runtime.clock, delayMs, wake)
    })
  }

  spawn<H extends Handlers, A = void>(definition: ActorDefinition<H, A>, ...given: SpawnArguments<A>): ActorRef<H> {
    const [options = {}] = given
    return this.#cell.spawn(this.#life, definition, options)
  }

  handleIn(turns: Turns): void {
    checkFunction(turns, 'what messages are handled in')
    this.#life.turns = turns
  }

  fail(error: Error): void {
    this.#cell.runtime.clock.defer(() => {
      if (!this.#life.over) this.#cell.crash(error)
    })
  }

  monitor(target: Target, listener: (event: LifeEvent) => void): Watch {
    const life = this.#life
    if (typeof (target as Partial<Target> | null)?.[watchLives] !== 'function')
      throw new TypeError(`${this.path} monitors ${say(target)}: give a reference to an actor`)
    checkFunction(listener, 'the listener of a monitor')
    const deliver = (): unknown => {
      const heard = monitor.deliver()
      // Nothing comes any more: whoever monitors many, one after the other, keeps none.
      if (monitor.isOver) life.drop(watch)
      return heard
    }
    const monitor = new Monitor(listener, () => this.#cell.runInside(life, deliver))
    const watch: Watch = {
      cancel: () => {
        life.drop(watch)
        monitor.cancel()
      },
    }
    if (life.over) return watch
    life.keep(watch)
    monitor.attach(target[watchLives](monitor.told))
    return watch
  }

  link(ref: Target): void {
    const other = cellOf(ref)
    if (other === null)
      throw new TypeError(`${this.path} is to be linked to ${say(ref)}: give a reference to an actor of this node`)
    if (other !== this.#cell && !this.#life.over) other.link({ cell: this.#cell, life: this.#life })
  }

  stop(): void {
    if (!this.#life.over) this.#cell.leave()
  }
}
