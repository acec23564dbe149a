/** Peers, learners and voters. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { ClusterState, ErrorCode } from '../../src/api/index.ts'
import { MAX_MEMBER_ADDRESSES } from '../../src/limits.ts'
import { acquaint, assertState, found, idsOf } from './cluster-controller-place.ts'
import type { ControllerTraits, WithController } from './cluster-controller-place.ts'
import { put, refuses, textAt } from './key-value-store-place.ts'

/** Long enough for an answer that does not depend on other nodes, and far below the default. */
const SHORT = { timeoutMs: 300 }
const MOST_ATTEMPTS = 20

/** On a busy machine an answer may come when its client has given up, a quarter of a second after the deadline: then it is asked again. */
async function refusesAtLast(code: ErrorCode, ask: () => Promise<unknown>): Promise<AspenError> {
  for (let attempt = 1; ; attempt++) {
    const outcome = ask()
    const isUnknown = await outcome.then(
      () => false,
      (error: unknown) => error instanceof AspenError && error.code === 'OUTCOME_UNKNOWN',
    )
    if (!isUnknown || attempt === MOST_ATTEMPTS) return refuses(code, outcome)
  }
}
const BAD_IDS = [0, -1, 1.5, 2 ** 53]

export function membershipContract(withController: WithController, traits: ControllerTraits): void {
  peerContract(withController)
  forgettingContract(withController)
  learnerContract(withController)
  voterContract(withController)
  conditionContract(withController)
  refusalContract(withController)
  absenceContract(withController, traits)
}

function peerContract(withController: WithController): void {
  test(
    'addPeer: takes a peer again and again, with other addresses, with a relay alone, but not with neither',
    withController(async ({ controller }) => {
      const peer = { nodeId: 7, endpointId: 'ab'.repeat(32), addresses: ['127.0.0.1:9'] }
      const relay = 'https://relay.example/'
      for (const change of [{}, {}, { addresses: ['localhost:9', '[::1]:9'] }, { relay: null }, { addresses: [], relay }]) {
        await controller.addPeer({ ...peer, ...change })
      }
      const { message } = await refuses('INVALID_REQUEST', controller.addPeer({ ...peer, addresses: [] }))
      assert.match(message, /addresses is empty, and relay is too: give host:port/)
      assert.deepEqual((await controller.clusterState()).nodes, [])
    }),
  )

  test(
    'addPeer: is refused for what is no peer, and for the node itself',
    withController(async ({ controller, self }) => {
      const peer = { nodeId: 2, endpointId: 'ab'.repeat(32), addresses: ['127.0.0.1:9'] }
      const bad = [
        ...BAD_IDS.map((nodeId) => ({ nodeId })),
        ...['', 'ab', 'AB'.repeat(32), 'xy'.repeat(32)].map((endpointId) => ({ endpointId })),
        ...['', 'localhost', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', 'a b:1'].map((text) => ({ addresses: [text] })),
        { addresses: Array.from({ length: MAX_MEMBER_ADDRESSES + 1 }, (_, i) => `127.0.0.1:${i + 1}`) },
        { nodeId: self.nodeId },
        { endpointId: self.endpointId },
      ]
      for (const part of bad) await refuses('INVALID_REQUEST', controller.addPeer({ ...peer, ...part }), JSON.stringify(part))
      await refuses('INVALID_REQUEST', controller.addPeer({ ...self }))
    }),
  )

  test(
    'addPeer: the key of a member under another id is refused',
    withController(async (opened) => {
      await found(opened)
      const peer = await acquaint(opened, 2)
      await opened.controller.addLearner(2)
      const { details } = await refuses('NODE_AMBIGUOUS', opened.controller.addPeer({ ...peer, nodeId: 9 }))
      assert.deepEqual(details, { endpoint_ids: [peer.endpointId] })
      await opened.controller.addPeer(peer)
    }),
  )
}

function forgettingContract(withController: WithController): void {
  test(
    'forgetPeer: a peer that was added is forgotten, once; and may be added again',
    withController(async ({ controller, another, end }) => {
      const peer = await another(2)
      await controller.addPeer(peer)
      // Who runs and dials this node would be known again.
      await end(peer)
      await controller.forgetPeer(peer.endpointId)
      const { details } = await refuses('NODE_UNKNOWN', controller.forgetPeer(peer.endpointId))
      assert.deepEqual(details, { endpoint_id: peer.endpointId })
      await controller.addPeer(peer)
      await controller.forgetPeer(peer.endpointId)
    }),
  )

  test(
    'forgetPeer: is refused for members, and for what is no key',
    withController(async (opened) => {
      await found(opened)
      const peer = await acquaint(opened, 2)
      await opened.controller.addLearner(2)
      await refuses('INVALID_REQUEST', opened.controller.forgetPeer(peer.endpointId))
      await refuses('INVALID_REQUEST', opened.controller.forgetPeer(opened.self.endpointId))
      await refuses('INVALID_REQUEST', opened.controller.forgetPeer('key'))
    }),
  )
}

function learnerContract(withController: WithController): void {
  test(
    'addLearner: adds a member without a vote; the same again changes nothing',
    withController(async (opened) => {
      await found(opened)
      const peer = await acquaint(opened, 2)
      await assertState(opened, await opened.controller.addLearner(2), [[1], [2], [1, 2]])
      assert.equal((await opened.controller.clusterState()).nodes[1]?.endpointId, peer.endpointId)
      for (const again of [undefined, peer.endpointId]) {
        await assertState(opened, await opened.controller.addLearner(2, again), [[1], [2], [1, 2]])
      }
      await assertState(opened, await opened.controller.addLearner(1), [[1], [2], [1, 2]])
      assert.equal(await opened.controller.leader(), 1)
    }),
  )

  test(
    'addLearner: of a node that nobody claims to be: NODE_UNKNOWN',
    withController(async (opened) => {
      await found(opened)
      const { details } = await refusesAtLast('NODE_UNKNOWN', () => opened.controller.addLearner(2, undefined, SHORT))
      assert.equal(details['node_id'], 2)
      await acquaint(opened, 2)
      await refusesAtLast('NODE_UNKNOWN', () => opened.controller.addLearner(2, 'ab'.repeat(32), SHORT))
      await refusesAtLast('NODE_UNKNOWN', () => opened.controller.addLearner(3, undefined, SHORT))
      assert.deepEqual((await opened.controller.clusterState()).learners, [])
    }),
  )

  test(
    'addLearner: the endpoint id chooses where two peers claim the id, and another key does not come in its place',
    withController(async (opened) => {
      await found(opened)
      const [first, second] = [await acquaint(opened, 2), await acquaint(opened, 2)]
      const ids = [first.endpointId, second.endpointId].toSorted()
      const { details } = await refuses('NODE_AMBIGUOUS', opened.controller.addLearner(2))
      assert.deepEqual((details['endpoint_ids'] as string[]).toSorted(), ids)
      const state = await opened.controller.addLearner(2, second.endpointId)
      assert.equal(state.nodes[1]?.endpointId, second.endpointId)
      const again = await refuses('NODE_AMBIGUOUS', opened.controller.addLearner(2, first.endpointId))
      assert.deepEqual((again.details['endpoint_ids'] as string[]).toSorted(), ids)
      assert.deepEqual(await opened.controller.clusterState(), state)
    }),
  )
}

function voterContract(withController: WithController): void {
  test(
    'changeMembership: learners become voters, voters become learners, and go',
    withController(async (opened) => {
      const { controller, store } = opened
      await found(opened)
      for (const id of [2, 3]) {
        await acquaint(opened, id)
        await controller.addLearner(id)
      }
      await assertState(opened, await controller.changeMembership({ members: [2, 1] }), [[1, 2], [3], [1, 2, 3]])
      await assertState(opened, await controller.changeMembership({ members: [1, 2] }), [[1, 2], [3], [1, 2, 3]])
      await put(store, 'k', 'of two')
      await assertState(opened, await controller.changeMembership({ members: [1, 2, 3] }), [[1, 2, 3], [], [1, 2, 3]])
      await assertState(opened, await controller.changeMembership({ members: [1], learners: [3] }), [[1], [3], [1, 3]])
      await assertState(opened, await controller.changeMembership({ members: [1], learners: [] }), [[1], [], [1]])
      assert.equal(await controller.leader(), 1)
      await put(store, 'k', 'of one')
      assert.equal(await textAt(store, 'k'), 'of one')
    }),
  )

  test(
    'changeMembership: what has left is a stranger until it is added again',
    withController(async (opened) => {
      const { controller } = opened
      await found(opened)
      await acquaint(opened, 2)
      await controller.addLearner(2)
      await assertState(opened, await controller.changeMembership({ members: [1], learners: [] }), [[1], [], [1]])
      await refusesAtLast('NODE_UNKNOWN', () => controller.changeMembership({ members: [1, 2] }, SHORT))
      await assertState(opened, await controller.addLearner(2), [[1], [2], [1, 2]])
      await assertState(opened, await controller.changeMembership({ members: [1, 2] }), [[1, 2], [], [1, 2]])
    }),
  )
}

function conditionContract(withController: WithController): void {
  test(
    'changeMembership: is made while the membership is what it is meant for, and refused with what it is',
    withController(async (opened) => {
      const { controller } = opened
      const { index: first } = await found(opened)
      await acquaint(opened, 2)
      const { index: second } = await controller.addLearner(2)
      assert.ok(first !== null && second !== null && first < second)
      const change = { members: [1], learners: [] }
      for (const condition of [{ ifIndex: first }, { ifMembers: [1, 2] }, { ifIndex: second, ifMembers: [2] }]) {
        const error = await refuses('MEMBERSHIP_CHANGED', controller.changeMembership({ ...change, ...condition }))
        assert.deepEqual(error.details, { members: [1], learners: [2], index: second })
      }
      const state = await controller.changeMembership({ ...change, ifIndex: second, ifMembers: [1] })
      await assertState(opened, state, [[1], [], [1]])
      assert.ok(state.index !== null && state.index > second)
      assert.equal((await controller.clusterState()).index, state.index)
    }),
  )

  test(
    'changeMembership: a condition that cannot be is refused',
    withController(async (opened) => {
      await found(opened)
      for (const condition of [{ ifIndex: 0 }, { ifIndex: 1.5 }, { ifMembers: [] }, { ifMembers: [0] }]) {
        const change = opened.controller.changeMembership({ members: [1], ...condition })
        await refuses('INVALID_REQUEST', change, JSON.stringify(condition))
      }
    }),
  )
}

function refusalContract(withController: WithController): void {
  test(
    'changeMembership: is refused for nobody, for too many, and for ids that are none or unknown',
    withController(async (opened) => {
      const { controller } = opened
      const state = await found(opened)
      const many = Array.from({ length: 101 }, (_, i) => i + 1)
      await refuses('INVALID_REQUEST', controller.changeMembership({ members: [] }))
      await refuses('INVALID_REQUEST', controller.changeMembership({ members: many }))
      await refuses('INVALID_REQUEST', controller.changeMembership({ members: [1], learners: many.map((id) => id + 1) }))
      for (const id of BAD_IDS) {
        await refuses('INVALID_REQUEST', controller.changeMembership({ members: [1, id] }), `id ${id}`)
        await refuses('INVALID_REQUEST', controller.changeMembership({ members: [1], learners: [id] }), `id ${id}`)
        await refuses('INVALID_REQUEST', controller.addLearner(id), `id ${id}`)
      }
      for (const change of [{ members: [1, 9] }, { members: [9] }, { members: [1], learners: [9] }]) {
        const error = await refuses('NODE_UNKNOWN', controller.changeMembership(change))
        assert.deepEqual(error.details, { node_id: 9 })
      }
      assert.deepEqual(await controller.clusterState(), state)
    }),
  )

  test(
    'changeMembership: an id that is given twice counts once',
    withController(async (opened) => {
      const { controller } = opened
      await found(opened)
      await acquaint(opened, 2)
      await controller.addLearner(2)
      const changes = [{ members: [1, 1] }, { members: [1], learners: [2, 2] }, { members: [1], learners: [1, 2] }]
      for (const change of changes) {
        await assertState(opened, await controller.changeMembership(change), [[1], [2], [1, 2]])
      }
      assert.deepEqual(idsOf(await controller.clusterState()), [[1], [2], [1, 2]])
    }),
  )
}

function absenceContract(withController: WithController, { peers }: ControllerTraits): void {
  test(
    `changeMembership: a learner that is gone ${peers === 'live' ? 'gets no vote' : 'is as good as any'}`,
    withController(async (opened) => {
      const { controller } = opened
      await found(opened)
      const peer = await acquaint(opened, 2)
      const state = await controller.addLearner(2)
      await opened.end(peer)
      const change = (): Promise<ClusterState> => controller.changeMembership({ members: [1, 2] }, SHORT)
      if (peers === 'said') return assertState(opened, await change(), [[1, 2], [], [1, 2]])
      const error = await refusesAtLast('LEARNER_NOT_READY', change)
      assert.deepEqual([error.details['node_id'], error.details['connected'], error.retryable], [2, false, true])
      assert.deepEqual(await controller.clusterState(), state)
      await put(opened.store, 'k', 'goes on')
    }),
  )

  test(
    `addLearner: a node of another cluster ${peers === 'live' ? 'is refused' : 'is as good as any'}`,
    withController(async (opened) => {
      await found(opened)
      const stranger = await opened.stranger(2)
      await opened.controller.addPeer(stranger)
      await opened.met(stranger)
      const added = opened.controller.addLearner(2)
      if (peers === 'said') return assertState(opened, await added, [[1], [2], [1, 2]])
      const error = await refuses('CLUSTER_MISMATCH', added)
      assert.deepEqual([error.details['node_id'], error.retryable], [2, false])
      assert.deepEqual(idsOf(await opened.controller.clusterState()), [[1], [], [1]])
    }),
  )
}
