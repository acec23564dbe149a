import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { errorOf, request } from '../../tools/cluster/http-json.ts'
import { Fleet } from './fleet.ts'
import { countSyncs, durableDescriptors, PtraceForbidden, traceWrites } from './strace.ts'
import type { SyscallTrace } from './strace.ts'

const PUTS = 1000
const SETTLE_TIMEOUT_MS = 30_000

async function attach(fleet: Fleet): Promise<SyscallTrace[]> {
  return Promise.all(fleet.nodes.map(({ id, plan }) => traceWrites(fleet.pid(id), `${plan.dataDir}.strace`)))
}

async function put(url: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const answer = await request('POST', `${url}/write`, { command: { Set: { key: `key-${i % 10}`, value: `value-${i}` } } })
    assert.equal(errorOf(answer), undefined, JSON.stringify(answer.body))
  }
}

async function countOn(fleet: Fleet, context: TestContext): Promise<readonly number[] | undefined> {
  let traces: SyscallTrace[]
  try {
    traces = await attach(fleet)
  } catch (error) {
    if (!(error instanceof PtraceForbidden)) throw error
    context.skip(`ptrace is not allowed on this machine, so nobody can count syncs: ${error.message}`)
    return undefined
  }
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  await put(fleet.nodes.find(({ id }) => id === leader)?.url ?? '', PUTS)
  return Promise.all(
    fleet.nodes.map(async ({ id, plan }, i) => {
      const log = join(plan.dataDir, 'log')
      const durable = durableDescriptors(fleet.pid(id), log)
      const lines = await (traces[i] as SyscallTrace).stop()
      rmSync(`${plan.dataDir}.strace`)
      return countSyncs(lines, log, durable)
    }),
  )
}

// Of two voters both must have synced a write before it is acknowledged: neither can share a sync between two of them.
test(
  'a cluster of two: syncs the log of both nodes for each of 1,000 sequential writes',
  { timeout: 180_000 },
  async (context) => {
    const fleet = await Fleet.start(2)
    try {
      const counts = await countOn(fleet, context)
      if (counts === undefined) return
      console.log(`${PUTS} sequential writes; syncs of the log on each node: ${counts.join(', ')}`)
      for (const count of counts) assert.ok(count >= PUTS, `${count} syncs for ${PUTS} writes`)
    } finally {
      await fleet.stop()
    }
  },
)
