/** When a write is answered, and what may be asked after that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteResult } from '../../src/api/index.ts'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import { codeOf, envelope, World } from './world.ts'
import type { Node } from './world.ts'

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

test('replica: writes through followers while the leader is removed are all answered, and soon', () => {
  for (let start = 20; start < 30; start++) {
    const world = new World()
    const [first, second, third] = world.cluster([1, 2, 3]) as [Node, Node, Node]
    const outcomes: string[] = []
    const removed: string[] = []
    let sent = 0
    /** Each answer brings the next write, so that some stand before the configuration in the log, and some would stand behind it. */
    const write = (node: Node): void => {
      if (sent === 400) return
      if (++sent === start) {
        const request = { op: 'change-membership', members: [2, 3], learners: null } as const
        first.replica.administer(request, world.clock.now() + 5000, (error) =>
          removed.push(error === undefined ? 'ok' : codeOf(error)),
        )
      }
      node.replica.write(envelope(`k${sent}`), world.clock.now() + 5000, (error) => {
        outcomes.push(error === undefined ? 'ok' : codeOf(error))
        write(node)
      })
    }
    for (const node of [second, third]) for (let i = 0; i < 4; i++) write(node)
    // Below the deadline of a write.
    world.clock.advance(1_500)
    assert.deepEqual(removed, ['ok'])
    assert.deepEqual([outcomes.length, new Set(outcomes)], [sent, new Set(['ok'])])
    assert.equal(sent, 400)
  }
})
