/** A node whose data directory was put back to an earlier time: it is found out, and stays out until it has rejoined. */
import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { eventually, formThree, peerOf, rejectsWith, testNodes } from './nodes.ts'
import type { TestNodes } from './nodes.ts'

const copyOf = (nodes: TestNodes, id: number): string => `${nodes.directory(id)}-copy`

function putBack(nodes: TestNodes, id: number): void {
  rmSync(nodes.directory(id), { recursive: true })
  cpSync(copyOf(nodes, id), nodes.directory(id), { recursive: true })
}

test('AspenNode: a node that has forgotten what it acknowledged marks its log, and no later life of it starts, whoever leads', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  await three.stop()
  cpSync(nodes.directory(3), copyOf(nodes, 3), { recursive: true })
  const sound = await nodes.start(3)
  await nodes.introduce(one, two, sound)
  for (let i = 0; i < 5; i++) await one.write({ Set: { key: `k${i}`, value: 'v' } })
  await eventually('node 3 has everything', () => sound.status().appliedIndex === one.status().appliedIndex)
  await sound.stop()
  putBack(nodes, 3)
  const fatal: Error[] = []
  const old = await nodes.start(3, {}, (error) => fatal.push(error))
  await Promise.all([old.addPeer(peerOf(one)), old.addPeer(peerOf(two))])
  await eventually('it is found out', () => fatal.length > 0)
  assert.match((fatal[0] as Error).message, /node 3 acknowledged entry \d+ .* and its log (ends at|lacks)/)
  await old.stop()
  await Promise.all([one.stop(), two.stop()])
  for (let life = 0; life < 2; life++) {
    const error = await rejectsWith('CANNOT_START', nodes.start(3))
    assert.match(
      error.message,
      /the log has forgotten what this node had promised, .*: node 3 acknowledged entry \d+ .*rejoin --via/,
    )
    assert.ok(error.message.includes(`${nodes.directory(3)}/log/log-distrusted`), error.message)
  }
})

test('AspenNode: one that has forgotten is found out by a peer that led when it promised, though that has lost its reign since', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes)
  await two.stop()
  cpSync(nodes.directory(2), copyOf(nodes, 2), { recursive: true })
  const sound = await nodes.start(2)
  await nodes.introduce(one, sound, three)
  for (let i = 0; i < 5; i++) await one.write({ Set: { key: `k${i}`, value: 'v' } })
  await eventually('node 2 has everything', () => sound.status().appliedIndex === one.status().appliedIndex)
  assert.equal(one.status().role, 'leader')
  await three.stop()
  await sound.stop()
  putBack(nodes, 2)
  // Who leads next begins with no knowledge of who has what.
  await eventually('node 1 has nobody to lead', () => one.status().role !== 'leader')
  const fatal: Error[] = []
  const old = await nodes.start(2, {}, (error) => fatal.push(error))
  await old.addPeer(peerOf(one))
  await eventually('it is found out', () => fatal.length > 0)
  assert.match(
    (fatal[0] as Error).message,
    /node 2 acknowledged entry \d+ of term \d+ to node 1, which is committed, and its log lacks it/,
  )
  assert.notEqual(one.status().role, 'leader', 'it was elected by a node that has forgotten')
  await old.stop()
  await rejectsWith('CANNOT_START', nodes.start(2))
})
