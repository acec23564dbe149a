import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, InMemoryCluster, simulate } from './index.ts'

const untyped = (value: unknown): never => value as never
const refused = (name: string): object => ({ code: 'INVALID_REQUEST', message: new RegExp(`the options has a field "${name}"`) })

test('InMemoryCluster, simulate, explore: refuse an option that they do not know', async () => {
  assert.throws(() => new InMemoryCluster(untyped({ initialised: true })), refused('initialised'))
  for (const name of ['Seed', 'node', 'limitMS']) {
    await assert.rejects(
      simulate(untyped({ seed: 1, [name]: 1 }), async () => undefined),
      refused(name),
    )
    await assert.rejects(
      explore(untyped({ seeds: 1, [name]: 1 }), async () => undefined),
      refused(name),
    )
  }
  for (const wrong of [null, 1, 'seed', []]) {
    await assert.rejects(
      simulate(untyped(wrong), async () => undefined),
      { code: 'INVALID_REQUEST' },
    )
  }
  assert.throws(() => new InMemoryCluster(untyped(7)), { code: 'INVALID_REQUEST' })
})
