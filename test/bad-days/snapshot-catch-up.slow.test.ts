import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import { fillStore, KeepAliveClient } from './snapshot-clients.ts'
import { Newcomer } from './snapshot-newcomer.ts'
import { statusOf, until } from './snapshot-status.ts'

const SETTLE_TIMEOUT_MS = 30_000
const CATCH_UP_TIMEOUT_MS = 90_000
const CLIENTS = 32
/** Entries that a node which keeps up may be behind at any moment. */
const KEEPS_UP_ENTRIES = 1_000

interface Busy {
  /** Resolves with the number of writes when all are answered. */
  stop(): Promise<number>
}

/** Clients that write as fast as they are answered, until they are told to stop. */
function writeWithoutPause(client: KeepAliveClient, url: string): Busy {
  let running = true
  let count = 0
  const writer = async (): Promise<void> => {
    while (running) {
      const command = { Set: { key: `busy-${count++ % 5000}`, value: 'b'.repeat(100) } }
      const { status, text } = await client.post(`${url}/write`, { command })
      assert.equal(status, 200, text)
    }
  }
  const writers = Promise.all(Array.from({ length: CLIENTS }, () => writer()))
  return {
    async stop() {
      running = false
      await writers
      return count
    },
  }
}

test(
  'a newcomer to a large, busy store: catches up with one snapshot, because the log waits for it',
  { timeout: 170_000 },
  async () => {
    const client = new KeepAliveClient()
    const fleet = await Fleet.start(3)
    let newcomer: Newcomer | undefined
    let busy: Busy | undefined
    try {
      const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
      const url = fleet.nodes.find(({ id }) => id === leader)?.url as string
      await fillStore(client, { url, keys: 700_000, valueSize: 20, perCommand: 22, prefix: 'k-' })
      const joined = (newcomer = await Newcomer.start(4, fleet.nodes))
      busy = writeWithoutPause(client, url)
      const from = performance.now()
      const before = await statusOf(url)
      const added = await request('POST', `${url}/add-learner`, { node_id: 4 })
      assert.equal(added.status, 200, JSON.stringify(added.body))
      const after = await until('the newcomer to keep up', CATCH_UP_TIMEOUT_MS, async () => {
        const [of4, ofLeader] = [await statusOf(joined.url), await statusOf(url)]
        return of4.applied_index > ofLeader.applied_index - KEEPS_UP_ENTRIES && ofLeader
      })
      const seconds = ((performance.now() - from) / 1000).toFixed(1)
      const sent = after.snapshots_sent - before.snapshots_sent
      console.log(`caught up in ${seconds} s with ${sent} snapshots, during ${await busy.stop()} writes`)
      assert.equal(sent, 1, 'one snapshot is enough')
    } finally {
      await busy?.stop()
      client.close()
      await newcomer?.stop()
      await fleet.stop()
    }
  },
)
