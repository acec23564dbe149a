/** What is left of a cluster founds a new one; whoever may not, does not, and no interruption leaves half of it. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { FoundingError, recover } from '../../src/cluster/index.ts'
import type { RecoverOptions } from '../../src/cluster/index.ts'
import { REVISION_JUMP } from '../../src/limits.ts'
import { eventually, formThree, rejectsWith, testNodes, text } from './nodes.ts'
import type { TestNodes } from './nodes.ts'

const NEW_ID = 'ab'.repeat(16)

function options(nodes: TestNodes, id: number, more: Partial<RecoverOptions> = {}): RecoverOptions {
  return {
    config: { dataDir: nodes.directory(id), nodeId: id, storageBackend: 'Sqlite' },
    evenIfOthersRun: false,
    evenALearner: false,
    confirm: ({ clusterId }) => Promise.resolve(clusterId),
    drawClusterId: () => NEW_ID,
    say: () => undefined,
    ...more,
  }
}

const KEYS = 20

async function withWrites(nodes: TestNodes): Promise<AspenNode[]> {
  const three = await formThree(nodes)
  for (let i = 0; i < KEYS; i++) await three[0].write({ Set: { key: `k${i}`, value: `v${i}` } })
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
  await eventually('it is told', () =>
    old
      .status()
      .peers.some(
        ({ endpointId, lastError }) => endpointId === founder.endpointId && lastError?.startsWith('CLUSTER_MISMATCH') === true,
      ),
  )
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

test('recover: cut short at each change of the disk, it goes on when it is run again, or has changed nothing', async (t) => {
  const { nodes } = await survivor(t)
  const steps: string[] = []
  const saved = `${nodes.directory(1)}-saved`
  cpSync(nodes.directory(1), saved, { recursive: true })
  await recover(options(nodes, 1, { before: (change) => steps.push(change) }))
  assert.ok(steps.length > 20, steps.join())
  for (const [cut, step] of steps.entries()) {
    rmSync(nodes.directory(1), { recursive: true })
    cpSync(saved, nodes.directory(1), { recursive: true })
    let seen = 0
    const before = (): void => {
      if (seen++ === cut) throw new Interrupted(step)
    }
    await assert.rejects(recover(options(nodes, 1, { before })), Interrupted)
    const path = nodes.directory(1)
    if (existsSync(join(path, 'found-anew.json'))) await rejectsWith('CANNOT_START', nodes.start(1))
    else assert.ok(existsSync(join(path, 'log')), step)
    await recover(options(nodes, 1))
    const one = await nodes.start(1)
    await eventually('it leads', () => one.status().role === 'leader')
    await assertHasAll(one)
    await one.stop()
  }
})
