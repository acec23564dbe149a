/** Real nodes that have nothing but iroh between them. Run by cluster.slow.test.ts, in a network namespace. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { connectHttp } from '../../src/client/index.ts'
import type { AspenHttpClient } from '../../src/client/index.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'

const LEADER_TIMEOUT_MS = 60_000
const WRITES = 200
const POLL_MS = 25

interface PeerLine {
  readonly connected: boolean
  readonly path?: string | null
}

async function pathsOf(url: string): Promise<readonly unknown[]> {
  const { body } = await request('GET', `${url}/node-info`)
  const { peers } = body as { readonly peers: readonly PeerLine[] }
  return peers.filter(({ connected }) => connected).map(({ path }) => path)
}

async function textAt(client: AspenHttpClient, key: string): Promise<string> {
  const found = await client.read(key)
  return Buffer.from(found?.value ?? []).toString()
}

/** The others know for a while of the one that is gone. */
async function anotherLeader(fleet: Fleet, than: number): Promise<FleetNode> {
  const deadline = performance.now() + LEADER_TIMEOUT_MS
  for (;;) {
    const leader = await fleet.leaderNode(LEADER_TIMEOUT_MS)
    if (leader.id !== than) return leader
    assert.ok(performance.now() < deadline, 'the dead node is still taken for the leader')
    await delay(POLL_MS)
  }
}

test('aspen-node --transport iroh: three nodes go on when the leader is killed, and take it back', async () => {
  const fleet = await Fleet.start(3, { more: ['--transport', 'iroh', '--log-level', 'warn'] })
  try {
    const leader = await fleet.leaderNode(LEADER_TIMEOUT_MS)
    assert.deepEqual(await pathsOf(leader.url), ['iroh-direct', 'iroh-direct'])
    const before = connectHttp(leader.url)
    for (let i = 0; i < WRITES; i++) await before.write({ Set: { key: `before-${i}`, value: String(i) } })
    before.close()
    const killedAt = performance.now()
    await fleet.kill(leader.id)
    const next = await anotherLeader(fleet, leader.id)
    console.log(`another leader ${Math.round(performance.now() - killedAt)} ms after the kill`)
    const after = connectHttp(next.url)
    await after.write({ Set: { key: 'after', value: 'kill' } })
    after.close()
    fleet.run(leader.id)
    await fleet.leaderNode(LEADER_TIMEOUT_MS)
    const back = connectHttp(leader.url)
    assert.equal(await textAt(back, 'after'), 'kill')
    assert.equal(await textAt(back, `before-${WRITES - 1}`), String(WRITES - 1))
    back.close()
  } finally {
    await fleet.stop()
  }
})

/** The processes that a process has started and that run. */
function childrenOf(pid: number): readonly number[] {
  const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return words === '' ? [] : words.split(' ').map(Number)
}

function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + LEADER_TIMEOUT_MS
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, what)
    await delay(POLL_MS)
  }
}

test('aspen-node --transport iroh: outlives its process of iroh, which does not outlive it', async () => {
  const fleet = await Fleet.start(3, { more: ['--transport', 'iroh', '--log-level', 'warn'] })
  try {
    const [node] = fleet.nodes as readonly [FleetNode]
    const [first] = childrenOf(fleet.pid(node.id)) as [number]
    process.kill(first, 'SIGKILL')
    await eventually(async () => (await pathsOf(node.url)).length === 0, 'the links are not lost')
    await eventually(async () => (await pathsOf(node.url)).length === 2, 'the links do not come back')
    await fleet.leaderNode(LEADER_TIMEOUT_MS)
    assert.match(fleet.output(node.id), /a way to other nodes has broken down; it is tried again/)
    const [second] = childrenOf(fleet.pid(node.id)) as [number]
    assert.notEqual(second, first)
    await fleet.kill(node.id)
    await eventually(() => !runs(second), 'the process of iroh is left over')
  } finally {
    await fleet.stop()
  }
})
