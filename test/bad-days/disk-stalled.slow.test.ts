/** The disk of a real leader hangs for seconds: another leads soon, and the node comes back when the disk does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Fleet } from '../chaos/fleet.ts'
import { eventually } from '../cluster/nodes.ts'
import { assertKept, health, put, raftFacts } from './disk-requests.ts'
import { Volumes } from './disk-volumes.ts'

const MIB = 1024 * 1024
const STALL_MS = 8_000
const LEADER_TIMEOUT_MS = 15_000

interface Writer {
  readonly acknowledged: ReadonlyMap<string, string>
  /** Ends it, and says how long nothing was acknowledged at most. */
  stop(): Promise<number>
}

/** Writes one after the other through a node that is sound. */
function startWriter(url: string): Writer {
  const acknowledged = new Map<string, string>()
  let running = true
  let last = performance.now()
  let longestGapMs = 0
  const run = async (): Promise<void> => {
    for (let i = 0; running; i++) {
      const refusal = await put(url, `key-${i}`, String(i)).catch(() => null)
      if (refusal !== undefined) continue
      acknowledged.set(`key-${i}`, String(i))
      longestGapMs = Math.max(longestGapMs, performance.now() - last)
      last = performance.now()
      await delay(5)
    }
  }
  const done = run()
  return {
    acknowledged,
    stop: async () => {
      running = false
      await done
      return longestGapMs
    },
  }
}

const cases = [
  { what: 'the log', folder: 'node-1/log' },
  { what: 'everything', folder: 'node-1' },
] as const

for (const { what, folder } of cases) {
  test(`the disk under ${what} of the leader hangs for 8 s: another leads after one election or two, and the node follows afterwards`, async () => {
    const volumes = new Volumes()
    try {
      const volume = volumes.ext4(folder, 192 * MIB)
      const more = ['--log-level', 'warn']
      const fleet = await Fleet.start(3, { dataDir: (id) => volumes.folder(`node-${id}`), more })
      try {
        assert.equal(await fleet.settledLeader(LEADER_TIMEOUT_MS), 1)
        const [stalled, witness] = fleet.nodes as [(typeof fleet.nodes)[number], (typeof fleet.nodes)[number]]
        const elections = async (): Promise<number> => {
          const facts = await Promise.all(fleet.nodes.map(({ url }) => raftFacts(url)))
          return facts.reduce((sum, { elections_started }) => sum + elections_started, 0)
        }
        const before = await elections()
        const { term } = await raftFacts(witness.url)
        const writer = startWriter(witness.url)
        await delay(500)
        volume.freeze()
        await delay(STALL_MS)
        assert.notEqual((await raftFacts(witness.url)).leader, 1)
        volume.thaw()
        await eventually('the node follows', async () => (await health(stalled.url))?.ready)
        await delay(2_000)
        const gapMs = await writer.stop()
        const after = { elections: (await elections()) - before, terms: (await raftFacts(witness.url)).term - term }
        console.log(
          `${what} hung for ${STALL_MS} ms: ${writer.acknowledged.size} writes, longest gap ${gapMs.toFixed(0)} ms, ` +
            `${after.elections} elections, ${after.terms} terms`,
        )
        assert.ok(gapMs < STALL_MS / 2, `no write was acknowledged for ${gapMs.toFixed(0)} ms of a stall of ${STALL_MS} ms`)
        assert.ok(after.terms >= 1 && after.terms <= 2, `${after.terms} terms went by: a storm of elections`)
        fleet.assertRunning()
        if (what === 'the log')
          assert.match(fleet.output(1), /the log has not synced for an election timeout: handing leadership over/)
        await eventually('the node has caught up', async () => {
          const [own, theirs] = await Promise.all([raftFacts(stalled.url), raftFacts(witness.url)])
          return own.applied_index >= theirs.applied_index
        })
        const sample = new Map([...writer.acknowledged].filter((_, i) => i % 10 === 0))
        await assertKept([stalled.url, witness.url], sample)
      } finally {
        volume.thaw()
        await fleet.stop()
      }
    } finally {
      volumes.unmount()
    }
  })
}
