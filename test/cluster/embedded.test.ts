/** A node inside another program: what it does to that program when it stops, and when it fails. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AspenNode } from '../../src/cluster/index.ts'
import { rejectsWith, testNodes } from './nodes.ts'

const peer = { nodeId: 2, endpointId: 'ab'.repeat(32), addresses: ['127.0.0.1:1'] }

/** Every call that a node may refuse, by name. */
const CALLS: Readonly<Record<string, (node: AspenNode) => Promise<unknown>>> = {
  write: (node) => node.write({ Set: { key: 'k', value: 'v' } }),
  read: (node) => node.read('k'),
  scan: (node) => node.scan({ prefix: '' }),
  init: (node) => node.init([1]),
  addLearner: (node) => node.addLearner(2),
  changeMembership: (node) => node.changeMembership({ members: [1] }),
  addPeer: (node) => node.addPeer(peer),
  triggerSnapshot: (node) => node.triggerSnapshot(),
}

test('AspenNode: after stop every call says that the node was stopped, and its status still answers', async (t) => {
  const nodes = testNodes(t)
  const node = await nodes.start(1)
  await node.init([1])
  await node.stop()
  for (const call of Object.values(CALLS)) await rejectsWith('STOPPING', call(node))
  assert.equal(node.status().nodeId, 1)
  await node.clusterState()
  await node.leader()
  await node.stop()
})

/** Runs into a limit on the size of files, as into a full disk, and says what its calls and its status say then. */
const HOST = (dataDir: string): string => `
  import { spawnSync } from 'node:child_process'
  import { AspenNode } from '${new URL('../../src/index.ts', import.meta.url).href}'
  const node = await AspenNode.start({ nodeId: 1, dataDir: ${JSON.stringify(dataDir)}, ractorPort: 0, enableMdns: false })
  await node.init([1])
  spawnSync('prlimit', ['--pid', String(process.pid), '--fsize=1'])
  const codes = []
  const call = (asked) => asked.then(() => codes.push('ok'), (error) => codes.push(error.code))
  await call(node.write({ Set: { key: 'k', value: 'v'.repeat(100_000) } }))
  for (const asked of [node.write({ Delete: { key: 'k' } }), node.read('k'), node.scan({ prefix: '' }), node.triggerSnapshot()]) await call(asked)
  console.log(JSON.stringify({ codes, poisoned: node.status().poisoned }))
  await node.stop().catch((error) => console.log('stop: ' + error.message))
  console.log('the host goes on')`

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

test(
  'AspenNode: a node without onFatal that fails leaves its host alone and rejects every call',
  { skip: !hasPrlimit },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-host-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const child = spawn(process.execPath, ['--input-type=module', '-e', HOST(folder)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.deepEqual([code, err], [0, ''])
    const [report, ...rest] = out.trimEnd().split('\n')
    const { codes, poisoned } = JSON.parse(report ?? '') as { codes: readonly string[]; poisoned: string }
    // The write that met the limit may be on the disk; whatever follows it is refused.
    assert.deepEqual(codes, ['OUTCOME_UNKNOWN', 'POISONED', 'POISONED', 'POISONED', 'POISONED'])
    assert.match(poisoned, /EFBIG/)
    assert.equal(rest.at(-1), 'the host goes on')
  },
)
