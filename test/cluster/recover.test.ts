/** What is left of a cluster founds a new one; whoever may not, does not, and no interruption leaves half of it. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { completeConfig, FoundingError, recover, rejoin } from '../../src/cluster/index.ts'
import type { RecoverOptions } from '../../src/cluster/index.ts'
import { openDurableHome } from '../../src/cluster/stores/index.ts'
import { silentLogger } from '../../src/ports/index.ts'
import { LogFolder } from '../bad-days/log-folder.ts'
import { REVISION_JUMP } from '../../src/limits.ts'
import { eventually, formThree, rejectsWith, testNodes, text } from './nodes.ts'
import type { TestNodes } from './nodes.ts'

const NEW_ID = 'ab'.repeat(16)
const FOUNDED_AT = Date.UTC(2026, 0, 2, 3, 4, 5)

function options(nodes: TestNodes, id: number, more: Partial<RecoverOptions> = {}): RecoverOptions {
  return {
    config: { dataDir: nodes.directory(id), nodeId: id, storageBackend: 'Sqlite', peers: [] },
    evenIfOthersRun: false,
    evenALearner: false,
    confirm: ({ clusterId }) => Promise.resolve(clusterId),
    drawClusterId: () => NEW_ID,
    now: () => FOUNDED_AT,
    say: () => undefined,
    ...more,
  }
}

const KEYS = 20
const REMEMBERED = { Set: { key: 'once', value: 'v' } }
const ORIGIN = { client: 'a client', sequence: 1 }

async function withWrites(nodes: TestNodes): Promise<AspenNode[]> {
  const three = await formThree(nodes)
  for (let i = 0; i < KEYS; i++) await three[0].write({ Set: { key: `k${i}`, value: `v${i}` } })
  await three[0].write(REMEMBERED, { origin: ORIGIN })
  return three
}

/** Node 1 is all that is left of three, at rest. */
async function survivor(t: TestContext): Promise<{ nodes: TestNodes; clusterId: string; endpointId: string }> {
  const nodes = testNodes(t)
  const [one, two, three] = (await withWrites(nodes)) as [AspenNode, AspenNode, AspenNode]
  const clusterId = one.status().clusterId as string
  // What the two acknowledge without it is lost; what it has in its log is not.
  await eventually('node 1 has everything', () => one.status().lastLogIndex >= two.status().lastLogIndex)
  await Promise.all([two.stop(), three.stop(), one.stop()])
  for (const id of [2, 3]) rmSync(nodes.directory(id), { recursive: true })
  return { nodes, clusterId, endpointId: one.endpointId }
}

async function assertHasAll(node: AspenNode): Promise<void> {
  for (let i = 0; i < KEYS; i++) assert.equal(text((await node.read(`k${i}`))?.value), `v${i}`)
}

test('recover: of three disks of which two burnt, the third has a cluster again, and others join', async (t) => {
  const { nodes, clusterId, endpointId } = await survivor(t)
  const said: string[] = []
  await recover(options(nodes, 1, { say: (line) => said.push(line) }))
  assert.match(said.join('\n'), /kept in .*set-aside-1/)
  assert.ok(existsSync(join(nodes.directory(1), 'set-aside-1', 'log')))
  assert.ok(!readdirSync(nodes.directory(1)).some((name) => name.startsWith('found-anew')))
  const one = await nodes.start(1)
  await eventually('it leads', () => one.status().role === 'leader')
  const status = one.status()
  assert.equal(status.clusterId, NEW_ID)
  assert.notEqual(NEW_ID, clusterId)
  assert.notEqual(one.endpointId, endpointId)
  assert.deepEqual(status.cluster.members, [1])
  await assertHasAll(one)
  await one.write({ Set: { key: 'after', value: 'v' } })
  const revision = (await one.read('after'))?.modRevision ?? 0
  assert.ok(revision > REVISION_JUMP, `revision ${revision}`)
  assert.ok(((await one.read('k3'))?.modRevision ?? 0) < REVISION_JUMP, 'what was not changed since has the revision that it had')
  const { logId } = await one.write({ Set: { key: 'after', value: 'v2' } })
  assert.ok(logId.index > REVISION_JUMP, `no position in the log is given twice: ${logId.index}`)
  // A client that had no answer asks again: what was done is not done twice, and another command under its number is none.
  const changedAt = (await one.read('once'))?.modRevision
  await one.write(REMEMBERED, { origin: ORIGIN })
  assert.equal((await one.read('once'))?.modRevision, changedAt)
  await rejectsWith('SEQUENCE_REUSED', one.write({ Set: { key: 'once', value: 'w' } }, { origin: ORIGIN }))
  const [two, three] = await Promise.all([nodes.start(2), nodes.start(3)])
  await nodes.introduce(one, two, three)
  await one.addLearner(2)
  await one.addLearner(3)
  await one.changeMembership({ members: [1, 2, 3] })
  await one.stop()
  await eventually(
    'the others go on',
    async () => (await two.write({ Set: { key: 'x', value: 'y' } }).catch(() => undefined)) !== undefined,
  )
  await assertHasAll(three)
})

test('recover: of two voters one is enough, and what was never known to be committed counts', async (t) => {
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1), nodes.start(2)])
  await nodes.introduce(one, two)
  await one.init([1])
  await one.addLearner(2)
  await one.changeMembership({ members: [1, 2] })
  await one.write({ Set: { key: 'both', value: 'v' } })
  const leader = await eventually('somebody leads', () => [one, two].find((node) => node.status().role === 'leader'))
  const other = leader === one ? two : one
  await other.stop()
  // Its leader writes it to its own log, and nobody acknowledges it.
  await rejectsWith('OUTCOME_UNKNOWN', leader.write({ Set: { key: 'unsure', value: 'v' } }, { timeoutMs: 200 }))
  await leader.stop()
  rmSync(nodes.directory(other.nodeId), { recursive: true })
  const confirm: RecoverOptions['confirm'] = ({ clusterId, last, appliedIndex, membership }) => {
    assert.ok(last.index > appliedIndex)
    assert.deepEqual(membership.voters, [1, 2])
    return Promise.resolve(clusterId)
  }
  await recover(options(nodes, leader.nodeId, { confirm }))
  const alone = await nodes.start(leader.nodeId)
  await eventually('it leads', () => alone.status().role === 'leader')
  assert.equal(text((await alone.read('both'))?.value), 'v')
  assert.equal(text((await alone.read('unsure'))?.value), 'v')
})

test('recover: a member of the old cluster is refused by the new one, and says why', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = (await withWrites(nodes)) as [AspenNode, AspenNode, AspenNode]
  const { clusterId } = one.status()
  await Promise.all([one.stop(), two.stop(), three.stop()])
  await recover(options(nodes, 1))
  const founder = await nodes.start(1)
  await eventually('it leads', () => founder.status().role === 'leader')
  const [old, other] = await Promise.all([nodes.start(2), nodes.start(3)])
  await nodes.introduce(founder, old)
  await nodes.introduce(old, other)
  const why = `CLUSTER_MISMATCH: .*${NEW_ID} was founded anew from ${clusterId} by node 1 at 2026-01-02T03:04:05.000Z`
  for (const [told, by] of [
    [old, founder],
    [founder, old],
  ] as const) {
    const lastError = (): string | null | undefined =>
      told.status().peers.find(({ endpointId }) => endpointId === by.endpointId)?.lastError
    await eventually(`node ${told.nodeId} is told`, () => lastError()?.startsWith('CLUSTER_MISMATCH') === true)
    assert.match(lastError() ?? '', new RegExp(why))
  }
  await eventually('the old ones lead themselves', async () => (await old.read('k0').catch(() => undefined)) !== undefined)
  assert.equal(old.status().clusterId, clusterId)
  assert.deepEqual(founder.status().cluster.members, [1])
  await rejectsWith('CLUSTER_MISMATCH', founder.addLearner(2))
})

/** @returns why it was refused, and that nothing was changed */
async function refused(nodes: TestNodes, id: number, more: Partial<RecoverOptions> = {}): Promise<string> {
  const before = readdirSync(nodes.directory(id)).toSorted()
  const error = await recover(options(nodes, id, more)).then(
    () => assert.fail('it recovered'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof FoundingError, String(error))
  assert.match(error.message, /[Nn]othing was changed/)
  assert.deepEqual(readdirSync(nodes.directory(id)).toSorted(), before)
  return error.message
}

test('recover: is refused where it is not meant, and changes nothing then', async (t) => {
  const { nodes, clusterId } = await survivor(t)
  assert.match(await refused(nodes, 1, { confirm: () => Promise.resolve(null) }), /not confirmed/)
  assert.match(await refused(nodes, 1, { confirm: () => Promise.resolve('f'.repeat(32)) }), new RegExp(clusterId))
  const { config } = options(nodes, 1)
  assert.match(await refused(nodes, 1, { config: { ...config, storageBackend: 'InMemory' } }), /keeps nothing on disk/)
  assert.match(await refused(nodes, 1, { config: { ...config, nodeId: 2 } }), /is that of node 1/)
  await assert.rejects(recover(options(nodes, 9)), /there is no data directory/)
  // The survivor is as it was: it starts, and waits for the others.
  const one = await nodes.start(1)
  assert.equal(one.status().clusterId, clusterId)
  await assert.rejects(recover(options(nodes, 1)), /is in use by another node.*Nothing was changed/)
})

test('recover: a member that runs where only the settings know it is seen all the same, by its key', async (t) => {
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1), nodes.start(2)])
  await nodes.introduce(one, two)
  await one.init([1])
  await one.addLearner(2)
  await one.changeMembership({ members: [1, 2] })
  await Promise.all([one.stop(), two.stop()])
  rmSync(join(nodes.directory(1), 'peers.json'))
  const moved = await nodes.start(2)
  const peer = { nodeId: 2, endpointId: two.endpointId, addresses: [...moved.status().addresses] }
  const config = { ...options(nodes, 1).config, peers: [peer] }
  assert.match(
    await refused(nodes, 1, { config }),
    /of the cluster there runs node 2 at 127\.0\.0\.1:\d+: start this node as usual/,
  )
  // Somebody else at that address is nobody.
  await recover(options(nodes, 1, { config: { ...config, peers: [{ ...peer, endpointId: 'ab'.repeat(32) }] } }))
})

test('recover: a node that runs, a learner, an only voter, a node of no cluster are told what to do instead', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await Promise.all([nodes.start(1), nodes.start(2), nodes.start(3)])
  await nodes.introduce(one, two, three)
  await one.init([1])
  await one.addLearner(2)
  await eventually('the learner has it', () => two.status().appliedIndex >= one.status().appliedIndex)
  await Promise.all([two.stop(), three.stop()])
  assert.match(await refused(nodes, 3), /belongs to no cluster/)
  assert.match(await refused(nodes, 2), /no voter/)
  assert.match(await refused(nodes, 2, { evenALearner: true }), /there runs node 1 at 127\.0\.0\.1/)
  await one.stop()
  assert.match(await refused(nodes, 1), /the only voter/)
  await recover(options(nodes, 2, { evenALearner: true }))
})

class Interrupted extends Error {}

/** Node 1 as it was, for the next try. */
function saved(nodes: TestNodes): () => void {
  const copy = `${nodes.directory(1)}-saved`
  cpSync(nodes.directory(1), copy, { recursive: true })
  return () => {
    rmSync(nodes.directory(1), { recursive: true })
    cpSync(copy, nodes.directory(1), { recursive: true })
  }
}

/** Every file of a node in a folder, with its bytes. */
function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  const names = files.map((item) => join(item.parentPath, item.name).slice(directory.length + 1))
  const own = names.filter((name) => !/^(LOCK|found-anew|set-aside)/.test(name)).toSorted()
  return Object.fromEntries(own.map((name) => [name, readFileSync(join(directory, name)).toString('base64')]))
}

test('recover: cut short at each change of the disk, it goes on when it is run again, or has changed nothing', async (t) => {
  const { nodes } = await survivor(t)
  const steps: string[] = []
  const putBack = saved(nodes)
  const path = nodes.directory(1)
  const old = contents(path)
  await recover(options(nodes, 1, { before: (change) => steps.push(change) }))
  assert.ok(steps.length > 20, steps.join())
  const made = Object.keys(contents(path)).map(nameless)
  // Of the moves, some: all of them are cut in founding-directory.test.ts.
  const begins = steps.indexOf('the record that it begins')
  const aside = steps.indexOf('the record that all is aside')
  for (const cut of [0, begins, begins + 4, aside, aside + 6, steps.length - 1]) {
    const step = steps[cut] as string
    putBack()
    let seen = 0
    const before = (): void => {
      if (seen++ === cut) throw new Interrupted(step)
    }
    await assert.rejects(recover(options(nodes, 1, { before })), Interrupted)
    if (existsSync(join(path, 'found-anew.json'))) await rejectsWith('CANNOT_START', nodes.start(1))
    else if (!existsSync(join(path, 'set-aside-1'))) assert.deepEqual(contents(path), old, `cut before ${step}`)
    await recover(options(nodes, 1)).catch((error: Error) => assert.match(error.message, /the only voter/))
    assert.deepEqual(contents(join(path, 'set-aside-1')), old, `cut before ${step}, all of the old is kept`)
    assert.deepEqual(Object.keys(contents(path)).map(nameless), made, `cut before ${step}`)
    assert.deepEqual(
      readdirSync(path).filter((name) => /^(found-anew|set-aside-2)/.test(name)),
      [],
    )
  }
  const one = await nodes.start(1)
  await assertHasAll(one)
})

/** The name of a snapshot says what is in it, of which the key is another each time. */
function nameless(file: string): string {
  return file.replace(/[0-9a-f]{64}/, 'DIGEST')
}

test('recover: of a damaged disk it takes what can be proven, says what it found, and refuses the rest by file and place', async (t) => {
  const { nodes } = await survivor(t)
  const putBack = saved(nodes)
  const path = nodes.directory(1)
  const flip = (file: string, place: (bytes: Buffer) => number): void => {
    const bytes = readFileSync(join(path, file))
    const at = place(bytes)
    bytes[at] = (bytes[at] as number) ^ 1
    writeFileSync(join(path, file), bytes)
  }
  const log = new LogFolder(path)
  const frame = log.frames()[3] as ReturnType<LogFolder['frames']>[0]
  log.flip(frame.file, frame.start + 40)
  const why = await refused(nodes, 1)
  assert.match(why, /cannot be recovered from: /)
  assert.ok(why.includes(join(path, 'log', frame.file)) && !why.includes('found-anew'), why)

  putBack()
  writeFileSync(join(path, 'log', 'log-distrusted'), 'node 1 acknowledged entry 9, and its log lacks it')
  assert.match(await refused(nodes, 1), /cannot be recovered from: .*log-distrusted/)

  putBack()
  const identity = readFileSync(join(path, 'identity.json'), 'utf8')
  writeFileSync(join(path, 'identity.json'), identity.replace('"version": 1', '"version": 2'))
  assert.match(await refused(nodes, 1), /its version is 2, this release reads 1/)

  putBack()
  const full = (change: string): void => {
    if (change === 'the record that it begins') throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
  }
  assert.match(await refused(nodes, 1, { before: full }), /has no room for a copy of the node.*free space/)

  putBack()
  // The state follows from the log: with the one damaged the other is enough, and that is said.
  flip(join('state', 'state-1.db'), (bytes) => bytes.indexOf('v3'))
  let findings: readonly string[] = []
  const confirm: RecoverOptions['confirm'] = (found) => {
    ;({ findings } = found)
    return Promise.resolve(found.clusterId)
  }
  await recover(options(nodes, 1, { confirm }))
  assert.match(findings.join(), /state/)
  const one = await nodes.start(1)
  await assertHasAll(one)
})

test('recover: what it has left is told of at the next start, and rejoin keeps its hands off what it has begun', async (t) => {
  const { nodes } = await survivor(t)
  const putBack = saved(nodes)
  const path = nodes.directory(1)
  mkdirSync(join(path, 'found-anew', 'copy'), { recursive: true })
  const home = openDurableHome(path, 1)
  assert.match(home.warnings.join(), /an interrupted aspen-node recover or restore has left .*found-anew: nothing of it counts/)
  home.release()
  putBack()
  const before = (change: string): void => {
    if (change === 'the move of snapshots') throw new Interrupted(change)
  }
  await assert.rejects(recover(options(nodes, 1, { before })), Interrupted)
  const found = readdirSync(path).toSorted()
  const config = completeConfig({ nodeId: 1, dataDir: path, cookie: 'test-cookie', ractorPort: 0, enableMdns: false })
  const { signal } = new AbortController()
  const attempt = rejoin({ config, via: [], evenIfSound: true, logger: silentLogger, say: () => undefined, signal })
  await assert.rejects(attempt, /a cluster is being founded anew in .*Nothing was changed/)
  assert.deepEqual(readdirSync(path).toSorted(), found)
})
