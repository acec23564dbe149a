import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock, Timer } from '../ports/index.ts'
import { Deadlines, Expiring } from './deadlines.ts'

class HandClock implements Clock {
  #now = 0
  readonly timers = new Map<object, { readonly at: number; readonly run: () => void }>()
  now = (): number => this.#now
  defer = (): void => undefined

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = { cancel: () => void this.timers.delete(timer) }
    this.timers.set(timer, { at: this.#now + delayMs, run })
    return timer
  }

  advanceTo(now: number): void {
    this.#now = now
    for (const [timer, { at, run }] of [...this.timers]) {
      if (at > now || !this.timers.delete(timer)) continue
      run()
    }
  }
}

class Waiting extends Expiring {
  expiredAt: number | null = null
  readonly #clock: Clock

  constructor(clock: Clock) {
    super()
    this.#clock = clock
  }

  override expired(): void {
    assert.equal(this.expiredAt, null, 'it expires twice')
    this.expiredAt = this.#clock.now()
  }
}

test('add: those who wait equally long share a timer; each expires at its time, but who was removed', () => {
  const clock = new HandClock()
  const deadlines = new Deadlines(clock)
  const all = Array.from({ length: 1_000 }, () => new Waiting(clock))
  for (const [i, one] of all.entries()) {
    clock.advanceTo(i / 1_000)
    deadlines.add(one, 10)
  }
  assert.equal(clock.timers.size, 1)
  for (const [i, one] of all.entries()) if (i % 3 === 1) deadlines.remove(one)
  clock.advanceTo(10.5)
  for (const [i, one] of all.entries()) assert.equal(one.expiredAt !== null, i % 3 !== 1 && i <= 500, `the one that came at ${i}`)
  clock.advanceTo(11)
  for (const [i, one] of all.entries()) assert.equal(one.expiredAt !== null, i % 3 !== 1)
  assert.equal(clock.timers.size, 0)
})

test('add: as many different times as there are calls leave nothing behind when the calls are gone', () => {
  const clock = new HandClock()
  const deadlines = new Deadlines(clock)
  const all = Array.from({ length: 10_000 }, () => new Waiting(clock))
  for (const [i, one] of all.entries()) deadlines.add(one, 1_000 + i)
  for (const one of all.slice(0, 9_000)) deadlines.remove(one)
  assert.ok(clock.timers.size <= 1_000 + 64, `${clock.timers.size} timers for 1,000 that wait`)
  clock.advanceTo(10_499)
  assert.deepEqual([all[9_499]?.expiredAt, all[9_500]?.expiredAt, all[0]?.expiredAt], [10_499, null, null])
  clock.advanceTo(11_000)
  assert.ok(all.slice(9_000).every(({ expiredAt }) => expiredAt !== null))
  assert.equal(clock.timers.size, 0)
})

test('the process is held for a deadline while somebody waits for it, and only then', () => {
  let isHeld: boolean | null = null
  const deferred: (() => void)[] = []
  const clock: Clock = {
    now: () => 0,
    defer: (run) => void deferred.push(run),
    setTimer: () => {
      isHeld = true
      return { cancel: () => undefined, hold: (holds) => void (isHeld = holds) }
    },
  }
  const turn = (): void => {
    for (const run of deferred.splice(0)) run()
  }
  const held = (): boolean | null => isHeld
  const deadlines = new Deadlines(clock)
  const [a, b] = [new Waiting(clock), new Waiting(clock)]
  deadlines.add(a, 100)
  assert.equal(held(), true)
  // Who calls again and again is not let go of in between.
  deadlines.remove(a)
  deadlines.add(a, 100)
  turn()
  assert.equal(held(), true)
  deadlines.add(b, 100)
  deadlines.remove(a)
  turn()
  assert.equal(held(), true)
  deadlines.remove(b)
  turn()
  assert.equal(held(), false)
  deadlines.add(b, 100)
  assert.equal(held(), true)
})
