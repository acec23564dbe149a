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
  assert.match((fatal[0] as Error).message, /node 3 acknowledged entry \d+ .* its log ends at \d+/)
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
