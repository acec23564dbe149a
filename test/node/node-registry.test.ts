/** What a node keeps of every node, over links and configurations that a test gives, and in whole nodes over a simulated network. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NodeRecord } from '../../src/api/index.ts'
import { FORGET_NODE_MS, MAX_NODE_RECORDS } from '../../src/limits.ts'
import { NodeRegistry } from '../../src/node/node-registry.ts'
import type { KeptNode, RegistryStore } from '../../src/node/node-registry.ts'
import type { Claims, PeerReport } from '../../src/ports/index.ts'
import type { Membership } from '../../src/raft/index.ts'
import { explore } from '../../src/testing/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { leaderOf, othersThan } from '../router/requests.ts'
import { volume } from '../volume.ts'

const keyOf = (id: number): string => id.toString(16).padStart(64, '0')

const claimsOf = (nodeId: number, parts: Partial<Claims> = {}): Claims => ({
  nodeId,
  clusterId: 'c1',
  addresses: [`h:${nodeId}`],
  languageVersion: 1,
  programVersion: '1.2.3',
  ...parts,
})

function membershipOf(voters: readonly number[], learners: readonly number[] = []): Membership {
  const members = [...voters, ...learners].map((id) => ({ id, endpointId: keyOf(id), addresses: [`came:${id}`] }))
  return { voters, outgoing: [], learners, members }
}

class Store implements RegistryStore {
  kept: readonly KeptNode[] = []
  saves = 0

  load(): readonly KeptNode[] {
    return this.kept
  }

  save(records: () => readonly KeptNode[]): void {
    this.kept = records()
    this.saves++
  }

  saved(): Promise<void> {
    return Promise.resolve()
  }
}

class Bench {
  readonly clock = new ManualClock()
  readonly peers: PeerReport[] = []
  membership = membershipOf([])
  readonly store: Store
  readonly registry: NodeRegistry

  constructor(store = new Store()) {
    this.store = store
    this.registry = new NodeRegistry({
      self: { nodeId: 1, version: '9.9.9', languageVersion: 2 },
      links: { endpointId: keyOf(1), peers: () => this.peers, addresses: () => ['me:1'] },
      clock: this.clock,
      membership: () => this.membership,
      clusterId: () => 'c1',
      store,
    })
  }

  link(claims: Claims, endpointId = keyOf(claims.nodeId)): void {
    this.unlink(endpointId)
    this.peers.push({ endpointId, state: 'connected', claims, lastError: null, path: 'direct' })
  }

  unlink(endpointId: string): void {
    const at = this.peers.findIndex((peer) => peer.endpointId === endpointId)
    if (at >= 0) this.peers.splice(at, 1)
  }

  get states(): readonly string[] {
    return this.registry.report.map(({ nodeId, state }) => `${nodeId} ${state}`)
  }
}

describe('NodeRegistry', () => {
  test('report: this node first, then those that were linked, and members that never were', () => {
    const bench = new Bench()
    bench.link(claimsOf(3))
    bench.membership = membershipOf([1, 2], [3])
    bench.clock.advance(1_000)
    const self: NodeRecord = {
      nodeId: 1,
      endpointId: keyOf(1),
      addresses: ['me:1'],
      version: '9.9.9',
      languageVersion: 2,
      state: 'voter',
      isLinked: true,
      knownForMs: 0,
      lastSeenMs: 0,
    }
    const unseen = { addresses: ['came:2'], version: null, languageVersion: null, isLinked: false, lastSeenMs: null }
    assert.deepEqual(bench.registry.report, [
      self,
      { ...self, nodeId: 2, endpointId: keyOf(2), ...unseen },
      { ...self, nodeId: 3, endpointId: keyOf(3), addresses: ['h:3'], version: '1.2.3', languageVersion: 1, state: 'learner' },
    ])
    bench.unlink(keyOf(3))
    bench.clock.advance(4_000)
    const [, , third] = bench.registry.report
    assert.deepEqual([third?.isLinked, third?.lastSeenMs, third?.knownForMs], [false, 4_000, 4_000])
  })

  test('report: nodes of other clusters, and programs that are no nodes, have no records', () => {
    const bench = new Bench()
    bench.link(claimsOf(4, { clusterId: 'other' }))
    bench.link(claimsOf(0), keyOf(99))
    bench.link(claimsOf(5, { clusterId: null }))
    assert.deepEqual(bench.states, ['1 known', '5 known'])
  })

  test('report: a member that left is said so, and forgotten a week after; members never are', () => {
    const bench = new Bench()
    bench.registry.start()
    bench.link(claimsOf(2))
    bench.link(claimsOf(3))
    bench.membership = membershipOf([1, 2, 3])
    bench.clock.advance(10_000)
    bench.membership = membershipOf([1, 2])
    bench.unlink(keyOf(2))
    bench.unlink(keyOf(3))
    bench.clock.advance(10_000)
    assert.deepEqual(bench.states, ['1 voter', '2 voter', '3 left'])
    bench.clock.stall(FORGET_NODE_MS - 20_000)
    assert.deepEqual(bench.states, ['1 voter', '2 voter', '3 left'])
    bench.clock.advance(20_000)
    assert.deepEqual(bench.states, ['1 voter', '2 voter'])
    assert.equal(bench.registry.report[1]?.version, '1.2.3', 'what is known of a member is not forgotten either')
    bench.membership = membershipOf([1, 2], [3])
    assert.deepEqual(bench.states, ['1 voter', '2 voter', '3 learner'])
  })

  test('report: whoever comes back under another key is another node; both are there', () => {
    const bench = new Bench()
    bench.membership = membershipOf([1, 2])
    bench.link(claimsOf(2))
    bench.registry.look()
    bench.membership = {
      ...membershipOf([1, 2]),
      members: [...membershipOf([1]).members, { id: 2, endpointId: keyOf(22), addresses: [] }],
    }
    bench.unlink(keyOf(2))
    bench.link(claimsOf(2), keyOf(22))
    assert.deepEqual(
      bench.registry.report.map(({ endpointId, state }) => [endpointId, state]),
      [
        [keyOf(1), 'voter'],
        [keyOf(2), 'left'],
        [keyOf(22), 'voter'],
      ],
    )
  })

  test('look: keeps at once what changes, and once in a minute when nodes were merely seen', () => {
    const bench = new Bench()
    bench.registry.start()
    bench.link(claimsOf(2))
    bench.clock.advance(5_000)
    const { saves } = bench.store
    bench.clock.advance(50_000)
    assert.equal(bench.store.saves, saves)
    bench.clock.advance(10_000)
    assert.equal(bench.store.saves, saves + 1)
    bench.link(claimsOf(2, { addresses: ['moved:2'] }))
    bench.clock.advance(5_000)
    assert.deepEqual([bench.store.saves, bench.store.kept.at(-1)?.addresses], [saves + 2, ['moved:2']])
  })

  test('start: finds again what was known, and goes on with it', async () => {
    const first = new Bench()
    first.link(claimsOf(2))
    first.membership = membershipOf([1, 2])
    await first.registry.stop()
    const again = new Bench(first.store)
    assert.deepEqual(again.states, ['1 voter', '2 voter'], 'before this life knows its configuration')
    assert.deepEqual([again.registry.report[1]?.isLinked, again.registry.report[1]?.version], [false, '1.2.3'])
  })

  test('report: there is a bound; whoever was seen longest ago makes room, and members and those that are linked stay', () => {
    const bench = new Bench()
    bench.membership = membershipOf([1, 2])
    bench.registry.look()
    for (let id = 10; id < 10 + MAX_NODE_RECORDS + 20; id++) {
      bench.clock.stall(1)
      bench.peers.length = 0
      bench.link(claimsOf(id))
      bench.registry.look()
    }
    const ids = bench.registry.report.map(({ nodeId }) => nodeId)
    assert.equal(ids.length, MAX_NODE_RECORDS)
    assert.deepEqual(ids.slice(0, 3), [1, 2, 10 + 22])
    assert.equal(ids.at(-1), 10 + MAX_NODE_RECORDS + 19)
    bench.peers.length = 0
    bench.clock.stall(1)
    for (let id = 1; id <= MAX_NODE_RECORDS + 5; id++) bench.link(claimsOf(5_000 + id))
    assert.equal(bench.registry.report.length, MAX_NODE_RECORDS)
  })
})

test('AspenRouter: every node knows all others, what left, and after a restart still', async () => {
  await explore({ seeds: volume(6, 1), nodes: 4, founders: 3 }, async (router) => {
    const leader = await leaderOf(router)
    const [removed, kept] = othersThan(router, leader, 4) as [number, number]
    await router.node(leader).addLearner(4)
    await router.sleep(6_000)
    await router.node(leader).changeMembership({ members: [leader, kept], learners: [4] })
    await router.sleep(6_000)
    const wanted = (self: number): readonly (readonly [number, string])[] =>
      [self, ...othersThan(router, self)].map((id) => [id, id === removed ? 'left' : id === 4 ? 'learner' : 'voter'])
    const seen = async (id: number): Promise<unknown> =>
      (await router.node(id).nodes()).map(({ nodeId, state }) => [nodeId, state])
    for (const id of [leader, kept, 4]) assert.deepEqual(await seen(id), wanted(id))
    router.crash(removed)
    router.crash(kept)
    await router.sleep(2_000)
    router.start(kept)
    await router.until('it is open', 5_000, () => router.status(kept) !== null)
    const record = (await router.node(kept).nodes()).find(({ nodeId }) => nodeId === removed)
    assert.deepEqual([record?.state, record?.version, record?.isLinked], ['left', 'simulated', false])
    assert.ok(record !== undefined && (record.lastSeenMs ?? 0) >= 2_000 && record.knownForMs > 8_000)
  })
})
