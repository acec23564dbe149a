/** Before there is a cluster, and how it begins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acquaint, assertState, found } from './cluster-controller-place.ts'
import type { WithController } from './cluster-controller-place.ts'
import { put, refuses, textAt } from './key-value-store-place.ts'

const BAD_IDS = [0, -1, 1.5, 2 ** 53]

export function foundingContract(withController: WithController): void {
  test(
    'no cluster yet: nobody belongs to it or leads it, and only init and addPeer work',
    withController(async (opened) => {
      const { controller } = opened
      assert.deepEqual(await controller.clusterState(), { members: [], learners: [], index: 0, nodes: [] })
      assert.equal(await controller.leader(), null)
      await refuses('NOT_INITIALIZED', controller.addLearner(2))
      await refuses('NOT_INITIALIZED', controller.changeMembership({ members: [1] }))
      const error = await refuses('NOT_INITIALIZED', controller.triggerSnapshot())
      assert.equal(error.retryable, true)
      await refuses('INVALID_REQUEST', controller.addLearner(0))
      await refuses('INVALID_REQUEST', controller.changeMembership({ members: [] }))
      await controller.addPeer(await opened.another(2))
    }),
  )

  test(
    'init: founds a cluster of this node, which leads it',
    withController(async (opened) => {
      const state = await found(opened)
      await assertState(opened, state, [[1], [], [1]])
      assert.equal(state.nodes[0]?.endpointId, opened.self.endpointId)
      assert.deepEqual(state.nodes[0]?.addresses, opened.self.addresses)
      assert.equal(await opened.controller.leader(), 1)
      await put(opened.store, 'k', 'v')
      assert.equal(await textAt(opened.store, 'k'), 'v')
    }),
  )

  test(
    'init: is refused for nobody, for others, and for ids that are none, and changes nothing',
    withController(async ({ controller }) => {
      await refuses('INVALID_REQUEST', controller.init([]))
      await refuses('INVALID_REQUEST', controller.init([2]))
      for (const id of BAD_IDS) await refuses('INVALID_REQUEST', controller.init([1, id]), `id ${id}`)
      await refuses('INVALID_REQUEST', controller.init(Array.from({ length: 101 }, (_, i) => i + 1)))
      const error = await refuses('NODE_UNKNOWN', controller.init([1, 2]))
      assert.equal(error.details['node_id'], 2)
      assert.deepEqual((await controller.clusterState()).members, [])
      assert.equal(await controller.leader(), null)
    }),
  )

  test(
    'init: is done once',
    withController(async (opened) => {
      const state = await found(opened)
      await put(opened.store, 'k', 'v')
      const error = await refuses('ALREADY_INITIALIZED', opened.controller.init([1]))
      assert.equal(error.retryable, false)
      assert.deepEqual(await opened.controller.clusterState(), state)
      assert.equal(await textAt(opened.store, 'k'), 'v')
    }),
  )

  test(
    'init: founds a cluster of several voters, in order of their ids',
    withController(async (opened) => {
      const three = await acquaint(opened, 3)
      await acquaint(opened, 2)
      await assertState(opened, await opened.controller.init([3, 1, 2]), [[1, 2, 3], [], [1, 2, 3]])
      const { nodes } = await opened.controller.clusterState()
      assert.equal(nodes[2]?.endpointId, three.endpointId)
      await put(opened.store, 'k', 'v')
      assert.equal(await textAt(opened.store, 'k'), 'v')
    }),
  )

  test(
    'init: of a node that two peers claim to be is refused',
    withController(async (opened) => {
      const claims = [await acquaint(opened, 2), await acquaint(opened, 2)]
      const { details } = await refuses('NODE_AMBIGUOUS', opened.controller.init([1, 2]))
      assert.deepEqual(new Set(details['endpoint_ids'] as string[]), new Set(claims.map(({ endpointId }) => endpointId)))
      assert.equal(await opened.controller.leader(), null)
    }),
  )

  test(
    'init: an id that is given twice counts once',
    withController(async (opened) => {
      await assertState(opened, await opened.controller.init([1, 1]), [[1], [], [1]])
    }),
  )
}
