/** Writes and syncs that fail with EIO, in one node of three: it stops itself, the others go on, and it comes back. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fleet } from '../chaos/fleet.ts'
import { eventually } from '../cluster/nodes.ts'
import { injectErrors } from './disk-injection.ts'
import type { Injection } from './disk-injection.ts'
import { assertKept, health, post, put } from './disk-requests.ts'

const LEADER_TIMEOUT_MS = 15_000

describe('a disk that fails', () => {
  const acknowledged = new Map<string, string>()
  let fleet: Fleet
  let written = 0

  const urlOf = (id: number): string => fleet.nodes[id - 1]?.url ?? ''
  const dataDirOf = (id: number): string => fleet.nodes[id - 1]?.plan.dataDir ?? ''

  async function leader(): Promise<number> {
    return (await fleet.settledLeader(LEADER_TIMEOUT_MS)) ?? assert.fail('no leader')
  }

  async function follower(): Promise<number> {
    const leads = await leader()
    return fleet.nodes.find(({ id }) => id !== leads)?.id ?? 0
  }

  /** One write; what has no answer in time may or may not have happened. */
  async function write(via: number): Promise<boolean> {
    const key = `key-${++written}`
    const refusal = await put(urlOf(via), key, `value-${written}`).catch(() => null)
    if (refusal === undefined) acknowledged.set(key, `value-${written}`)
    return refusal === undefined
  }

  /** Plants the fault, has the node meet it, and follows it until it is back. */
  async function suffers(victim: number, injection: Injection, meet: () => Promise<unknown>, says: RegExp): Promise<void> {
    const witness = fleet.nodes.find(({ id }) => id !== victim)?.id ?? 0
    const stopInjection = await injectErrors(fleet.pid(victim), injection)
    try {
      const ended = fleet.ended(victim)
      await meet()
      const { how, output } = await ended
      assert.equal(how, 'exited with 70')
      assert.match(output, /the node is poisoned: it takes no further part/)
      assert.match(output, says)
    } finally {
      await stopInjection()
    }
    await eventually('the others go on', () => write(witness))
    fleet.run(victim)
    await eventually('the node is ready again', async () => (await health(urlOf(victim)))?.ready)
    await assertKept(
      fleet.nodes.map(({ url }) => url),
      acknowledged,
    )
  }

  before(async () => {
    fleet = await Fleet.start(3)
    for (let i = 0; i < 50; i++) assert.ok(await write(1))
  })
  after(() => fleet?.stop())

  test('a write to the log of the leader fails: it stops itself, and another leads', async () => {
    const victim = await leader()
    const folder = join(dataDirOf(victim), 'log')
    const files = readdirSync(folder).map((name) => join(folder, name))
    await suffers(
      victim,
      { files, calls: ['pwrite64'], error: 'EIO' },
      () => write(victim),
      /writing \d+ bytes at \d+ of \S+\.segment failed: EIO.*the disk under it fails: look into the kernel log/,
    )
  })

  test('a write to the log of a follower fails: it stops itself', async () => {
    const victim = await follower()
    const folder = join(dataDirOf(victim), 'log')
    const files = readdirSync(folder).map((name) => join(folder, name))
    const via = await leader()
    await suffers(
      victim,
      { files, calls: ['pwrite64'], error: 'EIO' },
      async () => assert.ok(await write(via), 'one disk of three fails, and a write through the leader is refused'),
      /writing \d+ bytes at \d+ of \S+\.segment failed: EIO/,
    )
  })

  test('a write to the state fails: the node stops itself, and rebuilds what is lacking from the log', async () => {
    const victim = await follower()
    const via = await leader()
    const files = ['state-1.db-wal', 'state-1.db'].map((name) => join(dataDirOf(victim), 'state', name))
    await suffers(
      victim,
      { files, calls: ['pwrite64'], error: 'EIO' },
      () => write(via),
      /the state database \S+\/state-1\.db cannot be used: disk I\/O error; the disk under it fails: look into the kernel log/,
    )
  })

  test('a checkpoint cannot be synced: the node stops itself', async () => {
    const victim = await follower()
    const files = ['state-1.db-wal', 'state-1.db'].map((name) => join(dataDirOf(victim), 'state', name))
    await suffers(
      victim,
      { files, calls: ['fdatasync', 'fsync'], error: 'EIO' },
      async () => {
        await write(victim)
        await post(`${urlOf(victim)}/trigger-snapshot`, {}).catch(() => undefined)
      },
      /the state database \S+\/state-1\.db cannot be used: disk I\/O error; the disk under it fails/,
    )
  })

  test('a snapshot cannot be synced: the node stops itself', async () => {
    const victim = await follower()
    const files = [join(dataDirOf(victim), 'snapshots', 'local-1.tmp')]
    await suffers(
      victim,
      { files, calls: ['fsync', 'fdatasync'], error: 'EIO' },
      async () => {
        await write(victim)
        await post(`${urlOf(victim)}/trigger-snapshot`, {}).catch(() => undefined)
      },
      /syncing the snapshot \S+\/local-1\.tmp failed: EIO.*the disk under it fails: look into the kernel log/,
    )
  })
})
