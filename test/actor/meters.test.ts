import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock } from '../manual-clock.ts'
import { Prng } from '../../src/lib/index.ts'
import type { Labels, Metrics } from '../../src/ports/index.ts'
import { ActorSystem, defineActor } from '../../src/actor/index.ts'

/** Metrics that a test reads. */
class Read implements Metrics {
  readonly counters = new Map<string, number>()
  readonly observed = new Map<string, number[]>()

  counter(name: string, labels: Labels = {}): { add: (amount?: number) => void } {
    const key = `${name} ${Object.values(labels).join(' ')}`.trim()
    if (!this.counters.has(key)) this.counters.set(key, 0)
    return { add: (amount = 1) => void this.counters.set(key, (this.counters.get(key) ?? 0) + amount) }
  }

  histogram(name: string, labels: Labels = {}): { observe: (value: number) => void } {
    const values: number[] = []
    this.observed.set(`${name} ${Object.values(labels).join(' ')}`, values)
    return { observe: (value) => void values.push(value) }
  }
}

function staged() {
  const clock = new ManualClock()
  const metrics = new Read()
  const system = new ActorSystem({ clock, random: new Prng(1), metrics })
  const definition = defineActor({
    start: () => ({
      work: () => undefined,
      fail: (): never => {
        throw new Error('broken')
      },
    }),
  })
  const count = (name: string): number | undefined => metrics.counters.get(`aspen_actor_${name}`)
  return { clock, metrics, system, definition, count }
}

describe('meters', () => {
  test('what becomes of messages is counted, of registered actors by their names, and is there after 100 ms', () => {
    const { clock, system, definition, count } = staged()
    const jobs = system.spawn(definition, { registerAs: 'jobs', mailboxCapacity: 3 })
    const other = system.spawn(definition, { restart: 'temporary' })
    for (let i = 0; i < 5; i++) jobs.trySend('work')
    other.trySend('work')
    other.trySend('fail' as 'work')
    other.trySend('work')
    clock.settle()
    assert.equal(count('messages_total handled'), 0)
    clock.advance(100)
    assert.deepEqual(
      ['taken', 'handled', 'refused', 'unhandled'].map((outcome) => count(`messages_total ${outcome}`)),
      [6, 5, 2, 1],
    )
    assert.deepEqual([count('registered_messages_total jobs handled'), count('registered_messages_total jobs refused')], [3, 2])
    jobs.trySend('fail' as 'work')
    clock.advance(1_100)
    assert.equal(count('registered_restarts_total jobs'), 1)
    assert.deepEqual([count('events_total started'), count('events_total failed')], [3, 1])
    const [seen] = system.snapshot()
    assert.deepEqual([seen?.handled, seen?.refused, seen?.restarts], [4, 2, 1])
  })

  test('of one message in 64 it is known how long it waited', () => {
    const { clock, metrics, system } = staged()
    let isOpen = false
    const slow = system.spawn(
      defineActor({
        start: () => ({ work: () => (isOpen ? undefined : new Promise<void>((resolve) => void clock.setTimer(50, resolve))) }),
      }),
      { registerAs: 'slow' },
    )
    for (let i = 0; i < 200; i++) slow.cast('work')
    clock.settle()
    isOpen = true
    clock.advance(50)
    return Promise.resolve().then(() => {
      clock.settle()
      assert.deepEqual(metrics.observed.get('aspen_actor_wait_seconds slow'), [0.05])
      assert.equal(system.snapshot()[0]?.waitMs, 50)
      for (let i = 0; i < 64; i++) slow.cast('work')
      clock.settle()
      assert.deepEqual(metrics.observed.get('aspen_actor_wait_seconds slow'), [0.05, 0])
    })
  })

  test('a message that is never taken out does not keep others from being timed', () => {
    const { clock, metrics, system, definition } = staged()
    const down = system.spawn(definition, { name: 'down' })
    down.cast('fail' as 'work')
    for (let i = 0; i < 63; i++) down.cast('work')
    clock.settle()
    const jobs = system.spawn(definition, { registerAs: 'jobs' })
    down.stop().catch(() => undefined)
    clock.advance(10_000)
    for (let i = 0; i < 64; i++) jobs.cast('work')
    clock.settle()
    assert.deepEqual(metrics.observed.get('aspen_actor_wait_seconds other'), [10])
    assert.deepEqual(metrics.observed.get('aspen_actor_wait_seconds jobs'), [0])
  })

  test('a million names are no million series', () => {
    const { clock, metrics, system, definition } = staged()
    for (let i = 0; i < 200; i++) system.spawn(definition, { registerAs: `n${i}` }).cast('work')
    clock.advance(100)
    const labels = [...metrics.counters.keys()].filter((key) => key.endsWith(' handled') && key.includes('registered'))
    assert.equal(labels.length, 65)
    assert.equal(metrics.counters.get('aspen_actor_registered_messages_total other handled'), 136)
  })
})
