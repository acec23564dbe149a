import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LOG_RETAINED_BYTES, LOG_SEGMENT_SIZE } from '../../src/limits.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'
import { fillKey, fillStore, KeepAliveClient } from './snapshot-clients.ts'
import { Newcomer } from './snapshot-newcomer.ts'
import { sameState, statusOf, until } from './snapshot-status.ts'

const SETTLE_TIMEOUT_MS = 30_000
const CATCH_UP_TIMEOUT_MS = 60_000
/** A program that asks a node for its health every five seconds finds it there at the second time. */
const MAX_START_MS = 5_000
const VALUE_SIZE = 64 * 1024
/** Segments beside those that hold what is retained: the one that is written, and the one made ready. */
const SPARE_SEGMENTS = 3

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

async function leaderOf(fleet: Fleet): Promise<FleetNode> {
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  return fleet.nodes.find(({ id }) => id === leader) as FleetNode
}

async function overwrite(client: KeepAliveClient, url: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { status, text } = await client.post(`${url}/write`, {
      command: { Set: { key: fillKey('k-', i % 100), value: 'w'.repeat(VALUE_SIZE) } },
    })
    assert.equal(status, 200, text)
  }
}

test(
  'a node that was away: comes back by log when it lacks little, by snapshot when the log is purged, and the log is short on all nodes',
  { timeout: 170_000 },
  async () => {
    const client = new KeepAliveClient()
    const fleet = await Fleet.start(3)
    try {
      const leader = await leaderOf(fleet)
      const away = fleet.nodes.find(({ id }) => id !== leader.id) as FleetNode
      const urls = fleet.nodes.map(({ url }) => url)
      await overwrite(client, leader.url, 100)

      await fleet.kill(away.id)
      await overwrite(client, leader.url, 200)
      fleet.run(away.id)
      await fleet.settledLeader(SETTLE_TIMEOUT_MS)
      await sameState(urls, CATCH_UP_TIMEOUT_MS)
      assert.equal((await statusOf(away.url)).snapshots_installed, 0, 'it lacked 13 MB, which the log still held')

      await fleet.kill(away.id)
      const written = 3 * LOG_RETAINED_BYTES
      await overwrite(client, leader.url, written / VALUE_SIZE)
      const { body } = await request('POST', `${leader.url}/trigger-snapshot`, { timeout_ms: 60_000 })
      console.log(JSON.stringify(body))
      await until('the log to be purged', SETTLE_TIMEOUT_MS, async () => {
        return (await statusOf(leader.url)).log_bytes <= LOG_RETAINED_BYTES + SPARE_SEGMENTS * LOG_SEGMENT_SIZE
      })
      fleet.run(away.id)
      await fleet.settledLeader(SETTLE_TIMEOUT_MS)
      await sameState(urls, CATCH_UP_TIMEOUT_MS)
      assert.equal((await statusOf(away.url)).snapshots_installed, 1, 'it lacked 192 MB, which the log held no more')
      for (const { id, plan } of fleet.nodes) {
        const bytes = bytesIn(join(plan.dataDir, 'log'))
        console.log(`node ${id}: ${bytes} bytes of log on disk`)
        assert.ok(bytes <= LOG_RETAINED_BYTES + SPARE_SEGMENTS * LOG_SEGMENT_SIZE, `node ${id} keeps ${bytes} bytes of log`)
      }
    } finally {
      client.close()
      await fleet.stop()
    }
  },
)

test(
  'a large store: a killed receiver of it and a killed leader are there again within seconds',
  { timeout: 170_000 },
  async () => {
    const client = new KeepAliveClient()
    const fleet = await Fleet.start(1)
    let newcomer: Newcomer | undefined
    try {
      const [only] = fleet.nodes as [FleetNode]
      await fillStore(client, { url: only.url, keys: 950_000, valueSize: 20, perCommand: 20, prefix: 'k-' })
      await client.post(`${only.url}/trigger-snapshot`, { timeout_ms: 60_000 })
      newcomer = await Newcomer.start(2, fleet.nodes)
      const joined = newcomer
      await request('POST', `${only.url}/add-learner`, { node_id: 2 })
      const snapshots = join(joined.dataDir, 'snapshots')
      const hasPart = (): boolean => readdirSync(snapshots).some((name) => name.endsWith('.partial'))
      await until('a part of the snapshot', CATCH_UP_TIMEOUT_MS, async () => hasPart() && bytesIn(snapshots) > 10_000_000)
      await joined.kill()
      assert.ok(hasPart(), 'it was killed in the middle')
      await joined.restart()
      assert.equal((await statusOf(joined.url)).keys, 0, 'half a snapshot is no state')
      await until('the snapshot', CATCH_UP_TIMEOUT_MS, async () => (await statusOf(joined.url)).snapshots_installed === 1)
      const counted = await sameState([only.url, joined.url], CATCH_UP_TIMEOUT_MS)
      assert.equal(counted.keys, 950_000)
      const leftovers = readdirSync(snapshots).filter((name) => !name.endsWith('.snapshot'))
      const states = readdirSync(join(joined.dataDir, 'state')).filter(
        (name) => name.endsWith('.db') || name.includes('building'),
      )
      assert.deepEqual([leftovers, states.length], [[], 1], 'nothing is left of the first half, nor of the state before')

      const before = await statusOf(only.url)
      await fleet.kill(only.id)
      const from = performance.now()
      fleet.run(only.id)
      await until('the node to answer', CATCH_UP_TIMEOUT_MS, async () => {
        return request('GET', `${only.url}/health`).then(
          ({ status }) => status === 200,
          () => false,
        )
      })
      const startMs = performance.now() - from
      await fleet.settledLeader(SETTLE_TIMEOUT_MS)
      const log = bytesIn(join(only.plan.dataDir, 'log'))
      console.log(
        `${before.keys} keys, ${before.state_bytes} bytes, ${log} bytes of log with ${before.last_log_index - before.purged_index} entries: healthy ${startMs.toFixed(0)} ms after its start, leading after ${(performance.now() - from).toFixed(0)} ms`,
      )
      assert.ok(startMs < MAX_START_MS, `${startMs} ms`)
      assert.equal((await statusOf(only.url)).keys, before.keys)
    } finally {
      client.close()
      await newcomer?.stop()
      await fleet.stop()
    }
  },
)
