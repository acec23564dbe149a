import { Deque } from '../../lib/index.ts'

/** Runs what takes long one after the other, each in a turn of the event loop of its own, so that nothing waits for all of it. */
export class OneATurn {
  readonly #waiting = new Deque<() => void>()
  #scheduled = false

  run(work: () => void): void {
    this.#waiting.push(work)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const work = this.#waiting.shift()
      if (this.#waiting.length > 0) this.#schedule()
      work?.()
    })
  }
}
