import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { InlineThreads } from '../../../src/actor/index.ts'
import { RemoteWorld } from '../remote-world.ts'
import { watch } from '../stage.ts'
import type { Counter } from './actors-of-threads.ts'
import { COUNTER } from './worlds.ts'

const require = createRequire(import.meta.url)

test('an actor in a thread is reached from other nodes, and from its own by its name', async () => {
  const world = new RemoteWorld([1, 2], { threads: new InlineThreads((module) => require(fileURLToPath(module)) as unknown) })
  world.node(2).system.spawn(COUNTER, { registerAs: 'counter', argument: 10 })
  await world.pass(100)
  for (const [from, total] of [
    [1, 11],
    [2, 14],
  ] as const) {
    const remote = world.node(from).system.remote<Counter>(2, 'counter')
    const answer = watch(remote.call('add', from))
    const refused = watch(remote.call('add', 5_000))
    remote.cast('add', 1)
    await world.pass(10)
    assert.equal(answer.value, total)
    assert.deepEqual(
      [refused.error?.name, refused.error?.message, (refused.error as { limit?: unknown }).limit],
      ['OutOfRange', 'at most 1000', 1_000],
    )
  }
})
