/** The actors of a real node, as an operator meets them: over HTTP, over TLS links, on disks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, testNodes } from './nodes.ts'

interface Health {
  readonly status: string
  readonly supervision: {
    readonly actors: readonly { readonly path: string; readonly state: string; readonly restarts: number }[]
  }
}

const TREE = [
  'NodeServer',
  'NodeServer/RaftSupervisor',
  'NodeServer/RaftSupervisor/RaftActor',
  'NodeServer/RaftSupervisor/RaftRpcServerActor',
  'NodeServer/RaftSupervisor/GossipActor',
  'NodeServer/RaftSupervisor/HealthMonitorActor',
]

test('/health shows the actors alive, and POST /admin/restart starts each of them again', async (t) => {
  const directory = testNodes(t).directory(1)
  const node = await AspenNode.start(
    { nodeId: 1, dataDir: directory, ractorPort: 0, enableMdns: false, httpAddr: { host: '127.0.0.1', port: 0 } },
    { http: true },
  )
  t.after(() => node.stop())
  await node.init([1])
  await node.write({ Set: { key: 'k', value: 'v' } })
  const health = async (): Promise<Health> => (await fetch(`${node.httpUrl}/health`)).json() as Promise<Health>
  const restart = async (actor: string): Promise<readonly [number, unknown]> => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${node.httpUrl}/admin/restart`, { method: 'POST', headers, body: JSON.stringify({ actor }) })
    return [answer.status, await answer.json()]
  }
  const { supervision } = await health()
  assert.deepEqual(
    supervision.actors.map(({ path, state, restarts }) => [path, state, restarts]),
    TREE.map((path) => [path, 'running', 0]),
  )
  for (const actor of ['raft', 'rpc', 'gossip', 'health', 'RaftActor'])
    assert.deepEqual(await restart(actor), [200, { success: true, actor }])
  assert.deepEqual(
    (await health()).supervision.actors.map(({ path, state, restarts }) => [path.split('/').at(-1), state, restarts]),
    [
      ['NodeServer', 'running', 0],
      ['RaftSupervisor', 'running', 0],
      ['RaftActor', 'running', 2],
      ['RaftRpcServerActor', 'running', 1],
      ['GossipActor', 'running', 1],
      ['HealthMonitorActor', 'running', 1],
    ],
  )
  const [status, body] = await restart('consensus')
  assert.equal(status, 400)
  assert.match(JSON.stringify(body), /INVALID_REQUEST.*there is no actor .*consensus.*: ask for one of raft, rpc, gossip, health/)
  await eventually('the value is served', async () => {
    const entry = await node.read('k').catch(() => undefined)
    return entry !== undefined && Buffer.from(entry.value).toString() === 'v'
  })
})

test('a leader whose RaftActor is restarted by hand hands nothing over to chance: another one leads, and it follows', async (t) => {
  const all = await formThree(testNodes(t))
  const leader = all.find(({ nodeId }) => nodeId === all[0].status().leader) ?? all[0]
  const { term } = leader.status()
  for (let i = 0; i < 20; i++) await leader.write({ Set: { key: `k${i}`, value: 'v' } })
  await leader.restartActor('raft')
  await eventually('there is a leader of a later term', () => leader.status().term > term && leader.status().leader !== null)
  await eventually('writes go through there', async () =>
    leader.write({ Set: { key: 'after', value: 'v' } }).then(
      () => true,
      () => false,
    ),
  )
  await eventually('all have everything', () => new Set(all.map((one) => one.status().appliedIndex)).size === 1)
})
