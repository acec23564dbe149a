import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, formThree, rejectsWith, testNodes, text } from './nodes.ts'

test('AspenNode: a restarted node is the same member and has everything', async (t) => {
  const nodes = testNodes(t)
  const node = await nodes.start(1)
  await node.init([1])
  for (let i = 0; i < 50; i++) await node.write({ Set: { key: `k${i}`, value: `v${i}` } })
  const { endpointId } = node
  await node.stop()
  const again = await nodes.start(1)
  assert.equal(again.endpointId, endpointId)
  for (let i = 0; i < 50; i++) assert.equal(text((await again.read(`k${i}`))?.value), `v${i}`)
  await rejectsWith('ALREADY_INITIALIZED', again.init([1]))
})

test('AspenNode: membership goes on after a restart, on whichever node leads', async (t) => {
  const nodes = testNodes(t)
  const first = await formThree(nodes)
  await Promise.all(first.map((node) => node.stop()))
  const second = await Promise.all([1, 2, 3].map((id) => nodes.start(id)))
  await nodes.introduce(...second)
  const [one] = second as [(typeof second)[0]]
  assert.deepEqual((await one.changeMembership({ members: [1, 2] })).members, [1, 2])
})

test('AspenNode: a stopped leader hands over, and the others go on', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const leader = all.find((node) => node.status().role === 'leader') as (typeof all)[0]
  const others = all.filter((node) => node !== leader)
  const [asked] = others as [(typeof all)[0]]
  await leader.stop()
  await asked.write({ Set: { key: 'k', value: 'v' } })
  assert.notEqual(await asked.leader(), leader.nodeId)
  await rejectsWith('STOPPING', leader.read('k')).catch(() => rejectsWith('POISONED', leader.read('k')))
})

test('AspenNode: without a quorum, writes end in time and say what is known, and status answers', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const [one, two, three] = all
  await two.stop()
  await three.stop()
  const first = await one.write({ Set: { key: 'k', value: 'v' } }, { timeoutMs: 300 }).catch((error: unknown) => error)
  assert.match(String((first as { code?: string }).code), /OUTCOME_UNKNOWN|NO_LEADER/)
  await eventually('the leader to step down', () => one.status().leader === null)
  const error = await rejectsWith('NO_LEADER', one.write({ Set: { key: 'k', value: 'v' } }, { timeoutMs: 300 }))
  assert.deepEqual(error.details['voters'], [1, 2, 3])
  await rejectsWith('NO_LEADER', one.read('k', { timeoutMs: 300 }))
  assert.deepEqual((await one.clusterState()).members, [1, 2, 3])
})

test('AspenNode: refuses to start with a key whose log is gone, or a log whose key is gone', async (t) => {
  const nodes = testNodes(t)
  const node = await nodes.start(1)
  await node.init([1])
  await node.stop()
  rmSync(join(nodes.directory(1), 'log'), { recursive: true })
  await assert.rejects(nodes.start(1), /its log is gone: a voter returns with its memory or not at all/)
  const two = await nodes.start(2)
  await two.stop()
  rmSync(join(nodes.directory(2), 'identity.json'))
  for (let tries = 0; tries < 2; tries++) await assert.rejects(nodes.start(2), /holds a log but no identity/)
  assert.equal(existsSync(join(nodes.directory(2), 'identity.json')), false, 'a refused start makes no key')
})

test('AspenNode: a data directory is that of one node id', async (t) => {
  const nodes = testNodes(t)
  const node = await nodes.start(1)
  await node.stop()
  await assert.rejects(nodes.start(2, { dataDir: nodes.directory(1) }), /is that of node 1, not of node 2/)
})

test('AspenNode: a data directory has one owner', async (t) => {
  const nodes = testNodes(t)
  await nodes.start(1)
  await assert.rejects(nodes.start(1), /is in use by another node/)
})

test('AspenNode: a restarted node in memory is a stranger until it is removed and added again', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes, { storageBackend: 'InMemory' })
  await one.write({ Set: { key: 'k', value: 'v' } })
  await three.stop()
  const back = await nodes.start(3, { storageBackend: 'InMemory' })
  await nodes.introduce(one, back)
  await nodes.introduce(two, back)
  await eventually('the link', () => back.status().peers.some((peer) => peer.connected))
  await rejectsWith('NODE_AMBIGUOUS', one.addLearner(3, back.endpointId))
  await one.changeMembership({ members: [1, 2] })
  await one.addLearner(3, back.endpointId)
  await one.changeMembership({ members: [1, 2, 3] })
  assert.equal(text((await back.read('k'))?.value), 'v')
})

test('AspenNode: a value that is not as it was written is not served, and the node takes no further part', async (t) => {
  const nodes = testNodes(t)
  const node = await nodes.start(1)
  await node.init([1])
  await node.write({ Set: { key: 'key', value: 'v'.repeat(200) } })
  await node.stop()
  const file = join(nodes.directory(1), 'state', 'state-1.db')
  const content = readFileSync(file)
  content[content.indexOf('v'.repeat(200)) + 100] = 'w'.charCodeAt(0)
  writeFileSync(file, content)
  const faults: string[] = []
  const again = await nodes.start(1, {}, (error) => faults.push(error.message))
  await rejectsWith('POISONED', again.scan({ limit: 1000 }))
  assert.match(faults.join(), /is damaged/)
  assert.match(again.status().poisoned ?? '', /is damaged/)
  await rejectsWith('POISONED', again.read('key'))
})

test('AspenNode: a peer book that cannot be read is set aside, and keeps no voter from starting', async (t) => {
  const nodes = testNodes(t)
  const one = await nodes.start(1)
  await one.init([1])
  await one.write({ Set: { key: 'k', value: 'v' } })
  await one.stop()
  const file = join(nodes.directory(1), 'peers.json')
  for (const spoil of [(): void => writeFileSync(file, '[]'), (): void => mkdirSync(file)]) {
    rmSync(file, { force: true, recursive: true })
    rmSync(`${file}.unreadable`, { force: true, recursive: true })
    spoil()
    const again = await nodes.start(1)
    assert.equal(text((await again.read('k'))?.value), 'v')
    await again.stop()
    assert.ok(existsSync(`${file}.unreadable`))
  }
})
