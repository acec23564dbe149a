/** When a write is answered, and what may be asked after that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteResult } from '../../src/api/index.ts'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import { envelope, World } from './world.ts'

test('replica: a snapshot asked for after a write was acknowledged has it, though the state may not have had it yet', () => {
  const world = new World()
  const [node] = world.cluster([1]) as [ReturnType<World['node']>]
  const { replica } = node
  let written: WriteResult | undefined
  let appliedThen = 0
  let snapshot: StoredSnapshot | undefined
  replica.write(envelope('a'), world.clock.now() + 5000, (_error, result) => {
    written = result
    appliedThen = replica.view.appliedIndex
    replica.takeSnapshot((error, taken) => {
      assert.equal(error, undefined)
      snapshot = taken
    })
  })
  world.clock.until(() => snapshot !== undefined, 'the snapshot')
  assert.ok(appliedThen < (written?.logId.index ?? 0), 'it was answered at its commit')
  assert.ok((snapshot?.last.index ?? 0) >= (written?.logId.index ?? Number.POSITIVE_INFINITY))
})
