import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock, Timer } from '../ports/index.ts'
import { Watchdog } from './watchdog.ts'

const PATIENCE_MS = 1_000

/** An event loop by hand: a turn runs the timers that are due, then what has come in, then what was deferred. */
class Loop implements Clock {
  #now = 0
  #timers: { readonly at: number; readonly run: () => void }[] = []
  #arrived: (() => void)[] = []
  #deferred: (() => void)[] = []

  now(): number {
    return this.#now
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#now + delayMs, run }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  defer(run: () => void): void {
    this.#deferred.push(run)
  }

  arrive(run: () => void): void {
    this.#arrived.push(run)
  }

  get timers(): number {
    return this.#timers.length
  }

  /** One turn, which begins `afterMs` after the last one. */
  turn(afterMs: number): void {
    this.#now += afterMs
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    this.#timers = this.#timers.filter(({ at }) => at > this.#now)
    for (const { run } of due) run()
    for (const run of this.#arrived.splice(0)) run()
    for (const run of this.#deferred.splice(0)) run()
  }
}

interface Scene {
  readonly loop: Loop
  readonly watchdog: Watchdog
  asked: number
  silent: number
}

/** The thread answers in the next turn, as long as `answers`. */
function scene(answers: () => boolean): Scene {
  const loop = new Loop()
  const watchdog = new Watchdog(loop, PATIENCE_MS, {
    ask: () => {
      self.asked++
      if (answers()) loop.arrive(() => watchdog.answered())
    },
    silent: () => self.silent++,
  })
  const self: Scene = { loop, watchdog, asked: 0, silent: 0 }
  watchdog.start()
  return self
}

describe('Watchdog', () => {
  test('answered: a thread that turns is asked again and again, and left alone', () => {
    const seen = scene(() => true)
    for (let turn = 0; turn < 1_000; turn++) seen.loop.turn(50)
    assert.equal(seen.silent, 0)
    assert.ok(seen.asked > 200, `asked ${seen.asked} times in 50 s`)
  })

  test('silent: a thread that does not turn is told of once, after its time and not before', () => {
    let answers = true
    const seen = scene(() => answers)
    for (let turn = 0; turn < 20; turn++) seen.loop.turn(50)
    answers = false
    let silentMs = 0
    while (seen.silent === 0 && silentMs < 10 * PATIENCE_MS) {
      seen.loop.turn(10)
      silentMs += 10
    }
    assert.ok(silentMs >= PATIENCE_MS && silentMs <= 1.5 * PATIENCE_MS, `after ${silentMs} ms`)
    for (let turn = 0; turn < 100; turn++) seen.loop.turn(50)
    assert.equal(seen.silent, 1)
    assert.equal(seen.loop.timers, 0)
  })

  test('answered: a question is not asked again while it is open, and one late answer is enough', () => {
    let answers = false
    const seen = scene(() => answers)
    for (let turn = 0; turn < 4; turn++) seen.loop.turn(200)
    assert.equal(seen.asked, 1)
    answers = true
    seen.watchdog.answered()
    for (let turn = 0; turn < 100; turn++) seen.loop.turn(200)
    assert.equal(seen.silent, 0)
  })

  test('silent: a stall of this side, however long and however often, is not blamed on the thread', () => {
    const seen = scene(() => true)
    for (let turn = 0; turn < 100; turn++) seen.loop.turn(60_000)
    assert.equal(seen.silent, 0)
  })

  test('silent: what a stall kept from being heard is heard before it counts', () => {
    const loop = new Loop()
    let silent = 0
    let answers: (() => void) | null = null
    const watchdog: Watchdog = new Watchdog(loop, PATIENCE_MS, {
      ask: () => (answers = () => watchdog.answered()),
      silent: () => silent++,
    })
    watchdog.start()
    // Each answer comes in the very turn in which its time would be over.
    for (let turn = 0; turn < 100; turn++) {
      if (turn % 5 === 4) loop.arrive(() => answers?.())
      loop.turn(200)
    }
    assert.equal(silent, 0)
  })

  test('stop: nothing is left of it', () => {
    const seen = scene(() => false)
    seen.loop.turn(200)
    seen.watchdog.stop()
    for (let turn = 0; turn < 100; turn++) seen.loop.turn(200)
    assert.deepEqual([seen.silent, seen.loop.timers], [0, 0])
  })
})
