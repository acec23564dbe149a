/** The RaftActor fails, and is started again in the living process: behind pauses, behind a breaker, or not at all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { ActorStatus } from '../../src/api/index.ts'
import { AssertionError } from '../../src/lib/index.ts'
import { whyNotReady } from '../../src/faces/http/status-json.ts'
import { SIMULATED_TIMINGS } from '../../src/simulation/index.ts'
import type { Machine } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'

const SEEDS = 15
const SECOND = 1_000
const MINUTE = 60 * SECOND

/** What any turn of the replica may meet that nobody has thought of. */
function failRaft(machine: Machine, error: Error = new TypeError('a fault that nobody has thought of')): void {
  assert.ok(machine.ask(({ replica }) => replica.fail(error)))
}

function raftActor(machine: Machine): ActorStatus {
  const found = machine.server?.service.status().actors.find(({ path }) => path === 'NodeServer/RaftSupervisor/RaftActor')
  assert.ok(found !== undefined, `node ${machine.id} has no RaftActor`)
  return found
}

/** Of one that is answered at once. */
function codeOfRead(machine: Machine, world?: World): string {
  let code = 'none'
  machine.server?.raft.send({
    type: 'Read',
    deadline: 0,
    reply: (error) => void (code = error instanceof AspenError ? error.code : String(error)),
  })
  world?.until('it is answered', () => code !== 'none', 100)
  return code
}

function isUp(machine: Machine): boolean {
  return machine.process !== null && raftActor(machine).state === 'running'
}

test('RaftActor: fails under load and is started again a second later; links stay, every caller is answered, nothing acknowledged is lost', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, nodes: 3, retainedEntries: 5, checkpointIntervalEntries: 10 })
    const opened = world.network.counters.linksOpened
    for (const round of [0, 1]) {
      const leader = world.leaderAmong(world.machines)
      const asked = Array.from({ length: 12 }, (_, i) => world.clients.write(leader, `k${i % 3}`))
      world.run(2 * round + seed / 5)
      const at = world.scheduler.now
      failRaft(leader)
      world.until('it is down', () => leader.process === null)
      assert.equal(leader.failure, null, 'the process lives')
      assert.equal(codeOfRead(leader), 'STOPPING')
      world.until('everybody is answered', () => asked.every(({ end }) => end !== null), SECOND / 2)
      world.until('it is up again', () => isUp(leader), 2 * SECOND)
      const { failures } = raftActor(leader)
      assert.ok(world.scheduler.now - at >= SECOND * failures, `behind a pause, the ${failures}. time`)
      world.assertProgress('after')
    }
    world.settle()
    assert.deepEqual([world.network.counters.linksOpened, world.network.counters.linksLost], [opened, 0])
  }
})

test('RaftActor: a leader that fails is replaced at once, since its channel says so on every link', () => {
  let sum = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, nodes: 3 })
    const leader = world.leaderAmong(world.machines)
    failRaft(leader)
    world.until('it is down', () => leader.process === null)
    const at = world.scheduler.now
    world.until('another one leads', () => world.leader !== null && world.leader !== leader)
    sum += world.scheduler.now - at
  }
  assert.ok(sum / SEEDS < SIMULATED_TIMINGS.electionTimeoutMinMs / 2, `${sum / SEEDS} ms on average`)
})

test('RaftActor: after 1, 2 and 4 s, then not at all for 5 minutes, then once; stable for 120 s it is well again', () => {
  const world = new World({ seed: 3, nodes: 3 })
  const victim = world.others(world.leaderAmong(world.machines))[0] as Machine
  for (const pause of [1, 2, 4]) {
    failRaft(victim)
    world.until('it is down', () => victim.process === null)
    world.run(pause * SECOND - 100)
    assert.equal(raftActor(victim).state, 'down')
    world.until('it is up', () => isUp(victim), 200)
    assert.equal(raftActor(victim).circuit, 'closed')
  }
  failRaft(victim)
  world.until('it is down', () => victim.process === null)
  assert.equal(raftActor(victim).circuit, 'open')
  const status = victim.server?.service.status()
  assert.match(status?.checks[0]?.detail ?? '', /failed too often.*nobody has thought of/)
  assert.ok(status !== undefined && whyNotReady(status, false) !== null)
  world.run(5 * MINUTE - 500)
  assert.equal(raftActor(victim).state, 'down')
  world.until('it is tried once', () => isUp(victim), SECOND)
  assert.equal(raftActor(victim).circuit, 'half-open')
  failRaft(victim)
  world.until('it is down', () => victim.process === null)
  assert.equal(raftActor(victim).circuit, 'open', 'the try has failed')
  world.run(5 * MINUTE)
  world.until('it is tried again', () => isUp(victim), SECOND)
  world.run(2 * MINUTE)
  assert.equal(raftActor(victim).circuit, 'closed')
  world.settle()
})

test('RaftActor: out of an open circuit it is restarted by hand, and is on trial then', () => {
  const world = new World({ seed: 4, nodes: 3, settings: { restarts: { maxRestarts: 0 } } })
  const victim = world.leaderAmong(world.machines)
  failRaft(victim)
  world.until('it is down', () => victim.process === null)
  assert.equal(raftActor(victim).circuit, 'open')
  world.run(MINUTE)
  assert.equal(raftActor(victim).state, 'down')
  let served = false
  victim.server?.restartActor('raft', (error) => {
    assert.ifError(error)
    served = true
  })
  world.until('it serves', () => served, 100)
  assert.deepEqual([raftActor(victim).state, raftActor(victim).circuit], ['running', 'half-open'])
  world.settle()
})

test('RaftActor: a broken invariant is not restarted past', () => {
  const world = new World({ seed: 5, nodes: 3 })
  const leader = world.leaderAmong(world.machines)
  leader.meantToFail = ({ message }) => message === 'the log has a hole'
  const asked = world.clients.write(leader, 'k')
  failRaft(leader, new AssertionError('the log has a hole'))
  world.until('the node says so', () => leader.failure !== null)
  assert.match(leader.failure?.message ?? '', /the log has a hole/)
  world.until('whoever waits is told', () => asked.end !== null, 100)
  const before = leader.process?.replica
  const told: unknown[] = []
  leader.server?.restartActor('raft', (error) => told.push(error instanceof AspenError ? error.code : error))
  world.run(10 * MINUTE)
  assert.deepEqual(told, ['POISONED'], 'not by hand either')
  assert.equal(leader.process?.replica, before)
  assert.notEqual(leader.server?.service.status().poisoned, null)
  assert.equal(codeOfRead(leader, world), 'POISONED')
})

test('RaftActor: a log that cannot be believed ends the node, and is not tried again and again', () => {
  const world = new World({ seed: 6, nodes: 3 })
  const victim = world.others(world.leaderAmong(world.machines))[0] as Machine
  for (let i = 0; i < 20; i++) world.assertProgress(`k${i}`)
  failRaft(victim)
  world.until('it is down', () => victim.process === null)
  victim.meantToFail = ({ name }) => name === 'LogCorruptionError'
  world.flipBits(victim.logDisk, 40)
  world.until('the node says so', () => victim.failure !== null, 2 * SECOND)
  assert.notEqual(victim.server?.service.status().poisoned, null)
  assert.deepEqual([victim.process, codeOfRead(victim)], [null, 'POISONED'])
  world.run(10 * MINUTE)
  assert.equal(victim.process, null)
})

test('RaftActor: no other incarnation is opened before what the former one was writing has settled', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, nodes: 3 })
    const leader = world.leaderAmong(world.machines)
    leader.syncs.holding = true
    const asked = world.clients.write(leader, 'k')
    world.run(5)
    failRaft(leader)
    world.run(5 * SECOND)
    assert.deepEqual([leader.process, raftActor(leader).state], [null, 'ending'])
    assert.notEqual(asked.end, null, 'whoever waits does not wait for that')
    leader.syncs.release()
    world.until('it is up', () => isUp(leader), 2 * SECOND)
    world.settle()
  }
})

test('RaftActor: what does not settle within 10 s ends the process', () => {
  const world = new World({ seed: 8, nodes: 3 })
  const leader = world.leaderAmong(world.machines)
  leader.meantToFail = ({ message }) => message.includes('had not settled after 10 s')
  leader.syncs.holding = true
  world.clients.write(leader, 'k')
  world.run(5)
  failRaft(leader)
  world.run(10 * SECOND - 100)
  assert.equal(leader.failure, null)
  world.until('it ends', () => leader.failure !== null, SECOND)
  leader.syncs.release()
  world.run(MINUTE)
  assert.deepEqual([leader.process, codeOfRead(leader)], [null, 'POISONED'])
})

test('RaftActor: a sync that fails while the replica ends is not restarted past', () => {
  let unsettled = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World({ seed, nodes: 3 })
    const leader = world.leaderAmong(world.machines)
    leader.meantToFail = ({ message }) => message.includes('EIO')
    leader.syncs.failNext = true
    world.clients.write(leader, 'k')
    world.run(seed / 5)
    failRaft(leader)
    world.run(MINUTE)
    // Where the sync had not begun, the write went elsewhere, and there is nothing to restart past.
    if (leader.syncs.failures === 0) continue
    assert.notEqual(leader.failure, null, `seed ${seed}`)
    assert.notEqual(leader.server?.service.status().poisoned, null)
    if (leader.failure?.name !== 'UnsettledError') continue
    assert.deepEqual([leader.process, codeOfRead(leader)], [null, 'POISONED'])
    unsettled++
  }
  assert.ok(unsettled > 0)
})

test('the other actors of a node: each is started again alone, and the replica goes on', () => {
  const world = new World({ seed: 7, nodes: 3 })
  const leader = world.leaderAmong(world.machines)
  const { term } = leader.server?.service.status() ?? {}
  const before = leader.process?.replica
  for (const actor of ['rpc', 'gossip', 'health'] as const) {
    leader.ask(() => leader.server?.restartActor(actor, assert.ifError))
    world.run(50)
  }
  const states = leader.server?.service.status().actors.map(({ path, state }) => `${path.split('/').at(-1)} ${state}`)
  assert.deepEqual(states, [
    'NodeServer running',
    'RaftSupervisor running',
    'RaftActor running',
    'RaftRpcServerActor running',
    'GossipActor running',
    'HealthMonitorActor running',
  ])
  assert.deepEqual([leader.process?.replica, leader.server?.service.status().term], [before, term])
})
