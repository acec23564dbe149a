import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Fleet } from './fleet.ts'
import { lengthMs, longestGap } from './gaps.ts'
import { RetryingClients } from './retrying-clients.ts'
import { assertKept, assertSameState } from './same-state.ts'

const ROUNDS = 3
const CLIENTS = 32
const STEADY_MS = 500
const SETTLE_TIMEOUT_MS = 30_000

/** When a node was told to stop, had stopped and was started, and served again with all others. */
interface Restart {
  readonly id: number
  readonly told: number
  readonly started: number
  readonly settled: number
}

/** Stops one node as a service manager does, starts it again, and waits until all serve. */
async function restart(fleet: Fleet, id: number): Promise<Restart> {
  await delay(STEADY_MS)
  const told = performance.now()
  const how = await fleet.end(id, 'SIGTERM')
  assert.equal(how, 'exited with 0', `node ${id} was asked to stop`)
  await delay(STEADY_MS)
  const started = performance.now()
  fleet.run(id)
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  assert.ok(leader !== undefined, `not all nodes serve ${SETTLE_TIMEOUT_MS} ms after node ${id} came back`)
  return { id, told, started, settled: performance.now() }
}

function describeRestart({ id, told, started, settled }: Restart, { acknowledged }: RetryingClients): string {
  const [stopMs, startMs] = [longestGap(acknowledged, told, started), longestGap(acknowledged, started, settled)].map(lengthMs)
  return `node ${id}: longest gap between acknowledgements ${stopMs?.toFixed(0)} ms as it stops, ${startMs?.toFixed(0)} ms as it starts`
}

test(
  'a cluster of three: is restarted node by node under load without one failed request, write lost, or write done twice, for clients that retry',
  { timeout: 180_000 },
  async () => {
    const fleet = await Fleet.start(3)
    const urls = fleet.nodes.map(({ url }) => url)
    const clients = new RetryingClients({ urls, clients: CLIENTS, distinctKeys: true, readBack: true })
    try {
      clients.start()
      for (let round = 0; round < ROUNDS; round++) {
        for (const { id } of fleet.nodes) console.log(describeRestart(await restart(fleet, id), clients))
      }
      await clients.stop()
      assert.deepEqual(clients.failures, [])
      assertKept(await assertSameState(fleet.nodes), clients.values)
      console.log(`${ROUNDS * urls.length} restarts under ${clients.values.size} writes, all kept`)
    } finally {
      await clients.stop()
      await fleet.stop()
    }
  },
)
