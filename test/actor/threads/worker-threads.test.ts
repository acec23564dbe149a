/** What takes a thread with it, for real: each is a crash of the actor, and of nobody else. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../../src/actor/index.ts'
import { COUNTER, DEADLY, errorOf, STUCK, ThreadedWorld } from './worlds.ts'
import type { World } from './worlds.ts'

const PATIENCE_MS = 1_000
/** Of those that are not to be taken for stuck when time is moved, however slow the machine is. */
const WITHOUT_END = { unresponsiveMs: 2 ** 31 - 1 }

function within(title: string, run: (world: World) => Promise<void>): void {
  test(title, async () => {
    const world = new ThreadedWorld()
    try {
      await run(world)
    } finally {
      await world.end()
    }
  })
}

/** Time passes until an actor has failed. */
function failsInTime(world: World, path: string, times = 1): Promise<void> {
  const failed = (): boolean => {
    if (world.count('failed', path) >= times) return true
    world.clock.advance(PATIENCE_MS / 10)
    return false
  }
  return world.until(failed, `a failure of ${path}`)
}

describe('a worker thread', () => {
  within('handler: one that never returns is killed and begun anew, while every other actor goes on', async (world) => {
    const loops = world.system.spawn(DEADLY, { name: 'loops', thread: { unresponsiveMs: PATIENCE_MS } })
    const there = world.system.spawn(COUNTER, { name: 'there', argument: 0, thread: WITHOUT_END })
    const here = world.system.spawn(
      defineActor({
        start: () => {
          let total = 0
          return { add: (amount: number) => (total += amount) }
        },
      }),
    )
    assert.equal(await world.settled(loops.call('loop')), 'looping')
    const inHand = errorOf(world, loops.call('hello', undefined, { timeoutMs: 90_000 }))
    const waits = loops.call('hello', undefined, { timeoutMs: 90_000 })
    // It does not turn, and these are answered.
    assert.equal(await world.settled(here.call('add', 1)), 1)
    assert.equal(await world.settled(there.call('add', 1)), 1)
    await failsInTime(world, '/loops')
    const { code, begun, message } = await inHand
    assert.deepEqual([code, begun], ['CRASHED', true])
    assert.match(message, /did not turn for 1000 ms/)
    await world.pass(1_000)
    assert.equal(await world.settled(waits), 'hello')
    assert.equal(await world.settled(here.call('add', 1)), 2)
    assert.equal(await world.settled(there.call('add', 1)), 2)
    assert.equal(world.count('failed'), 1)
  })

  within('start: one that never returns fails; a stop ends a thread whose handler does not return', async (world) => {
    world.system.spawn(STUCK, { name: 'stuck', thread: { unresponsiveMs: PATIENCE_MS } })
    await failsInTime(world, '/stuck')
    assert.match(world.events.find(({ event }) => event === 'failed')?.error?.message ?? '', /did not turn/)

    const spins = world.system.spawn(DEADLY, { name: 'spins', thread: WITHOUT_END, shutdownMs: 300 })
    const inHand = errorOf(world, spins.call('spin', undefined, { timeoutMs: 90_000 }))
    await world.happens('started', '/spins')
    await world.until(() => world.system.snapshot().every(({ depth }) => depth === 0), 'the message in hand')
    const stopped = spins.stop()
    await world.pass(300)
    await world.settled(stopped)
    assert.deepEqual([(await inHand).code, (await inHand).begun], ['CRASHED', true])
    assert.equal(world.count('killed', '/spins'), 1)
  })

  within(
    'exit, errors outside of handlers, memory: each is a crash with its reason, and the next life is well',
    async (world) => {
      const deadly = world.system.spawn(DEADLY, { name: 'deadly', thread: { maxHeapMb: 16, ...WITHOUT_END } })
      const ends = [
        ['exit', 3, /its thread ended by itself, with code 3/],
        ['exit', 0, /its thread ended by itself, with code 0/],
        ['throwOutside', undefined, /outside of all handlers/],
        ['throwUnreadable', undefined, /cannot be read/],
        ['rejectOutside', undefined, /nobody waits for it/],
        ['fill', undefined, /memory/],
      ] as const
      for (const [index, [message, body, reason]] of ends.entries()) {
        await world.happens('started', '/deadly', index + 1)
        // One that has done it tells nobody any more.
        deadly.cast(message as 'exit', body as number)
        await world.happens('failed', '/deadly', index + 1)
        assert.match(world.events.findLast(({ event }) => event === 'failed')?.error?.message ?? '', reason)
        await world.pass(16_000)
      }
      assert.equal(await world.settled(deadly.call('hello')), 'hello')
      const inHand = errorOf(world, deadly.call('fill', undefined, { timeoutMs: 90_000 }))
      const waits = deadly.call('hello', undefined, { timeoutMs: 90_000 })
      assert.deepEqual([(await inHand).code, (await inHand).begun], ['CRASHED', true])
      await world.happens('failed', '/deadly', ends.length + 1)
      await world.pass(16_000)
      assert.equal(await world.settled(waits), 'hello')
    },
  )

  within('parentPort: what a module says there, and that it closes it, is nobody’s concern', async (world) => {
    const deadly = world.system.spawn(DEADLY, { name: 'deadly', thread: WITHOUT_END })
    deadly.cast('chatter')
    deadly.cast('closeParentPort')
    assert.equal(await world.settled(deadly.call('hello')), 'hello')
  })
})
