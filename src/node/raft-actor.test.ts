import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_ADMIN_REQUESTS } from '../limits.ts'
import type { Replica } from '../replica/index.ts'
import { RaftActor } from './raft-actor.ts'
import type { RaftActorMessage } from './raft-actor.ts'

/** Stands where the replica does, and notes what it is asked. */
function bench(capacity = 10, fault?: Error) {
  const calls: unknown[][] = []
  const turns: (() => void)[] = []
  const answers: string[] = []
  const faults: Error[] = []
  const note =
    (name: string) =>
    (...parts: unknown[]): void => {
      if (fault !== undefined) throw fault
      calls.push([name, ...parts.filter((part) => typeof part !== 'function')])
    }
  const replica = {
    write: note('write'),
    read: note('read'),
    administer: note('administer'),
    init: note('init'),
    takeSnapshot: note('snapshot'),
    beforeTurn: (run: () => void) => turns.push(run),
    fail: (error: Error) => faults.push(error),
  } as unknown as Replica
  const actor = new RaftActor(replica, capacity)
  const reply = (error: Error | undefined): void => {
    answers.push(error !== undefined && 'code' in error ? String(error.code) : 'ok')
  }
  return { actor, calls, turns, answers, faults, reply }
}

describe('RaftActor', () => {
  test('send: hands each message to the replica in its turn, in order', () => {
    const { actor, calls, turns, answers, reply } = bench()
    const self = { id: 1, endpointId: 'k', addresses: [] }
    const request = { op: 'add-learner', nodeId: 2, endpointId: null } as const
    const messages: RaftActorMessage[] = [
      { type: 'init', voters: [1], clusterId: 'c1', self, deadline: 1, reply },
      { type: 'write', envelope: Uint8Array.of(1), deadline: 2, reply },
      { type: 'read', deadline: 3, reply },
      { type: 'administer', request, deadline: 4, reply },
      { type: 'snapshot', reply },
    ]
    for (const message of messages) actor.send(message)
    assert.deepEqual([calls, actor.status.depth], [[], 5])
    for (const turn of turns) turn()
    assert.deepEqual(calls, [
      ['init', [1], 'c1', self, 1],
      ['write', Uint8Array.of(1), 2],
      ['read', 3],
      ['administer', request, 4],
      ['snapshot'],
    ])
    assert.deepEqual(answers, [], 'the replica answers, not the actor')
  })

  test('send: a message that finds the mailbox full is answered with OVERLOADED at once', () => {
    const { actor, calls, turns, answers, reply } = bench(1)
    actor.send({ type: 'read', deadline: 1, reply })
    actor.send({ type: 'read', deadline: 2, reply })
    assert.deepEqual([answers, actor.status.refused], [['OVERLOADED'], 1])
    turns[0]?.()
    assert.deepEqual(calls, [['read', 1]])
  })

  test('send: data that fills the mailbox leaves room for administration, and that room is bounded', () => {
    const { actor, calls, turns, answers, reply } = bench(2)
    for (let i = 0; i < 3; i++) actor.send({ type: 'read', deadline: 1, reply })
    assert.deepEqual(answers, ['OVERLOADED'])
    const request = { op: 'add-learner', nodeId: 2, endpointId: null } as const
    for (let i = 0; i < MAX_ADMIN_REQUESTS; i++) actor.send({ type: 'administer', request, deadline: 1, reply })
    assert.equal(answers.length, 1)
    actor.send({ type: 'snapshot', reply })
    actor.send({ type: 'read', deadline: 1, reply })
    assert.equal(answers.length, 3)
    turns[0]?.()
    assert.equal(calls.filter(([name]) => name === 'administer').length, MAX_ADMIN_REQUESTS)
  })

  test('send: after a fault every message is answered with POISONED', () => {
    const { actor, turns, answers, faults, reply } = bench(10, new Error('boom'))
    actor.send({ type: 'read', deadline: 1, reply })
    turns[0]?.()
    assert.deepEqual(
      faults.map((error) => error.message),
      ['boom'],
    )
    actor.send({ type: 'read', deadline: 2, reply })
    assert.deepEqual([answers, actor.status.faulty], [['POISONED'], true])
  })
})
