import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore } from '../../src/testing/index.ts'
import { volume } from '../volume.ts'

/** More than a checkpoint apart: the states begin again from a snapshot that lacks the last of them. */
const WRITES = 230

test('AspenRouter.converged: waits for what the log holds when all nodes have restarted from a snapshot', () =>
  explore({ seeds: volume(15, 4) }, async (router) => {
    const client = router.client()
    const keys = Array.from({ length: WRITES }, (_, i) => `key-${i}`)
    await Promise.all(keys.map((key) => client.write({ Set: { key, value: 'v' } })))
    for (const id of router.nodeIds) router.crash(id, 'power-cut')
    router.heal()
    await router.converged()
    for (const id of router.nodeIds) assert.deepEqual([...router.contents(id).keys()].toSorted(), keys.toSorted())
  }))
