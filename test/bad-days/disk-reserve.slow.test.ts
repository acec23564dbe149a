/** A volume that fills up under writes, and one that something else fills: growth is refused before it is full. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fleet } from '../chaos/fleet.ts'
import { eventually } from '../cluster/nodes.ts'
import { assertKept, get, health, metric, put, remove } from './disk-requests.ts'
import { Volumes } from './disk-volumes.ts'

const MIB = 1024 * 1024
const VALUE = 'v'.repeat(100_000)
const MAX_WRITES = 2000

/** Calls `run` with 0 to `count` - 1, `width` at a time. */
async function inParallel(count: number, width: number, run: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

test('a volume fills up: growth is refused with 507 before it is full, deletes and reads pass', async () => {
  const volumes = new Volumes()
  try {
    const volume = volumes.tmpfs('node-1', 1312 * MIB)
    volume.fill(200 * MIB)
    const fleet = await Fleet.start(1, { dataDir: () => volume.directory, more: ['--log-level', 'info'] })
    try {
      const [{ url }] = fleet.nodes as [(typeof fleet.nodes)[number]]
      const acknowledged = new Map<string, string>()
      let refusal
      for (let i = 0; refusal === undefined && i < MAX_WRITES; i++) {
        const key = `key-${i}`
        refusal = await put(url, key, VALUE)
        if (refusal === undefined) acknowledged.set(key, VALUE)
      }
      console.log(`${acknowledged.size} writes of 100 KB, then refused with the volume at ${volume.usedPercent.toFixed(1)} %`)
      assert.equal(refusal?.status, 507)
      assert.equal(refusal.code, 'DISK_FULL')
      assert.match(
        refusal.message,
        new RegExp(`the volume of ${volume.directory} on node \\d+, the leader, is \\d+(\\.\\d)? % full`),
      )
      assert.match(refusal.message, /free space on it or enlarge it, and writes pass again by themselves/)
      assert.ok(volume.freeBytes > 0, 'nothing was left')

      const state = await health(url)
      assert.deepEqual([state?.status, state?.ready, state?.checks['disk']?.ok], ['degraded', true, false])
      assert.equal(await metric(url, 'aspen_disk_low'), 1)
      assert.ok((await metric(url, 'aspen_disk_refused_writes_total')) >= 1)
      assert.match(fleet.output(1), /a volume of this node is nearly full/)

      await assertKept([url], acknowledged)
      for (const key of [...acknowledged.keys()].slice(0, 20)) {
        assert.equal(await remove(url, key), undefined, `deleting ${key} is refused`)
        acknowledged.delete(key)
      }
      assert.equal(await get(url, 'key-0'), undefined)
      await assertKept([url], acknowledged)
    } finally {
      await fleet.stop()
    }
  } finally {
    volumes.unmount()
  }
})

test('the reserve of a volume of 1.3 GB: lasts for ten thousand deletes', async () => {
  const volumes = new Volumes()
  try {
    const volume = volumes.tmpfs('node-1', 1312 * MIB)
    volume.fill(200 * MIB)
    const fleet = await Fleet.start(1, { dataDir: () => volume.directory, more: ['--log-level', 'warn'] })
    try {
      const [{ url }] = fleet.nodes as [(typeof fleet.nodes)[number]]
      let written = 0
      while ((await put(url, `key-${written}`, VALUE)) === undefined) assert.ok(written++ < MAX_WRITES)
      const before = volume.freeBytes
      await inParallel(10_000, 32, async (i) => assert.equal(await remove(url, `key-${i}`), undefined))
      fleet.assertRunning()
      assert.equal(await get(url, 'key-0'), undefined)
      assert.doesNotMatch(fleet.output(1), /is small/)
      const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MB`
      console.log(`${written} keys deleted, and as many again: ${mib(before)} free before, ${mib(volume.freeBytes)} after`)
    } finally {
      await fleet.stop()
    }
  } finally {
    volumes.unmount()
  }
})

test('something else fills the volume: growth is refused within seconds, and passes again by itself once it is freed', async () => {
  const volumes = new Volumes()
  try {
    const volume = volumes.tmpfs('node-1', 128 * MIB)
    const fleet = await Fleet.start(1, { dataDir: () => volume.directory, more: ['--log-level', 'info'] })
    try {
      const [{ url }] = fleet.nodes as [(typeof fleet.nodes)[number]]
      assert.equal(await put(url, 'k', 'before'), undefined)
      for (let round = 0; round < 2; round++) {
        volume.fill(4 * MIB)
        await eventually('growth is refused', async () => (await put(url, 'k', 'meanwhile'))?.code === 'DISK_FULL')
        assert.equal(await remove(url, 'gone'), undefined)
        assert.notEqual(await get(url, 'k'), undefined)
        volume.free()
        await eventually('growth passes again', async () => (await put(url, 'k', `after ${round}`)) === undefined)
        assert.equal(await get(url, 'k'), `after ${round}`)
      }
      assert.equal((await health(url))?.status, 'healthy')
      assert.equal(await metric(url, 'aspen_disk_low'), 0)
      assert.match(fleet.output(1), /the volumes of this node have room again/)
      assert.match(fleet.output(1), /a volume of this node is small/)
    } finally {
      await fleet.stop()
    }
  } finally {
    volumes.unmount()
  }
})
