/** No node has space, and a node that is to start has none: what is said, and that nothing is lost. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fleet } from '../chaos/fleet.ts'
import { eventually } from '../cluster/nodes.ts'
import { startChild, stopChildren } from '../../tools/cluster/child.ts'
import { LOOPBACK, nodeCommand } from '../../tools/cluster/node-plan.ts'
import { freePorts } from '../../tools/cluster/ports.ts'
import { assertKept, get, health, post, put, remove } from './disk-requests.ts'
import type { Refusal } from './disk-requests.ts'
import { Volumes } from './disk-volumes.ts'

const MIB = 1024 * 1024
const KIB = 1024
const VALUE = 'v'.repeat(50_000)
const STOP_MS = 10_000

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('every volume fills up completely under writes: what was acknowledged is there once there is space', async () => {
  const volumes = new Volumes()
  try {
    const byNode = [1, 2, 3].map((id) => volumes.tmpfs(`node-${id}`, 128 * MIB))
    const fleet = await Fleet.start(3, { dataDir: (id) => byNode[id - 1]?.directory ?? '', more: ['--log-level', 'warn'] })
    try {
      const acknowledged = new Map<string, string>()
      const gone = new Set<string>()
      const [{ url: anyUrl }] = fleet.nodes as [(typeof fleet.nodes)[number]]
      const outcomeOf = async (request: Promise<Refusal | undefined>): Promise<string> =>
        request.then(
          (refusal) => refusal?.code ?? 'ok',
          () => 'no answer',
        )
      const write = async (key: string): Promise<string> => {
        const outcome = await outcomeOf(put(anyUrl, key, VALUE))
        if (outcome === 'ok') acknowledged.set(key, VALUE)
        return outcome
      }
      for (let i = 0; i < 200; i++) assert.equal(await write(`key-${i}`), 'ok')
      // To the last byte, and deletes, which nothing refuses, go on.
      for (const volume of byNode) volume.fill()
      const outcomes = new Map<string, number>()
      for (let i = 0; i < 200; i++) {
        const outcome = await outcomeOf(remove(anyUrl, `key-${i}`))
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        acknowledged.delete(`key-${i}`)
        if (outcome === 'ok') gone.add(`key-${i}`)
        if (outcome === 'no answer') break
      }
      console.log(
        `deletes with every volume full to the last byte: ${[...outcomes].map(([what, count]) => `${count} x ${what}`).join(', ')}`,
      )
      // The state is written a second after it was changed, and the writes may have been faster.
      const anyEnded = async (): Promise<boolean> => fleet.nodes.some(({ id }) => !isAlive(fleet.pid(id)))
      await eventually('a node has run out of space', anyEnded)
      for (const volume of byNode) volume.free()
      // What a service manager does with a node that has ended.
      let restarts = 0
      const startAgain = async (id: number): Promise<void> => {
        const { how, output } = await fleet.ended(id)
        assert.equal(how, 'exited with 70')
        assert.match(output, /its volume is full: free space there, then start the node again/)
        fleet.run(id)
        restarts++
      }
      await eventually('every node is ready', async () => {
        for (const { id } of fleet.nodes) if (!isAlive(fleet.pid(id))) await startAgain(id)
        return (await Promise.all(fleet.nodes.map(async ({ url }) => (await health(url))?.ready))).every(Boolean)
      })
      assert.ok(restarts > 0, 'a node that had ended was not started again')
      await eventually('writes pass again', async () => (await write('afterwards')) === 'ok')
      await assertKept(
        fleet.nodes.map(({ url }) => url),
        acknowledged,
      )
      for (const { url } of fleet.nodes) for (const key of gone) assert.equal(await get(url, key), undefined, `${key} at ${url}`)
      console.log(
        `${restarts} nodes stopped themselves and came back; ${acknowledged.size} keys there, ${gone.size} gone as acknowledged`,
      )
    } finally {
      await fleet.stop()
    }
  } finally {
    volumes.unmount()
  }
})

test('every volume is nearly full: growth is refused at every node, deletes pass, and writes pass once there is space', async () => {
  const volumes = new Volumes()
  try {
    const byNode = [1, 2, 3].map((id) => volumes.tmpfs(`node-${id}`, 128 * MIB))
    const fleet = await Fleet.start(3, { dataDir: (id) => byNode[id - 1]?.directory ?? '', more: ['--log-level', 'warn'] })
    try {
      const urls = fleet.nodes.map(({ url }) => url)
      for (const url of urls) assert.equal(await put(url, url, VALUE), undefined)
      for (const volume of byNode) volume.fill(4 * MIB)
      for (const url of urls)
        await eventually('growth is refused', async () => (await put(url, 'more', VALUE))?.code === 'DISK_FULL')
      for (const url of urls) assert.equal(await remove(url, url), undefined)
      for (const url of urls) assert.equal(await get(url, urls[0] as string), undefined)
      for (const volume of byNode) volume.free()
      for (const url of urls) await eventually('growth passes', async () => (await put(url, 'more', VALUE)) === undefined)
      fleet.assertRunning()
    } finally {
      await fleet.stop()
    }
  } finally {
    volumes.unmount()
  }
})

test('a first start without space: ends with 1 and says which file and what to do, and the next start with space works', async () => {
  const volumes = new Volumes()
  try {
    const [httpPort, ractorPort] = (await freePorts(LOOPBACK, 2)) as [number, number]
    // From no byte for the identity, over the state's database, to the log's first segment that does not fit behind it.
    for (const leaveBytes of [0, 4 * KIB, 12 * KIB, 24 * KIB, 64 * KIB, 512 * KIB, MIB, MIB + 12 * KIB, MIB + 24 * KIB]) {
      const volume = volumes.tmpfs(`node-${leaveBytes}`, 32 * MIB)
      const command = nodeCommand({
        nodeId: 1,
        httpPort,
        ractorPort,
        dataDir: join(volume.directory, 'data'),
        storage: 'Sqlite',
        cookie: [],
        peers: [],
        more: ['--log-level', 'error'],
      })
      volume.fill(leaveBytes)
      const first = startChild('a node without space', command, ['ignore', 'pipe', 'pipe'])
      assert.equal(await first.exit, 'exited with 1', `with ${leaveBytes} bytes: ${first.output()}`)
      assert.match(
        first.output(),
        new RegExp(`${volume.directory}.* its volume is full: free space there`),
        `with ${leaveBytes} bytes`,
      )
      volume.free()
      const second = startChild('the same node', command, ['ignore', 'pipe', 'pipe'])
      try {
        const url = `http://${LOOPBACK}:${httpPort}`
        await eventually(`it serves: ${second.output()}`, () => health(url))
        assert.equal(await post(`${url}/init`, { members: [1] }), undefined)
        assert.equal(await put(url, 'k', 'v'), undefined)
      } finally {
        await stopChildren([second], STOP_MS)
      }
    }
  } finally {
    volumes.unmount()
  }
})
