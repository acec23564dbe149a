import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Fleet } from './fleet.ts'
import { RetryingClients } from './retrying-clients.ts'
import { assertKept, assertSameState } from './same-state.ts'

/** The leader before the cut and the two others, in the orders in which they die and come back. */
const ORDERS = [
  ['leader', 'one', 'other'],
  ['leader', 'other', 'one'],
  ['one', 'leader', 'other'],
  ['other', 'leader', 'one'],
  ['one', 'other', 'leader'],
  ['other', 'one', 'leader'],
] as const
type Order = (typeof ORDERS)[number]

const CLIENTS = 16
const LOAD_MS = 1_000
const SETTLE_TIMEOUT_MS = 30_000
const POLL_MS = 10

async function inOrder(fleet: Fleet, order: Order): Promise<readonly number[]> {
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  assert.ok(leader !== undefined, `no leader that all nodes know within ${SETTLE_TIMEOUT_MS} ms`)
  const [one, other] = fleet.nodes.map(({ id }) => id).filter((id) => id !== leader) as [number, number]
  const ids = { leader, one, other }
  return order.map((role) => ids[role])
}

/** Waits until writes are acknowledged again, by clients that have been trying all the while. */
async function acknowledgedAgain(clients: RetryingClients, before: number): Promise<number> {
  const end = performance.now() + SETTLE_TIMEOUT_MS
  for (;;) {
    const first = clients.acknowledged[before]
    if (first !== undefined) return first
    assert.ok(performance.now() < end, `two of three nodes are up, and in ${SETTLE_TIMEOUT_MS} ms no write is acknowledged`)
    await delay(POLL_MS)
  }
}

/** Kills all: at the same moment, or one when the one before is gone, so that the last is alone for a while. */
async function cutPower(fleet: Fleet, ids: readonly number[], atOnce: boolean): Promise<void> {
  if (atOnce) await Promise.all(ids.map((id) => fleet.kill(id)))
  else for (const id of ids) await fleet.kill(id)
}

/** One cut: the first two go on by themselves, and the third comes back to what they have written meanwhile. */
async function cutAndReturn(fleet: Fleet, order: Order, atOnce: boolean): Promise<string> {
  const urls = fleet.nodes.map(({ url }) => url)
  const clients = new RetryingClients({ urls, clients: CLIENTS, distinctKeys: true, readBack: false })
  const [first, second, third] = (await inOrder(fleet, order)) as [number, number, number]
  clients.start()
  try {
    await delay(LOAD_MS)
    await cutPower(fleet, [first, second, third], atOnce)
    const before = clients.acknowledged.length
    const back = performance.now()
    fleet.run(first)
    fleet.run(second)
    const waitedMs = (await acknowledgedAgain(clients, before)) - back
    fleet.run(third)
    await clients.stop()
    assert.ok((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) !== undefined, 'not all nodes serve again')
    assertKept(await assertSameState(fleet.nodes), clients.values)
    return `${clients.values.size} writes kept, ${before} of them from before; the first one ${waitedMs.toFixed(0)} ms after two were started`
  } finally {
    await clients.stop()
  }
}

for (const atOnce of [true, false]) {
  test(
    `a cluster of three: holds every acknowledged write once after all nodes were killed ${atOnce ? 'at the same moment' : 'one after the other'}, in whatever order they come back`,
    { timeout: 180_000 },
    async (context) => {
      const fleet = await Fleet.start(3)
      try {
        for (const order of ORDERS) {
          await context.test(`in the order ${order.join(', ')}`, async () => {
            console.log(`${order.join(', ')}: ${await cutAndReturn(fleet, order, atOnce)}`)
          })
        }
      } finally {
        await fleet.stop()
      }
    },
  )
}
