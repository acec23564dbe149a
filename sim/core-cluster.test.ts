import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CoreCluster } from './core-cluster.ts'
import type { CoreCoverage } from './core-cluster.ts'
import { volume } from '../test/volume.ts'

const SEEDS = volume(200, 30)

test('CoreCluster: stays safe, and makes progress once healed, whatever the seed', () => {
  const total: Record<string, number> = {}
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const { coverage } = new CoreCluster(seed).run(2000)
      for (const [name, count] of Object.entries(coverage) as [keyof CoreCoverage, number][])
        total[name] = (total[name] ?? 0) + count
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  console.log(
    Object.entries(total)
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  )
  for (const [name, count] of Object.entries(total)) assert.ok(count > 0, `no run came across: ${name}`)
})

test('CoreCluster: repeats a run from its seed, bit for bit', () => {
  for (const seed of [1, 2, 3]) assert.deepEqual(new CoreCluster(seed).run(1000), new CoreCluster(seed).run(1000))
  assert.notEqual(new CoreCluster(1).run(1000).hash, new CoreCluster(2).run(1000).hash)
})
