import type { Cell } from '../cell.ts'
import type { Names } from '../names.ts'
import type { LifeEvent, Watch } from '../target.ts'

/**
 * The lives of whoever has a name on this node: over all that have it, one after the other. A name may be taken again, so none of
 * its ends is final.
 */
export class NamedLives implements Watch {
  readonly #names: Names
  readonly #name: string
  readonly #told: (event: LifeEvent) => void
  readonly #claims: Watch
  #lives: Watch | null = null
  #isUp = true
  #cancelled = false

  /** `told` hears first, before this returns, whether there is a life. */
  constructor(names: Names, name: string, told: (event: LifeEvent) => void) {
    this.#names = names
    this.#name = name
    this.#told = told
    this.#claims = names.watch(name, () => this.#begin())
    this.#begin()
  }

  cancel(): void {
    this.#cancelled = true
    this.#claims.cancel()
    this.#lives?.cancel()
    this.#lives = null
  }

  #begin(): void {
    const cell = this.#names.get(this.#name)
    if (cell === undefined)
      this.#hear({ type: 'down', reason: 'gone', words: `no actor is registered as ${this.#name}`, final: false })
    else this.#follow(cell)
  }

  #follow(cell: Cell): void {
    this.#lives?.cancel()
    this.#isUp = true
    this.#lives = cell.watch((event) => this.#hear(event.type === 'down' ? { ...event, final: false } : event))
    if (this.#isUp) this.#told({ type: 'up' })
  }

  #hear(event: LifeEvent): void {
    if (this.#cancelled) return
    this.#isUp = event.type === 'up'
    this.#told(event)
  }
}
