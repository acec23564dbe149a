import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../../ports/index.ts'
import { HandQueue } from '../hand-driven-stores.test.ts'
import { TurnLoop } from './turn-loop.ts'
import type { TurnRunner } from './turn-loop.ts'

/** A loop whose clock the test moves. */
class Bench implements TurnRunner {
  now = 100
  due = Number.POSITIVE_INFINITY
  readonly deferred = new HandQueue()
  readonly timers: { at: number; run: () => void; cancelled: boolean }[] = []
  readonly turns: number[] = []
  readonly faults: string[] = []
  readonly #clock: Clock = {
    now: () => this.now,
    defer: this.deferred.defer,
    setTimer: (delayMs, run) => {
      assert.ok(delayMs >= 0)
      const timer = { at: this.now + delayMs, run, cancelled: false }
      this.timers.push(timer)
      return { cancel: () => void (timer.cancelled = true) }
    },
  }
  readonly loop = new TurnLoop(this.#clock, this)

  turn(now: number): number {
    this.turns.push(now)
    return this.due
  }

  faulted(error: Error): void {
    this.faults.push(error.message)
  }

  /** When the timers that are set fire. */
  get armed(): number[] {
    return this.timers.filter(({ cancelled }) => !cancelled).map(({ at }) => at)
  }

  fire(): void {
    const timer = this.timers.shift()
    assert.ok(timer !== undefined && !timer.cancelled)
    this.now = timer.at
    timer.run()
  }
}

describe('TurnLoop', () => {
  test('input: runs at once, and has one turn follow all inputs before it', () => {
    const bench = new Bench()
    const seen: number[] = []
    for (const i of [1, 2, 3])
      assert.equal(
        bench.loop.input(() => void seen.push(i)),
        true,
      )
    assert.deepEqual([seen, bench.turns, bench.deferred.length], [[1, 2, 3], [], 1])
    bench.deferred.drain()
    assert.deepEqual([bench.turns, bench.loop.turns], [[100], 1])
    bench.loop.input(() => undefined)
    bench.deferred.drain()
    assert.equal(bench.loop.turns, 2)
  })

  test('guard: runs without a turn after it', () => {
    const bench = new Bench()
    let ran = false
    bench.loop.guard(() => {
      ran = true
    })
    assert.deepEqual([ran, bench.deferred.length], [true, 0])
  })

  test('turn: comes again when it is due, also when that is past', () => {
    const bench = new Bench()
    bench.due = 150
    bench.loop.schedule()
    bench.deferred.drain()
    assert.deepEqual(bench.armed, [150])
    bench.due = 120
    bench.fire()
    assert.equal(bench.deferred.length, 1)
    bench.deferred.drain()
    assert.deepEqual([bench.turns, bench.armed], [[100, 150], [150]])
  })

  test('turn: an earlier timer takes the place of a later one, and a later one waits for it', () => {
    const bench = new Bench()
    for (const due of [200, 150, 180]) {
      bench.due = due
      bench.loop.schedule()
      bench.deferred.drain()
    }
    assert.deepEqual(bench.armed, [150])
  })

  test('fault: what throws in an input, a turn or something deferred ends the loop, once', () => {
    const boom = (): never => {
      throw new Error('boom')
    }
    const ways: ((bench: Bench) => void)[] = [
      ({ loop }) => loop.input(boom),
      ({ loop }) => loop.guard(boom),
      ({ loop, deferred }) => {
        loop.defer(boom)
        deferred.drain()
      },
      ({ loop }) => loop.fail(new Error('boom')),
    ]
    for (const way of ways) {
      const bench = new Bench()
      bench.due = 500
      bench.loop.schedule()
      bench.deferred.drain()
      way(bench)
      way(bench)
      assert.deepEqual([bench.faults, bench.loop.fault?.message, bench.loop.running, bench.armed], [['boom'], 'boom', false, []])
      let ran = false
      assert.equal(
        bench.loop.input(() => (ran = true)),
        false,
      )
      bench.loop.defer(() => (ran = true))
      bench.deferred.drain()
      assert.deepEqual([ran, bench.turns.length], [false, 1])
    }
  })

  test('close: nothing runs any more, and nothing counts as a fault', () => {
    const bench = new Bench()
    bench.due = 500
    bench.loop.schedule()
    bench.deferred.drain()
    bench.loop.schedule()
    bench.loop.close()
    bench.deferred.drain()
    bench.loop.fail(new Error('late'))
    assert.deepEqual(
      [bench.turns.length, bench.armed, bench.faults, bench.loop.fault, bench.loop.running],
      [1, [], [], null, false],
    )
  })

  test('beforeTurn: what it takes in belongs to the turn that follows at once, and costs no other', () => {
    const bench = new Bench()
    const seen: string[] = []
    bench.loop.beforeTurn(() => {
      seen.push(`first, in turn ${bench.loop.turns}`)
      bench.loop.input(() => void seen.push('input'))
    })
    bench.loop.input(() => void seen.push('earlier'))
    assert.deepEqual([seen, bench.deferred.length], [['earlier'], 1])
    bench.deferred.drain()
    assert.deepEqual(seen, ['earlier', 'first, in turn 0', 'input'])
    assert.deepEqual([bench.turns, bench.deferred.length], [[100], 0], 'one turn for all of it')
    bench.loop.input(() => undefined)
    bench.deferred.drain()
    assert.equal(bench.loop.turns, 2, 'and another for what comes later')
  })

  test('beforeTurn: what asks for another turn while a turn is prepared gets the next one', () => {
    const bench = new Bench()
    bench.loop.beforeTurn(() => bench.loop.beforeTurn(() => undefined))
    bench.deferred.drain()
    assert.equal(bench.loop.turns, 2)
  })

  test('beforeTurn: runs after the end as well, so that who waits in front of the loop hears of it', () => {
    for (const end of [(loop: TurnLoop) => loop.close(), (loop: TurnLoop) => loop.fail(new Error('boom'))]) {
      const bench = new Bench()
      const seen: boolean[] = []
      bench.loop.beforeTurn(() => seen.push(bench.loop.input(() => undefined)))
      end(bench.loop)
      bench.deferred.drain()
      assert.deepEqual([seen, bench.turns], [[false], []])
    }
  })
})
