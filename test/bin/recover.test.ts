/** `aspen-node recover` as a process: what it says before it changes anything, and how it ends. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startChild } from '../../tools/cluster/child.ts'
import { ended } from '../bad-days/node-process.ts'
import type { EndedProgram } from '../bad-days/node-process.ts'
import { PROGRAM } from '../../tools/cluster/node-plan.ts'
import { testNodes, text } from '../cluster/nodes.ts'
import type { TestNodes } from '../cluster/nodes.ts'

function run(directory: string, ...flags: readonly string[]): Promise<EndedProgram> {
  const settings = ['--node-id', '1', '--data-dir', directory, '--log-level', 'error']
  return ended(startChild('recover', [process.execPath, PROGRAM, 'recover', ...flags, ...settings], ['ignore', 'pipe', 'pipe']))
}

/** Node 1 of two, whose other one is gone. */
async function oneOfTwo(t: TestContext): Promise<{ nodes: TestNodes; clusterId: string }> {
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1), nodes.start(2)])
  await nodes.introduce(one, two)
  await one.init([1])
  await one.addLearner(2)
  await one.changeMembership({ members: [1, 2] })
  await one.write({ Set: { key: 'k', value: 'v' } })
  await Promise.all([one.stop(), two.stop()])
  rmSync(nodes.directory(2), { recursive: true })
  return { nodes, clusterId: one.status().clusterId as string }
}

test('aspen-node recover: shows what there is and what may be lost, and goes on when the id of the cluster is given', async (t) => {
  const { nodes, clusterId } = await oneOfTwo(t)
  const directory = nodes.directory(1)
  const before = readdirSync(directory).toSorted()

  const bare = await run(directory)
  assert.equal(bare.how, 'exited with 64')
  assert.match(bare.output, /say --from-survivor if that is meant/)

  const asked = await run(directory, '--from-survivor')
  assert.equal(asked.how, 'exited with 1')
  assert.match(asked.output, new RegExp(`recover 1: cluster ${clusterId}: voters 1, 2, learners none`))
  assert.match(asked.output, /on this disk: the log up to entry \d+ of term \d+, in term \d+; 1 keys, 2 bytes of keys and values/)
  assert.match(asked.output, /lost for good is what was acknowledged by node 2 and never came here/)
  assert.match(asked.output, /left behind, and refused from then on: node 2 \(key [0-9a-f]{16}\.\.\.\)/)
  assert.match(asked.output, new RegExp(`nobody can be asked here: to go on, run it again with --confirm ${clusterId}`))
  assert.match(asked.output, /not confirmed: nothing was changed/)

  const wrong = await run(directory, '--from-survivor', '--confirm', 'f'.repeat(32))
  assert.equal(wrong.how, 'exited with 1')
  assert.match(wrong.output, new RegExp(`is not the id of the cluster, which is ${clusterId}: nothing was changed`))
  assert.deepEqual(readdirSync(directory).toSorted(), before)

  const done = await run(directory, '--from-survivor', '--confirm', clusterId)
  assert.equal(done.how, 'exited with 0', done.output)
  const newId = /the new cluster is ([0-9a-f]{32})/.exec(done.output)?.[1]
  assert.match(done.output, /done: node 1 is the only voter of cluster [0-9a-f]{32}\. Start it as usual/)
  assert.match(done.output, /what was there is kept in .*set-aside-1/)

  const again = await run(directory, '--from-survivor', '--confirm', clusterId)
  assert.equal(again.how, 'exited with 1')
  assert.match(again.output, /node 1 is the only voter: start it as usual, and it leads by itself\. Nothing was changed/)
  const one = await nodes.start(1)
  assert.equal(one.status().clusterId, newId)
  assert.equal(text((await one.read('k'))?.value), 'v')
})
