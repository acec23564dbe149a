import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '@number0/iroh/index.js'
import { WorkerDials } from './worker-dials.ts'
import type { Dial } from './worker-dials.ts'

const dial = (id: number, address = '127.0.0.1:1'): Dial => ({
  type: 'dial',
  id,
  endpointId: 'ab'.repeat(32),
  protocol: 'aspen/raft/1',
  addresses: [address],
  relay: null,
})

/** Attempts that end when the test says so. */
function world(): {
  readonly dials: WorkerDials
  readonly attempts: PromiseWithResolvers<Connection>[]
  readonly events: string[]
  readonly connection: () => Connection
} {
  const attempts: PromiseWithResolvers<Connection>[] = []
  const events: string[] = []
  const dials = new WorkerDials({
    connect: () => {
      const attempt = Promise.withResolvers<Connection>()
      attempts.push(attempt)
      return attempt.promise
    },
    connected: ({ id }) => events.push(`connected ${id}`),
    failed: ({ id }, message) => events.push(`failed ${id}: ${message}`),
  })
  const connection = (): Connection => ({ close: () => events.push('closed') }) as unknown as Connection
  return { dials, attempts, events, connection }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('WorkerDials: a dial takes over the attempt of one that was given up', async () => {
  const { dials, attempts, events, connection } = world()
  dials.begin(dial(2))
  dials.giveUp(2)
  dials.begin(dial(4))
  assert.equal(attempts.length, 1)
  attempts[0]?.resolve(connection())
  await settle()
  assert.deepEqual(events, ['connected 4'])
})

test('WorkerDials: each dial has a connection of its own', async () => {
  const { dials, attempts, events, connection } = world()
  dials.begin(dial(2))
  dials.begin(dial(4))
  attempts[0]?.resolve(connection())
  await settle()
  assert.equal(attempts.length, 2)
  attempts[1]?.resolve(connection())
  await settle()
  assert.deepEqual(events, ['connected 2', 'connected 4'])
})

test('WorkerDials: a connection that nobody waits for any more is closed', async () => {
  const { dials, attempts, events, connection } = world()
  dials.begin(dial(2))
  dials.giveUp(2)
  attempts[0]?.resolve(connection())
  await settle()
  assert.deepEqual(events, ['closed'])
})

test('WorkerDials: who waits for an attempt hears of its failure in a line, and the next dial is another attempt', async () => {
  const { dials, attempts, events } = world()
  dials.begin(dial(2))
  dials.begin(dial(4))
  dials.begin(dial(6, '127.0.0.1:2'))
  attempts[0]?.reject(new Error('no way (src/a.rs:1:2)\nStack backtrace:\n  0: main'))
  await settle()
  assert.deepEqual(events, ['failed 2: no way', 'failed 4: no way'])
  dials.begin(dial(8))
  assert.equal(attempts.length, 3)
})
