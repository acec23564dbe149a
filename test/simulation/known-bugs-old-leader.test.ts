/**
 * etcd #15247 (and #12528): a leader is stuck, in a slow disk or for want of CPU, and is replaced. When it wakes it does not know:
 * it goes on with what only a leader may do, and its leases revoke keys that clients have renewed with its successor.
 *
 * The promise: a leader that wakes up after it was replaced has no effect. What it was asked before and during its sleep is
 * answered truly, what it had not committed does not come back over what its successor did, and the successor goes on leading,
 * in the same term.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import { World } from './world.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(30, 10)

describe('known bugs: an old leader that wakes up (etcd #15247)', () => {
  test('what an old leader had in hand when it fell asleep has no effect when it wakes', () => {
    let overtaken = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World({ seed, nodes: seed % 2 === 0 ? 3 : 5 })
      for (const key of ['a', 'b']) world.assertProgress(key)
      const old = world.leaderAmong(world.machines)
      // In every second run its last words do not reach anybody.
      if (chance(world.random, 0.5)) world.partition([old], world.others(old))
      const inHand = Array.from({ length: 20 }, (_, i) => world.clients.write(old, i % 2 === 0 ? 'a' : 'b'))
      world.run(randomBetween(world.random, 0, 3000) / 1000)
      old.pause(pick(world.random, ['stopped', 'suspended']))
      const successor = world.leaderAmong(world.others(old))
      for (const key of ['a', 'b', 'a']) world.assertProgress(key)
      const asleep = Array.from({ length: 5 }, () => world.clients.write(old, 'b'))
      world.run(randomBetween(world.random, 0, 1500))
      const term = successor.process?.replica.view.term
      world.network.healAll()
      old.resume()
      world.run(3000)
      assert.equal(world.leader, successor, `seed ${seed}: the old leader disturbs its successor`)
      assert.equal(successor.process?.replica.view.term, term, `seed ${seed}: the old leader brought another term`)
      world.settle()
      overtaken += [...inHand, ...asleep].filter(({ outcome }) => outcome !== 'ok').length
    }
    assert.ok(overtaken > 0, 'the old leader never had anything in hand that did not take effect')
  })
})
