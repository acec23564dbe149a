/** One node of three has no space left, for each kind of file: what it does, what it says, and how it comes back. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fleet } from '../chaos/fleet.ts'
import { eventually } from '../cluster/nodes.ts'
import { assertKept, get, health, metric, post, put } from './disk-requests.ts'
import { Volumes } from './disk-volumes.ts'
import type { Volume } from './disk-volumes.ts'

const MIB = 1024 * 1024
const LEADER = 1
const VICTIM = 3
const VALUE = 'v'.repeat(200_000)

describe('a follower without space', () => {
  const volumes = new Volumes()
  const acknowledged = new Map<string, string>()
  let fleet: Fleet
  let root: Volume
  let log: Volume
  let state: Volume
  let snapshots: Volume
  let written = 0

  const url = (id: number): string => fleet.nodes[id - 1]?.url ?? ''

  /** Writes through the leader, whose disk is sound: none may be refused. */
  async function write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const key = `key-${++written}`
      assert.equal(await put(url(LEADER), key, VALUE), undefined, 'the cluster refuses writes because one disk is full')
      acknowledged.set(key, VALUE)
    }
  }

  async function comesBack(): Promise<void> {
    fleet.run(VICTIM)
    await eventually('the node is ready again', async () => (await health(url(VICTIM)))?.ready)
    await assertKept([url(VICTIM)], acknowledged)
  }

  before(async () => {
    root = volumes.tmpfs('node-3', 8 * MIB)
    log = volumes.tmpfs('node-3/log', 64 * MIB)
    state = volumes.tmpfs('node-3/state', 128 * MIB)
    snapshots = volumes.tmpfs('node-3/snapshots', 64 * MIB)
    const victim = root.directory
    const more = ['--log-level', 'info']
    fleet = await Fleet.start(3, { dataDir: (id) => (id === VICTIM ? victim : volumes.folder(`node-${id}`)), more })
    await write(5)
  })

  after(async () => {
    await fleet?.stop()
    volumes.unmount()
  })

  test('any volume nearly full: the node says so, and neither it nor the cluster refuses writes', async () => {
    for (const volume of [root, log, state, snapshots]) {
      volume.fill(1024)
      await eventually('the node reports it', async () => (await health(url(VICTIM)))?.checks['disk']?.ok === false)
      const { status, ready, checks } = (await health(url(VICTIM))) ?? assert.fail('the node does not answer')
      assert.deepEqual([status, ready], ['degraded', true])
      assert.match(checks['disk']?.detail ?? '', new RegExp(`the volume of ${volume.directory} is .* % full: free space`))
      assert.equal(await metric(url(VICTIM), 'aspen_disk_low'), 1)
      volume.free()
      await eventually('the report ends', async () => (await health(url(VICTIM)))?.checks['disk']?.ok)
    }
  })

  test('no space for a snapshot: whoever asked is told, and the node goes on; with space it is taken', async () => {
    snapshots.fill()
    const refusal = await post(`${url(VICTIM)}/trigger-snapshot`, {})
    assert.deepEqual([refusal?.status, refusal?.code], [507, 'DISK_FULL'])
    assert.match(
      refusal?.message ?? '',
      new RegExp(`no space for the snapshot ${snapshots.directory}/.*free space on its volume`),
    )
    await write(2)
    await assertKept([url(VICTIM)], acknowledged)
    snapshots.free()
    assert.equal(await post(`${url(VICTIM)}/trigger-snapshot`, {}), undefined)
  })

  test('no space for the peer book: the node says so and goes on with it in memory, and writes it with the next change', async () => {
    root.fill()
    const peer = (id: number): object => ({
      node_id: id,
      endpoint_id: String(id).repeat(64),
      addresses: ['127.0.0.1:1'],
      relay: null,
    })
    for (const id of [7, 8]) assert.equal(await post(`${url(VICTIM)}/add-peer`, peer(id)), undefined)
    await eventually('the log says it', () =>
      /"file":"[^"]*peers\.json","reason":"ENOSPC.*the peer book could not be written/.test(fleet.output(VICTIM)),
    )
    await write(2)
    root.free()
    assert.equal(await post(`${url(VICTIM)}/add-peer`, peer(9)), undefined)
    await assertKept([url(VICTIM)], acknowledged)
  })

  test('no space for the state: the node stops itself and says which file and what to do; with space it is back', async () => {
    state.fill()
    await write(10)
    const { how, output } = await fleet.ended(VICTIM)
    assert.equal(how, 'exited with 70')
    assert.match(
      output,
      new RegExp(`the state database ${state.directory}/state-1.db cannot be used: .*its volume is full: free space there`),
    )
    await write(2)
    await refusesToStart(new RegExp(`${state.directory}/state-1.db cannot be used: .*its volume is full`))
    state.free()
    await comesBack()
  })

  test('no space for the log: the node stops itself and says which file and what to do; with space it is back', async () => {
    log.fill()
    await eventually('the log needs its next segment', async () => {
      await write(5)
      return (await health(url(VICTIM))) === undefined
    })
    const { how, output } = await fleet.ended(VICTIM)
    assert.equal(how, 'exited with 70')
    assert.match(output, new RegExp(`${join(log.directory, 'log-spare')} failed: ENOSPC.*its volume is full: free space there`))
    await write(5)
    log.free()
    await comesBack()
  })

  test('no space for the log, freed before the next segment is needed: the node goes on', async () => {
    log.fill()
    await write(30)
    log.free()
    await write(60)
    await eventually('the node has followed', async () => (await get(url(VICTIM), `key-${written}`)) === VALUE)
    fleet.assertRunning()
    await assertKept(
      fleet.nodes.map((node) => node.url),
      acknowledged,
    )
  })

  /** It may come as far as serving before it needs the space. */
  async function refusesToStart(reason: RegExp): Promise<void> {
    fleet.run(VICTIM)
    const { how, output } = await fleet.ended(VICTIM)
    assert.match(how, /exited with (1|70)/)
    assert.match(output, reason)
  }
})
