/** A cluster whose hosts reach each other through a relay alone. Run by relay.slow.test.ts, in a network namespace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectHttp } from '../../src/client/index.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { RelayHosts } from './relay-hosts.ts'
import type { RelayHost } from './relay-hosts.ts'

const WAIT_MS = 60_000
const POLL_MS = 100

async function pathsOf({ url }: RelayHost): Promise<readonly unknown[]> {
  const { body } = await request('GET', `${url}/node-info`)
  const { peers } = body as { readonly peers: readonly { readonly connected: boolean; readonly path: string | null }[] }
  return peers.filter(({ connected }) => connected).map(({ path }) => path)
}

/** A write that may have to wait for the cluster to find itself again. */
async function writeAt({ url }: RelayHost, key: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  const client = connectHttp(url)
  try {
    for (;;) {
      try {
        await client.write({ Set: { key, value: 'x' } })
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
        await delay(POLL_MS)
      }
    }
  } finally {
    client.close()
  }
}

test('aspen-node --transport auto: three hosts that reach a relay alone are a cluster, and again when the relay was away', async () => {
  const world = await RelayHosts.start('auto')
  try {
    for (const host of world.hosts) {
      await writeAt(host, `from-${host.nodeId}`)
      assert.deepEqual(await pathsOf(host), ['iroh-relay', 'iroh-relay'])
    }
    await world.stopRelay()
    const [first] = world.hosts as readonly [RelayHost]
    const deadline = performance.now() + WAIT_MS
    while ((await pathsOf(first)).length > 0) {
      assert.ok(performance.now() < deadline, 'the links are not given up')
      await delay(POLL_MS)
    }
    world.startRelay()
    for (const host of world.hosts) await writeAt(host, `again-from-${host.nodeId}`)
  } finally {
    await world.stop()
  }
})
