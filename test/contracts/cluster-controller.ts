/** What every implementation of ClusterController promises. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foundingContract } from './cluster-controller-founding.ts'
import { membershipContract } from './cluster-controller-membership.ts'
import { found } from './cluster-controller-place.ts'
import type { ControllerPlace, ControllerTraits, WithController } from './cluster-controller-place.ts'
import { put, refuses } from './key-value-store-place.ts'

export function clusterControllerContract(name: string, createPlace: () => ControllerPlace, traits: ControllerTraits): void {
  const withController: WithController = (use) => async () => {
    const place = createPlace()
    try {
      await use(await place.open())
    } finally {
      await place.dispose()
    }
  }
  describe(`${name}: founding`, () => foundingContract(withController))
  describe(`${name}: membership`, () => membershipContract(withController, traits))
  describe(`${name}: snapshots`, () => snapshotContract(withController))
  describe(`${name}: deadlines`, () => timeoutContract(withController))
}

function snapshotContract(withController: WithController): void {
  test(
    'triggerSnapshot: holds every write that was answered before it',
    withController(async (opened) => {
      await found(opened)
      const { controller, store } = opened
      let before = 0
      for (let i = 0; i < 3; i++) {
        const revision = await put(store, `k${i}`, 'v'.repeat(1000))
        const { id, logId, sizeBytes } = await controller.triggerSnapshot()
        assert.ok(id.length > 0)
        assert.ok(logId.term >= 1 && logId.index >= revision, `${logId.index} is before ${revision}`)
        assert.ok(logId.index > before && sizeBytes > (i + 1) * 1000)
        before = logId.index
      }
    }),
  )

  test(
    'triggerSnapshot: of the same state is the same snapshot, also when it is asked for several times at once',
    withController(async (opened) => {
      await found(opened)
      const revision = await put(opened.store, 'k', 'v')
      const first = await opened.controller.triggerSnapshot()
      assert.ok(first.logId.index >= revision)
      const others = Array.from({ length: 3 }, () => opened.controller.triggerSnapshot())
      for (const other of await Promise.all(others)) assert.deepEqual(other, first)
    }),
  )
}

function timeoutContract(withController: WithController): void {
  test(
    'a timeout out of range: is refused',
    withController(async (opened) => {
      const { controller } = opened
      for (const timeoutMs of [0, -1, 60_001, Number.POSITIVE_INFINITY, Number.NaN]) {
        await refuses('INVALID_REQUEST', controller.init([1], { timeoutMs }))
        await refuses('INVALID_REQUEST', controller.addLearner(1, undefined, { timeoutMs }))
        await refuses('INVALID_REQUEST', controller.changeMembership({ members: [1] }, { timeoutMs }))
        await refuses('INVALID_REQUEST', controller.triggerSnapshot({ timeoutMs }))
      }
      assert.deepEqual((await controller.clusterState()).members, [])
      assert.deepEqual((await controller.init([1], { timeoutMs: 60_000 })).members, [1])
    }),
  )
}
