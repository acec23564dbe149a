import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_HTTP_ARRIVALS_MS } from '../../limits.ts'
import { Arrivals } from './arrivals.ts'

describe('Arrivals', () => {
  let now = 0
  /** One turn that takes `ms`, in which a connection comes or none. */
  const turn = (arrivals: Arrivals, comes: boolean, ms = 1): boolean => {
    if (comes) arrivals.came()
    now += ms
    return arrivals.endTurn()
  }

  test('are many when they come in two turns that follow each other, until one comes in none', () => {
    const arrivals = new Arrivals(() => now)
    assert.equal(turn(arrivals, true), true, 'the next turn is looked at')
    assert.equal(arrivals.areMany, false)
    assert.equal(turn(arrivals, false), false)
    assert.equal(turn(arrivals, true), true)
    assert.equal(arrivals.areMany, false)
    assert.equal(turn(arrivals, true), true)
    assert.equal(arrivals.areMany, true)
    assert.equal(turn(arrivals, true), true)
    assert.equal(arrivals.areMany, true)
    assert.equal(turn(arrivals, false), false)
    assert.equal(arrivals.areMany, false)
  })

  test('keep others waiting for half of the time at most, however long they come', () => {
    const arrivals = new Arrivals(() => now)
    let [waited, total] = [0, 0]
    let [longest, since] = [0, now]
    for (let i = 0; i < 5_000; i++) {
      arrivals.came()
      const ms = 1 + (i % 3)
      if (arrivals.areMany) {
        waited += ms
        longest = Math.max(longest, now + ms - since)
      } else since = now + ms
      total += ms
      now += ms
      arrivals.endTurn()
    }
    assert.ok(waited > total / 3, `${waited} ms of ${total}: those who come have the greater part of their share`)
    assert.ok(waited <= total / 2 + MAX_HTTP_ARRIVALS_MS, `${waited} ms of ${total}`)
    assert.ok(longest <= MAX_HTTP_ARRIVALS_MS + 3, `${longest} ms at once`)
  })
})
