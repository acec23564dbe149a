import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { checkLinearizable } from '../linearizability/index.ts'
import { Fleet } from './fleet.ts'
import type { FleetNode } from './fleet.ts'
import { lengthMs, longestGap } from './gaps.ts'
import { Load } from './load.ts'
import { assertSameState } from './same-state.ts'

const HOLDS_SECONDS = [1, 2, 5, 10, 20]
const CLIENTS = 16
const KEYS = Array.from({ length: 10 }, (_, i) => `key-${i}`)
const STEADY_MS = 1_000
/** Clients that waited longer would all end up at the node that is held. */
const PATIENCE_MS = 500
const SETTLE_TIMEOUT_MS = 30_000
/** How long an awakened node is asked again and again. */
const AFTER_WAKING_MS = 1_000
/** The longest election timeout, twice: the others have elected and serve after this. */
const ELECTED_MS = 6_000

/** A client that knows only this node: reads that wait in its sockets when it wakes, and more as fast as they are answered. */
async function readAtOnce(load: Load, { id, url }: FleetNode): Promise<number> {
  const end = performance.now() + AFTER_WAKING_MS
  const answered = await Promise.all(
    KEYS.map(async (key, i) => {
      let count = 0
      do {
        if (await load.read(1_000 * id + i, url, key)) count++
      } while (performance.now() < end)
      return count
    }),
  )
  return answered.reduce((sum, count) => sum + count, 0)
}

/** Holds the leader, wakes it with questions at its door, and says what was seen. */
async function holdLeader(fleet: Fleet, load: Load, seconds: number): Promise<string> {
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  assert.ok(leader !== undefined, 'no leader that all nodes know')
  await delay(STEADY_MS)
  const from = performance.now()
  fleet.signal(leader, 'SIGSTOP')
  await delay(seconds * 1_000)
  const acknowledged = load.acknowledged.filter((at) => at > from).length
  const reads = readAtOnce(load, fleet.nodes[leader - 1] as FleetNode)
  fleet.signal(leader, 'SIGCONT')
  const to = performance.now()
  const answered = await reads
  assert.ok(answered > 0, `node ${leader} answered no read after ${seconds} s of being held`)
  const now = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  assert.ok(now !== undefined, `no leader that all nodes know after node ${leader} was held for ${seconds} s`)
  const gapMs = lengthMs(longestGap(load.acknowledged, from, to + AFTER_WAKING_MS))
  if (seconds * 1_000 > ELECTED_MS) {
    assert.ok(now !== leader, `node ${leader} still leads after ${seconds} s of silence`)
    assert.ok(gapMs < ELECTED_MS, `the others acknowledged nothing for ${gapMs.toFixed(0)} ms while the leader was held`)
  }
  return `${acknowledged} writes meanwhile, longest gap ${gapMs.toFixed(0)} ms, then ${answered} reads of it; node ${leader} led, now node ${now}`
}

function judge(load: Load): void {
  const verdict = checkLinearizable(load.history)
  assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
}

test(
  'a leader that stood still: gives no stale read when it goes on, loses no write, and is replaced when it stands too long',
  { timeout: 240_000 },
  async (context) => {
    const fleet = await Fleet.start(3)
    const load = new Load({
      urls: fleet.nodes.map(({ url }) => url),
      clients: CLIENTS,
      keys: KEYS,
      seed: 2,
      patienceMs: PATIENCE_MS,
    })
    try {
      load.start()
      for (const seconds of HOLDS_SECONDS) {
        await context.test(`for ${seconds} s`, async () => {
          console.log(`held for ${seconds} s: ${await holdLeader(fleet, load, seconds)}`)
          judge(load)
        })
      }
      await load.stop()
      for (const { id, url } of fleet.nodes) {
        for (const key of KEYS) assert.ok(await load.read(5_000 + id, url, key), `node ${id} does not serve ${key}`)
      }
      await assertSameState(fleet.nodes)
      judge(load)
      const { ok, failed, unknown } = load.counts
      console.log(`${ok} operations succeeded, ${failed} failed, ${unknown} of unknown outcome`)
    } finally {
      await load.stop()
      await fleet.stop()
    }
  },
)
