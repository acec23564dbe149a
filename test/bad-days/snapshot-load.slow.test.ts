import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { quantile } from '../../bench/measure.ts'
import { MAX_SNAPSHOT_SIZE } from '../../src/limits.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import { fillStore, KeepAliveClient, SteadyWrites } from './snapshot-clients.ts'
import type { Fill, TimedWrite } from './snapshot-clients.ts'
import { Newcomer } from './snapshot-newcomer.ts'
import { statusOf, until } from './snapshot-status.ts'

const WRITES_PER_SECOND = 500
const WARM_UP_MS = 2_000
/** Several checkpoints long: what they cost is no snapshot's doing. */
const BASELINE_MS = 16_000
const PAUSE_MS = 3_000
const SETTLE_TIMEOUT_MS = 30_000
const TRANSFER_TIMEOUT_MS = 60_000
/** A write may not wait longer because of a snapshot. */
const MAX_WAIT_MS = 100

interface Phase {
  readonly name: string
  readonly from: number
  readonly to: number
}

async function phaseOf(name: string, run: () => Promise<unknown>): Promise<Phase> {
  const from = performance.now()
  await run()
  return { name, from, to: performance.now() }
}

/** The longest wait of the writes that were due in a phase, after a line about all of them. */
function longestWait(phase: Phase, writes: readonly TimedWrite[]): number {
  const { name, from, to } = phase
  const latencies = writes.filter(({ at }) => at >= from && at < to).map(({ latencyMs }) => latencyMs)
  const at = (share: number): string => quantile(latencies, share).toFixed(1)
  const seconds = ((to - from) / 1000).toFixed(1)
  console.log(
    `  ${name}: ${seconds} s, ${latencies.length} writes, p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, max ${at(1)} ms`,
  )
  return quantile(latencies, 1)
}

async function joins(newcomer: Newcomer, url: string): Promise<void> {
  const added = await request('POST', `${url}/add-learner`, { node_id: newcomer.id })
  assert.equal(added.status, 200, JSON.stringify(added.body))
  await until('the newcomer to hold what the leader has', TRANSFER_TIMEOUT_MS, async () => {
    const [its, leaders] = [await statusOf(newcomer.url), await statusOf(url)]
    return its.snapshots_installed > 0 && its.applied_index > leaders.applied_index - WRITES_PER_SECOND
  })
}

async function measure(fill: Omit<Fill, 'url' | 'prefix'>): Promise<void> {
  const client = new KeepAliveClient()
  const fleet = await Fleet.start(3)
  let newcomer: Newcomer | undefined
  try {
    const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
    const url = fleet.nodes.find(({ id }) => id === leader)?.url as string
    await fillStore(client, { ...fill, url, prefix: 'k-' })
    const { keys, state_bytes, snapshot_index, purged_index } = await statusOf(url)
    console.log(`${keys} keys of ${state_bytes} bytes; ${(100 * (state_bytes + 64 * keys)) / MAX_SNAPSHOT_SIZE} % of the quota`)
    assert.deepEqual([snapshot_index, purged_index > 0], [0, true], 'there is no snapshot yet, and the log alone is not enough')
    const joined = (newcomer = await Newcomer.start(4, fleet.nodes))
    const writes = new SteadyWrites(client, url, WRITES_PER_SECOND)
    writes.start()
    await delay(WARM_UP_MS)
    const phases = [
      await phaseOf('no snapshot', () => delay(BASELINE_MS)),
      await phaseOf('one is taken because a newcomer needs it, sent and installed', () => joins(joined, url)),
      await phaseOf('no snapshot', () => delay(PAUSE_MS)),
      await phaseOf('one is taken by /trigger-snapshot on every node', () =>
        Promise.all(
          [...fleet.nodes.map((node) => node.url), joined.url].map(async (at) => {
            const { status, text } = await client.post(`${at}/trigger-snapshot`, {})
            assert.equal(status, 200, text)
          }),
        ),
      ),
      await phaseOf('afterwards', () => delay(PAUSE_MS)),
    ]
    await writes.stop()
    assert.deepEqual(writes.refusals, [])
    const waits = phases.map((phase) => longestWait(phase, writes.done))
    for (const [i, wait] of waits.entries()) assert.ok(wait <= MAX_WAIT_MS, `${phases[i]?.name}: a write waited ${wait} ms`)
    assert.equal((await statusOf(url)).elections_started <= 1, true, 'the leader stayed')
  } finally {
    client.close()
    await newcomer?.stop()
    await fleet.stop()
  }
}

test('a store full of keys: no write waits 100 ms for a snapshot that is taken, sent and installed', { timeout: 170_000 }, () =>
  measure({ keys: 950_000, valueSize: 20, perCommand: 30 }),
)

test('a store full of bytes: no write waits 100 ms for a snapshot that is taken, sent and installed', { timeout: 170_000 }, () =>
  measure({ keys: 780, valueSize: 128 * 1024, perCommand: 1 }),
)
