import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng, randomBetween } from '../lib/index.ts'
import { Life } from './life.ts'
import { Scheduler } from './scheduler.ts'

function drain(scheduler: Scheduler, untilMs = Number.MAX_SAFE_INTEGER): void {
  while (scheduler.step(untilMs));
}

test('Scheduler: runs events by time, and those of one instant in the order they were scheduled', () => {
  const scheduler = new Scheduler()
  const random = new Prng(1)
  const expected: [number, number][] = []
  const ran: [number, number][] = []
  for (let i = 0; i < 1000; i++) {
    const at = randomBetween(random, 0, 50)
    expected.push([at, i])
    scheduler.after(at, () => ran.push([scheduler.now, i]))
  }
  drain(scheduler)
  assert.deepEqual(
    ran,
    expected.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
  )
})

test('Scheduler: does not run what was cancelled, and stops at the time it was given', () => {
  const scheduler = new Scheduler()
  const ran: string[] = []
  const event = scheduler.after(1, () => ran.push('cancelled'))
  scheduler.after(2, () => ran.push('two'))
  scheduler.after(30, () => ran.push('thirty'))
  scheduler.cancel(event)
  drain(scheduler, 10)
  assert.deepEqual(ran, ['two'])
  assert.equal(scheduler.now, 10)
  assert.equal(scheduler.executed, 1)
})

test('Life: takes its timers and deferred work with it when it ends', () => {
  const scheduler = new Scheduler()
  const ran: string[] = []
  const life = new Life(scheduler, 'n1', () => ran.push('checked'))
  life.clock.setTimer(5, () => ran.push('timer'))
  life.clock.setTimer(6, () => ran.push('cancelled')).cancel()
  life.clock.defer(() => ran.push('deferred'))
  life.clock.setTimer(20, () => ran.push('after the end'))
  drain(scheduler, 10)
  life.end()
  drain(scheduler, 100)
  assert.deepEqual(ran, ['deferred', 'checked', 'timer', 'checked'])
})
