/** A backup is one consistent cut with all that was acknowledged; whatever is wrong with it is found; a cluster that is restored from it has exactly that. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Backup } from '../../src/api/index.ts'
import { connectHttp } from '../../src/client/index.ts'
import { AspenNode, restore, saveBackup, verifyBackup } from '../../src/cluster/index.ts'
import type { RestoreOptions } from '../../src/cluster/index.ts'
import { MAX_STATE_COPIES, REVISION_JUMP } from '../../src/limits.ts'
import { eventually, formThree, rejectsWith, testNodes, text } from './nodes.ts'
import type { TestNodes } from './nodes.ts'

const NEW_ID = 'cd'.repeat(16)

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function bytesOf(backup: Backup): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of backup) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function options(nodes: TestNodes, id: number, from: string, more: Partial<RestoreOptions> = {}): RestoreOptions {
  return {
    config: { dataDir: nodes.directory(id), nodeId: id, storageBackend: 'Sqlite' },
    from,
    drawClusterId: () => NEW_ID,
    now: () => Date.UTC(2026, 0, 2),
    say: () => undefined,
    ...more,
  }
}

async function alone(nodes: TestNodes, settings: Parameters<TestNodes['start']>[1] = {}): Promise<AspenNode> {
  const node = await nodes.start(1, settings)
  await node.init([1])
  return node
}

test('backup: taken at a follower while pairs are written, it has both or none of each, and every one that was acknowledged before', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const follower = all.find((node) => node.status().role !== 'leader') as AspenNode
  const folder = temporary(t)
  let written = 0
  let isOver = false
  const writing = (async (): Promise<void> => {
    while (!isOver) {
      const value = String(written + 1)
      await all[0].write({
        SetMulti: {
          pairs: [
            ['left', value],
            ['right', value],
            [`n${value}`, value],
          ],
        },
      })
      written++
    }
  })()
  await eventually('some are written', () => written > 20)
  const acknowledged = written
  const path = join(folder, 'a.backup')
  const found = await saveBackup(await follower.backup(), path)
  isOver = true
  await writing
  assert.equal(found.header.local, false)
  assert.deepEqual(found.header.voters, [1, 2, 3])
  await restore(options(nodes, 7, path))
  const restored = await nodes.start(7)
  await eventually('it leads', () => restored.status().role === 'leader')
  const left = text((await restored.read('left'))?.value)
  assert.equal(text((await restored.read('right'))?.value), left)
  assert.ok(Number(left) >= acknowledged, `${left} of ${acknowledged}`)
  assert.equal(restored.status().keys, 2 + Number(left))
  assert.equal(restored.status().clusterId, NEW_ID)
  await restored.write({ Set: { key: 'after', value: 'v' } })
  assert.ok(((await restored.read('after'))?.modRevision ?? 0) > REVISION_JUMP)
  // It can grow.
  const second = await nodes.start(8)
  await nodes.introduce(restored, second)
  await restored.addLearner(8)
  await restored.changeMembership({ members: [7, 8] })
  assert.equal(text((await second.read('left'))?.value), left)
})

test('backup: at a follower that has not heard yet what was committed, it waits for that', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const leader = all.find((node) => node.status().role === 'leader') as AspenNode
  const follower = all.find((node) => node !== leader) as AspenNode
  const folder = temporary(t)
  for (let i = 1; i <= 10; i++) {
    await leader.write({ Set: { key: `k${i}`, value: 'v' } })
    const { keys } = await saveBackup(await follower.backup(), join(folder, `${i}`))
    assert.equal(keys, i)
  }
})

test('verifyBackup: finds every byte that is another, and every cut', async (t) => {
  const nodes = testNodes(t)
  const node = await alone(nodes)
  await node.write({ Set: { key: 'k', value: 'v'.repeat(300) } })
  const bytes = await bytesOf(await node.backup())
  const folder = temporary(t)
  const path = join(folder, 'b')
  const attempt = async (content: Uint8Array): Promise<void> => {
    writeFileSync(path, content)
    await verifyBackup(path)
  }
  await attempt(bytes)
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at)
    await assert.rejects(attempt(flipped), /cannot be used: .*(at byte|ends at byte|another state|damaged)/, `byte ${at}`)
    await assert.rejects(attempt(bytes.subarray(0, at)), /it ends at byte \d+, in its/, `cut at ${at}`)
  }
  await assert.rejects(attempt(Buffer.concat([bytes, Buffer.from('x')])), /bytes follow its end/)
})

test('GET /admin/backup: streams what the library gives; one that is not read to the end is let go of', async (t) => {
  const nodes = testNodes(t)
  const started = await AspenNode.start(
    {
      nodeId: 1,
      dataDir: nodes.directory(1),
      cookie: 'test-cookie',
      enableMdns: false,
      ractorPort: 0,
      httpAddr: { host: '127.0.0.1', port: 0 },
    },
    { http: true },
  )
  t.after(() => started.stop())
  const url = started.httpUrl as string
  const client = connectHttp(url)
  t.after(() => client.close())
  await rejectsWith('NOT_INITIALIZED', client.backup())
  await started.init([1])
  for (let i = 0; i < 40; i++) await started.write({ Set: { key: `k${i}`, value: 'x'.repeat(100_000) } })
  const folder = temporary(t)
  const found = await saveBackup(await client.backup(), join(folder, 'b'))
  assert.equal(found.keys, 40)
  const response = await fetch(`${url}/admin/backup`)
  assert.match(
    response.headers.get('content-disposition') ?? '',
    /^attachment; filename="aspen-[0-9a-f]{8}-\d+-\d{8}T\d{6}Z\.backup"$/,
  )
  assert.equal(Number(response.headers.get('content-length')), (await response.arrayBuffer()).byteLength)
  assert.equal((await fetch(`${url}/admin/backup`, { method: 'HEAD' })).status, 200)
  assert.equal((await fetch(`${url}/admin/backup?local=maybe`)).status, 400)
  assert.equal((await fetch(`${url}/admin/backup?lokal=true`)).status, 400)
  const held = []
  for (let i = 0; i < MAX_STATE_COPIES; i++) held.push(await started.backup())
  await rejectsWith('OVERLOADED', client.backup())
  await rejectsWith('OVERLOADED', started.backup())
  for (const one of held) one.close()
  await eventually('there is room again', async () => {
    const backup = await started.backup().catch(() => undefined)
    backup?.close()
    return backup !== undefined
  })
  // Broken off in the middle: nothing is left under the name.
  const broken = await client.backup()
  const cut = (async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of broken) {
      yield chunk
      return
    }
  })()
  await assert.rejects(saveBackup(cut, join(folder, 'cut')), /it is not all of a backup/)
  assert.deepEqual(readdirSync(folder), ['b'])
  await assert.rejects(saveBackup(await started.backup(), join(folder, 'b')), /is there already/)
})

test('backup: without a leader there is one of the node alone, which says so', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  await one.write({ Set: { key: 'k', value: 'v' } })
  await eventually('all have it', () => [two, three].every((node) => node.status().keys === 1))
  await Promise.all([two.stop(), three.stop()])
  await eventually('node 1 follows nobody', () => one.status().leader === null)
  await rejectsWith('NO_LEADER', one.backup({ timeoutMs: 300 }))
  const found = await saveBackup(await one.backup({ local: true }), join(temporary(t), 'b'))
  assert.deepEqual([found.header.local, found.keys], [true, 1])
})

test('restore: refuses a directory that holds a node and a backup that is damaged, and changes nothing; cut short, it goes on', async (t) => {
  const nodes = testNodes(t)
  const node = await alone(nodes)
  await node.write({ Set: { key: 'k', value: 'v' } })
  const path = join(temporary(t), 'b')
  await saveBackup(await node.backup(), path)
  await assert.rejects(restore(options(nodes, 1, path)), /is in use by another node.*Nothing was changed/)
  await node.stop()
  await assert.rejects(restore(options(nodes, 1, path)), /holds a node already.*Nothing was changed/)
  const damaged = readFileSync(path)
  damaged.writeUInt8(damaged.readUInt8(700) ^ 1, 700)
  writeFileSync(`${path}-damaged`, damaged)
  await assert.rejects(restore(options(nodes, 2, `${path}-damaged`)), /cannot be restored: at byte \d+: .*Nothing was changed/)
  assert.deepEqual(
    readdirSync(nodes.directory(2)).filter((name) => !name.startsWith('LOCK')),
    [],
  )
  const steps: string[] = []
  await restore(options(nodes, 3, path, { before: (step) => steps.push(step) }))
  for (const [cut] of steps.entries()) {
    rmSync(nodes.directory(3), { recursive: true })
    let seen = 0
    const before = (step: string): void => {
      if (seen++ === cut) throw new Error(`interrupted: ${step}`)
    }
    await assert.rejects(restore(options(nodes, 3, path, { before })), /interrupted/)
    if (existsSync(join(nodes.directory(3), 'found-anew.json'))) await rejectsWith('CANNOT_START', nodes.start(3))
    await restore(options(nodes, 3, path))
    assert.ok(existsSync(join(nodes.directory(3), 'snapshots')))
    assert.ok(!readdirSync(nodes.directory(3)).some((name) => name.startsWith('found-anew')))
  }
  const restored = await nodes.start(3)
  await eventually('it leads', () => restored.status().role === 'leader')
  assert.equal(text((await restored.read('k'))?.value), 'v')
})
