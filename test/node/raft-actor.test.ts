/** What passes the mailbox of the RaftActor, in whole nodes whose replica is watched. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { MAX_ADMIN_REQUESTS } from '../../src/limits.ts'
import { administration } from '../../src/node/index.ts'
import type { RaftActorMessage } from '../../src/node/index.ts'
import type { Replica } from '../../src/replica/index.ts'
import type { Machine } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'

const LATE = 1_000_000

interface Bench {
  readonly world: World
  readonly machine: Machine
  readonly replica: Replica
  /** What the replica was asked, in order. */
  readonly calls: string[]
  /** What became of messages: `ok`, or the code of an error. */
  readonly answers: string[]
  readonly reply: (error: Error | undefined) => void
  readonly send: (message: RaftActorMessage) => void
}

/** A cluster of one whose replica says nothing to what it is asked, or throws. */
function bench(mailboxCapacity = 10, fault?: Error): Bench {
  const world = new World({ seed: 1, nodes: 1, settings: { mailboxCapacity } })
  const machine = world.leaderAmong(world.machines)
  const { process, server } = machine
  assert.ok(process !== null && server !== null)
  const { replica } = process
  const calls: string[] = []
  const answers: string[] = []
  for (const name of ['write', 'read', 'administer', 'init', 'takeSnapshot'] as const) {
    Object.defineProperty(replica, name, {
      value: () => {
        calls.push(name)
        if (fault !== undefined) throw fault
      },
    })
  }
  const reply = (error: Error | undefined): void => {
    answers.push(error === undefined ? 'ok' : error instanceof AspenError ? error.code : error.message)
  }
  return { world, machine, replica, calls, answers, reply, send: (message) => server.raft.send(message) }
}

const ADD = { op: 'add-learner', nodeId: 2, endpointId: null } as const

describe('RaftActor', () => {
  test('send: each message is handed to the replica in its turn, in order', () => {
    const { world, machine, calls, answers, reply, send } = bench()
    const self = { id: 1, endpointId: 'k', addresses: [] }
    const messages: RaftActorMessage[] = [
      { type: 'Init', voters: [1], clusterId: 'c1', self, deadline: LATE, reply },
      { type: 'Write', envelope: Uint8Array.of(1), deadline: LATE, reply },
      { type: 'Read', deadline: LATE, reply },
      administration(ADD, LATE, reply),
      administration({ op: 'change-membership', members: [1], learners: null }, LATE, reply),
      administration({ op: 'raise-version', version: 1 }, LATE, reply),
      { type: 'TriggerSnapshot', reply },
    ]
    for (const message of messages) send(message)
    assert.deepEqual([calls, machine.server?.service.status().mailbox.depth], [[], messages.length])
    world.run(5)
    assert.deepEqual(calls, ['init', 'write', 'read', 'administer', 'administer', 'administer', 'takeSnapshot'])
    assert.deepEqual(answers, [], 'the replica answers, not the actor')
  })

  test('CurrentState, HealthCheck: are answered in their turn', () => {
    const { world, answers, reply, send } = bench()
    let voters: readonly number[] = []
    send({ type: 'CurrentState', reply: (_, inForce) => void (voters = inForce?.membership.voters ?? []) })
    send({ type: 'HealthCheck', reply })
    assert.deepEqual(answers, [])
    world.run(5)
    assert.deepEqual([voters, answers], [[1], ['ok']])
  })

  test('send: a message that finds the mailbox full is answered with OVERLOADED at once', () => {
    const { world, machine, calls, answers, reply, send } = bench(1)
    send({ type: 'Read', deadline: LATE, reply })
    send({ type: 'Read', deadline: LATE, reply })
    assert.deepEqual([answers, machine.server?.service.status().mailbox.refused], [['OVERLOADED'], 1])
    world.run(5)
    assert.deepEqual(calls, ['read'])
  })

  test('send: data that fills the mailbox leaves room for everything else, and that room is bounded', () => {
    const { world, calls, answers, reply, send } = bench(2)
    for (let i = 0; i < 3; i++) send({ type: 'Read', deadline: LATE, reply })
    assert.deepEqual(answers, ['OVERLOADED'])
    for (let i = 0; i < MAX_ADMIN_REQUESTS; i++) send(administration(ADD, LATE, reply))
    assert.equal(answers.length, 1)
    send({ type: 'TriggerSnapshot', reply })
    send({ type: 'Read', deadline: LATE, reply })
    assert.equal(answers.length, 3)
    world.run(5)
    assert.equal(calls.filter((name) => name === 'administer').length, MAX_ADMIN_REQUESTS)
  })

  test('send: what waits in the mailbox when the replica ends is refused, and may be asked of another node', () => {
    const { world, machine, calls, answers, reply, send } = bench()
    for (let i = 0; i < 3; i++) send({ type: 'Read', deadline: LATE, reply })
    machine.server?.restartActor('raft', (error) => assert.ifError(error))
    assert.deepEqual([calls, answers], [[], ['STOPPING', 'STOPPING', 'STOPPING']])
    send({ type: 'TriggerSnapshot', reply })
    assert.equal(answers.at(-1), 'STOPPING')
    world.until('it serves again', () => machine.process !== null, 100)
    assert.equal(answers.length, 4)
  })

  test('send: whoever asked is told when the replica cannot be handed what it asked; the replica takes no further part', () => {
    const { world, machine, replica, calls, answers, reply, send } = bench(10, new TypeError('boom'))
    send({ type: 'Write', envelope: Uint8Array.of(1), deadline: LATE, reply })
    send({ type: 'Read', deadline: LATE, reply })
    world.run(5)
    assert.deepEqual([calls[0], answers], ['write', ['POISONED', 'POISONED']])
    assert.equal(replica.view.poisoned?.message, 'boom')
    assert.equal(machine.process, null)
    world.until('another one serves', () => machine.process !== null && machine.process.replica !== replica, 2_000)
  })
})
