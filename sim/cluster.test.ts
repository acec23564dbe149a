import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Clients } from './clients.ts'
import { SimCluster } from './cluster.ts'
import { forkPrng } from '../src/simulation/index.ts'
import { Operator } from './operator.ts'
import { endpointIdOf } from './sim-node.ts'
import type { SimNode } from './sim-node.ts'
import { drawWeather } from './weather.ts'
import type { Weather } from './weather.ts'

interface World {
  readonly cluster: SimCluster
  readonly clients: Clients
  readonly operator: Operator
  readonly node: (id: number) => SimNode
  /** Steps of a tenth of a second, until something holds. */
  readonly until: (holds: () => boolean) => void
}

/** Three founders in the finest weather, with clients at work. */
function world(seed: number, troubles: Partial<Weather> = {}): World {
  const weather = { ...drawWeather(forkPrng(seed, 'weather'), 'performance', 3), clients: 3, keys: 3, ...troubles }
  const cluster = new SimCluster({ seed, weather })
  const { clients: count, keys } = weather
  const clients = new Clients({ cluster, random: forkPrng(seed, 'clients'), clients: count, keys })
  const operator = new Operator(cluster, forkPrng(seed, 'operator'))
  const node = (id: number): SimNode => cluster.nodes[id - 1] as SimNode
  const until = (holds: () => boolean): void => {
    for (let i = 0; !holds(); i++) {
      assert.ok(i < 200, 'it never came true')
      cluster.run(100)
      operator.progress()
    }
  }
  for (const one of cluster.nodes) cluster.start(one)
  until(() => cluster.found())
  clients.start()
  return { cluster, clients, operator, node, until }
}

test('SimCluster: replaces a member that lost its disks by a stranger with a key of its own', () => {
  const { cluster, operator, node, until } = world(1)
  until(() => operator.mayForget(node(2)))
  cluster.loseDisks(node(2))
  assert.equal(operator.mayForget(node(3)), false)
  assert.equal(node(2).endpointId, endpointIdOf(2, 1))
  cluster.start(node(2))
  assert.equal(node(2).replica?.view.term, 0)
  until(() => operator.idle && node(2).replica?.view.appliedIndex === cluster.checker.lastCommitted)
  const { voters, members } = node(2).replica?.view.membership ?? { voters: [], members: [] }
  assert.deepEqual(new Set(voters), new Set([1, 2, 3]))
  assert.equal(members.find(({ id }) => id === 2)?.endpointId, endpointIdOf(2, 1))
  assert.equal(cluster.counters.membersReplaced, 1)
})

for (const failing of ['write', 'sync'] as const) {
  test(`SimCluster: loses a node whose disk fails a ${failing}, and has it back after a restart`, () => {
    const { cluster, clients, node, until } = world(2)
    const [log] = node(1).disks
    if (log !== undefined) log.failsNext = failing
    until(() => node(1).life === null)
    assert.equal(cluster.counters.poisonedNodes, 1)
    const before = clients.counters.ok
    until(() => clients.counters.ok > before + 50)
    cluster.start(node(1))
    until(() => node(1).replica?.view.appliedIndex === cluster.checker.lastCommitted)
  })
}

test('SimCluster: has a node with flipped bits refuse its disks, or lose nothing by them', () => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) {
    const { cluster, clients, node } = world(seed)
    cluster.run(500)
    const before = clients.counters.ok
    assert.ok(before > 0)
    cluster.crash(node(3), 'power-cut')
    const [log] = node(3).disks
    for (let i = 0; i < 3; i++) if (log?.flipBit(forkPrng(seed, `flip ${i}`)) === true) node(3).damaged = true
    // The checker compares what is found with what was durable: a node that starts has all of it.
    cluster.start(node(3))
    outcomes.add(node(3).life === null ? 'refused' : 'started')
    assert.equal(node(3).endpointId, endpointIdOf(3, node(3).life === null ? 1 : 0))
  }
  assert.ok(outcomes.has('refused'), [...outcomes].join())
})

test('SimCluster: goes on without a leader that stands still, which finds itself overruled when it wakes', () => {
  const { cluster, clients, until } = world(3)
  cluster.run(500)
  const old = cluster.leader as SimNode
  cluster.pause(old)
  const before = clients.counters.ok
  const log = old.replica?.view.lastLog.index
  until(() => cluster.leader !== old && clients.counters.ok > before + 50)
  assert.equal(old.replica?.view.role, 'leader')
  assert.equal(old.replica.view.lastLog.index, log)
  cluster.resume(old)
  assert.equal(cluster.counters.oldLeadersWoken, 1)
  until(() => old.replica?.view.role === 'follower')
})

test('SimCluster: hands leadership over when its leader is stopped in order', async () => {
  const { cluster, until } = world(4)
  cluster.run(500)
  const old = cluster.leader as SimNode
  cluster.stop(old)
  // A stop waits for its links in promises.
  for (let i = 0; i < 50 && old.life !== null; i++) await cluster.pass(100)
  assert.equal(old.life, null)
  assert.equal(cluster.counters.stopsOfLeaders, 1)
  until(() => cluster.leader !== undefined)
  cluster.start(old)
  until(() => old.replica?.view.appliedIndex === cluster.checker.lastCommitted)
})

test('SimCluster: a node that is killed while it stops touches nothing of the next life', async () => {
  const { cluster, until } = world(4)
  const old = cluster.leader as SimNode
  cluster.stop(old)
  // Its links have closed, which it does not know yet.
  cluster.run(2_000)
  assert.notEqual(old.life, null)
  cluster.crash(old, 'killed')
  cluster.start(old)
  await cluster.pass(500)
  until(() => old.replica?.view.appliedIndex === cluster.checker.lastCommitted)
})

test('Clients: are refused at the quota, and served again once there is room', () => {
  const { cluster, clients, until } = world(5)
  cluster.quotaReached = true
  until(() => cluster.counters.quotaRefusals > 10)
  cluster.quotaReached = false
  cluster.run(500)
  const [refused, ok] = [cluster.counters.quotaRefusals, clients.counters.ok]
  until(() => clients.counters.ok > ok + 100)
  assert.equal(cluster.counters.quotaRefusals, refused)
  for (const name of ['scans', 'transactionsApplied', 'transactionsRefused'] as const) assert.ok(cluster.counters[name] > 0, name)
})

test('SimCluster: a world that runs in circles is cut, as one that makes no progress', () => {
  const cluster = new SimCluster({ seed: 1, weather: drawWeather(forkPrng(1, 'weather'), 'lite') })
  const again = (): void => void cluster.scheduler.after(0, again)
  again()
  assert.throws(() => cluster.run(100), { name: 'LivenessViolation', message: /runs in circles/ })
})
