import assert from 'node:assert/strict'
import type { Clock, Timer } from '../src/ports/index.ts'

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #now = 0
  #sequence = 0
  #timers: { readonly at: number; readonly sequence: number; readonly run: () => void }[] = []
  #deferred: (() => void)[] = []

  now(): number {
    return this.#now
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#now + delayMs, sequence: this.#sequence++, run }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  defer(run: () => void): void {
    this.#deferred.push(run)
  }

  /** Everything that is due now happens, and nothing else. */
  settle(): void {
    for (let steps = 0; this.#deferred.length > 0; steps++) {
      assert.ok(steps < 100_000, 'the world does not come to rest')
      this.#deferred.shift()?.()
    }
  }

  advance(ms: number): void {
    const until = this.#now + ms
    this.settle()
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at || a.sequence - b.sequence)
      if (next === undefined || next.at > until) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
      this.settle()
    }
    this.#now = until
  }

  /** Time passes while nothing runs: what was due meanwhile is late. */
  stall(ms: number): void {
    this.#now += ms
    this.advance(0)
  }

  /** Time passes until `holds`. */
  until(holds: () => boolean, what: string, limitMs = 10_000): void {
    this.settle()
    for (let waited = 0; !holds(); waited += 5) {
      assert.ok(waited < limitMs, `${what}: not within ${limitMs} ms`)
      this.advance(5)
    }
  }
}
