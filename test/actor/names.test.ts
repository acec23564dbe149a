import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import { Stage, watch } from './stage.ts'

interface Echo {
  echo(what: string): string
  fail(): never
}

const echo = defineActor<Echo>({
  start: () => ({
    echo: (what) => what,
    fail: () => {
      throw new Error('broken')
    },
  }),
})

describe('names', () => {
  test('named: finds the actor over its restarts, from anywhere below the root', async () => {
    const stage = new Stage()
    stage.system.spawn(
      defineActor({
        start: (context) => {
          context.spawn(echo, { registerAs: 'echo' })
          return {}
        },
      }),
    )
    assert.equal(stage.system.named('echo'), undefined)
    await stage.rest()
    const ref = stage.system.named<Echo>('echo')
    assert.equal(ref?.path, '/1/1')
    ref.cast('fail' as never)
    await stage.rest()
    const asked = watch(ref.call('echo', 'x'))
    assert.equal(stage.system.named('echo')?.path, '/1/1', 'it is its own in a pause as well')
    await stage.pass(1_000)
    assert.equal(asked.value, 'x')
  })

  test('spawn: a name that is taken is refused, nothing is started, and it is free when the actor is gone', async () => {
    const stage = new Stage()
    const first = stage.system.spawn(echo, { name: 'a', registerAs: 'echo' })
    assert.throws(() => stage.system.spawn(echo, { name: 'b', registerAs: 'echo' }), { code: 'NAME_TAKEN', message: /\/a/ })
    assert.throws(() => stage.system.spawn(echo, { name: 'a', registerAs: 'other' }), { code: 'NAME_TAKEN' })
    assert.equal(stage.system.named('other'), undefined)
    assert.deepEqual(
      stage.system.snapshot().map(({ path }) => path),
      ['/a'],
    )
    const stopped = watch(first.stop())
    await stage.rest()
    assert.ok(stopped.settled)
    assert.equal(stage.system.named('echo'), undefined)
    const second = stage.system.spawn(echo, { name: 'b', registerAs: 'echo' })
    assert.equal(stage.system.named('echo')?.path, '/b')
    assert.equal(first.trySend('echo', 'x'), false, 'a reference is never another actor')
    assert.equal(second.trySend('echo', 'x'), true)
  })

  test('a child that is killed with its parent leaves its name', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(
      defineActor({
        start: (context) => {
          context.spawn(defineActor({ start: () => ({}), stop: () => new Promise<void>(() => undefined) }), {
            registerAs: 'held',
          })
          return {}
        },
      }),
      { shutdownMs: 100 },
    )
    await stage.rest()
    const stopped = watch(ref.stop())
    await stage.rest()
    assert.notEqual(stage.system.named('held'), undefined)
    await stage.pass(100)
    assert.ok(stopped.settled)
    assert.equal(stage.system.named('held'), undefined)
  })

  test('names that cannot be part of a path are refused', () => {
    const stage = new Stage()
    for (const name of ['', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(129), 7, null, {}] as string[]) {
      assert.throws(() => stage.system.spawn(echo, { name }), TypeError)
      assert.throws(() => stage.system.spawn(echo, { registerAs: name }), TypeError)
    }
    assert.deepEqual(stage.system.snapshot(), [])
    for (const name of ['a', 'x'.repeat(128), 'jobs:1', '...', 'a_b-c.d@e']) stage.system.spawn(echo, { name, registerAs: name })
  })
})
