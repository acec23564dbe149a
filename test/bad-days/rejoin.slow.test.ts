/** The one command that brings a refused member back, with real processes under write load. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../../tools/cluster/ports.ts'
import { LOOPBACK } from '../../tools/cluster/node-plan.ts'
import type { NodePlan } from '../../tools/cluster/node-plan.ts'
import { errorOf, request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'
import { Load } from '../chaos/load.ts'
import { checkLinearizable } from '../linearizability/index.ts'
import { LogFolder } from './log-folder.ts'
import { ended, startNode, startRejoin } from './node-process.ts'
import type { EndedProgram } from './node-process.ts'

const SETTLE_TIMEOUT_MS = 30_000
/** Nodes have the election timeouts of the specification, of 3 s at most. */
const LONGER_THAN_TIMEOUTS_MS = 4_000
const KEYS = Array.from({ length: 20 }, (_, i) => `key-${i}`)

interface RaftMetrics {
  readonly leader: number | null
  readonly role: string
  readonly term: number
  readonly applied_index: number
  readonly last_log_index: number
  readonly commit_index: number
  readonly cluster: { members: number[]; learners: number[]; nodes: { id: number; endpoint_id: string }[] }
  readonly peers: { endpoint_id: string; connected: boolean }[]
}

interface Scene {
  readonly fleet: Fleet
  readonly load: Load
  readonly third: FleetNode
  /** URLs of the nodes that stay up. */
  readonly via: readonly string[]
}

async function metrics(url: string): Promise<RaftMetrics> {
  return (await request('GET', `${url}/raft-metrics`)).body as RaftMetrics
}

async function keyOf(url: string, id: number): Promise<string | undefined> {
  return (await metrics(url)).cluster.nodes.find((node) => node.id === id)?.endpoint_id
}

async function eventually(what: string, probe: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + SETTLE_TIMEOUT_MS
  while (!(await probe())) {
    assert.ok(performance.now() < end, `${what} did not come to pass within ${SETTLE_TIMEOUT_MS} ms`)
    await delay(20)
  }
}

/** Three nodes under write load; the third is the one that has the bad day. */
async function scene(t: TestContext, seed: number): Promise<Scene> {
  const fleet = await Fleet.start(3)
  t.after(() => fleet.stop())
  const load = new Load({ urls: fleet.nodes.map(({ url }) => url), clients: 8, keys: KEYS, seed })
  load.start()
  t.after(() => load.stop())
  const third = fleet.nodes[2] as FleetNode
  await eventually('the first writes', async () => load.acknowledged.length > 300)
  return { fleet, load, third, via: fleet.nodes.slice(0, 2).map(({ url }) => url) }
}

/** Node 3 runs again, votes under another key than before, and whatever was acknowledged is still there. */
async function assertBack({ fleet, load, third, via }: Scene, oldKey: string): Promise<void> {
  fleet.run(3)
  assert.ok((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) !== undefined, 'the three nodes do not agree on a leader')
  await load.stop()
  const { cluster } = await metrics(via[0] as string)
  assert.deepEqual([cluster.members, cluster.learners], [[1, 2, 3], []])
  assert.notEqual(await keyOf(via[0] as string, 3), oldKey)
  for (const key of KEYS) assert.ok(await load.read(1000, third.url, key), `node 3 does not serve ${key}`)
  const verdict = checkLinearizable(load.history)
  assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
  const { ok, failed, unknown } = load.counts
  console.log(
    `${ok} operations succeeded, ${failed} failed, ${unknown} of unknown outcome; longest gap ${load.longestGapMs.toFixed(0)} ms`,
  )
}

/** A byte in the middle of what was synced. */
function damageLog(dataDir: string): { readonly file: string; readonly offset: number } {
  const log = new LogFolder(dataDir)
  const frames = log.frames()
  const { file, start } = frames[Math.floor(frames.length / 2)] as (typeof frames)[0]
  log.flip(file, start + 40)
  return { file, offset: start }
}

/** The old node on a sound copy of its data, on ports of its own. */
async function oldSelf(plan: NodePlan, dataDir: string): Promise<{ readonly plan: NodePlan; readonly url: string }> {
  const [httpPort, ractorPort] = (await freePorts(LOOPBACK, 2)) as [number, number]
  return { plan: { ...plan, dataDir, httpPort, ractorPort }, url: `http://${LOOPBACK}:${httpPort}` }
}

/** It is linked, and nobody listens to it: no vote, no leader, no higher term. */
async function assertShunned(plan: NodePlan, copy: string, oldKey: string, via: string): Promise<void> {
  const old = await oldSelf(plan, copy)
  const child = startNode(old.plan)
  try {
    const before = await metrics(via)
    await eventually('a link of the old key', async () => {
      const peers = (await metrics(via)).peers
      return peers.some((peer) => peer.endpoint_id === oldKey && peer.connected)
    })
    const written = async (): Promise<string | undefined> => {
      const body = { command: { Set: { key: 'stale', value: 'x' } }, timeout_ms: 500 }
      return errorOf(await request('POST', `${old.url}/write`, body))?.code
    }
    await eventually('the old node to hear that it was removed', async () => (await written()) === 'REMOVED')
    // Longer than any election timeout: it asks for no votes, since none would be its to win.
    await delay(LONGER_THAN_TIMEOUTS_MS)
    assert.equal((await metrics(old.url)).role, 'follower')
    const after = await metrics(via)
    assert.deepEqual([after.term, after.leader, after.cluster], [before.term, before.leader, before.cluster])
  } finally {
    child.kill('SIGKILL')
    await child.exit
  }
}

test(
  'a member whose log is damaged in the middle refuses, and one command makes it a voter again',
  { timeout: 120_000 },
  async (t) => {
    const here = await scene(t, 1)
    const { fleet, load, third, via } = here
    const oldKey = (await keyOf(third.url, 3)) as string
    const running = await ended(startRejoin(third.plan, via))
    assert.equal(running.how, 'exited with 1')
    assert.match(running.output, /rejoin 3: the data directory .* is in use by another node: stop that node/)

    assert.equal(await fleet.end(3, 'SIGTERM'), 'exited with 0')
    const copy = `${third.plan.dataDir}-copy`
    cpSync(third.plan.dataDir, copy, { recursive: true })
    const sound = await ended(startRejoin(third.plan, via))
    assert.equal(sound.how, 'exited with 1')
    assert.match(sound.output, /nothing is found wrong with .*: start the node as usual.* Nothing was changed/)

    const { file, offset } = damageLog(third.plan.dataDir)
    const refused = await ended(startNode(third.plan))
    assert.equal(refused.how, 'exited with 1')
    assert.match(refused.output, /aspen-node 3 did not start: the log is damaged/)
    assert.ok(refused.output.includes(`${join(third.plan.dataDir, 'log', file)} at byte ${offset}`), refused.output)
    assert.match(refused.output, /aspen-node rejoin --via/)

    const written = load.acknowledged.length
    const started = performance.now()
    const back = await ended(startRejoin(third.plan, via))
    const tookMs = performance.now() - started
    console.log(back.output)
    console.log(`rejoined in ${tookMs.toFixed(0)} ms`)
    assert.equal(back.how, 'exited with 0', back.output)
    assert.match(back.output, /a quorum answers without node 3; node [12] leads, voters 1, 2, 3/)
    assert.match(back.output, new RegExp(`the old node 3, key ${oldKey}, is removed and can never vote again: voters 1, 2\\.`))
    assert.match(back.output, /Until node 3 votes again 2 of these 2 must be up/)
    assert.match(back.output, /done: node 3 is a voter again and has everything/)
    assert.ok(load.acknowledged.length > written, 'nobody could write meanwhile')
    const aside = join(third.plan.dataDir, 'set-aside-1')
    assert.ok(readFileSync(join(aside, 'log', file)).length > 0 && existsSync(join(aside, 'identity.json')))
    assert.ok(!existsSync(join(third.plan.dataDir, 'rejoin.json')))
    await assertBack(here, oldKey)
    await assertShunned(third.plan, copy, oldKey, via[0] as string)
  },
)

test(
  'a member whose data directory was put back to an older copy is found out, refuses from then on, and one command makes it a voter again',
  { timeout: 120_000 },
  async (t) => {
    const here = await scene(t, 4)
    const { fleet, third, via } = here
    const oldKey = (await keyOf(third.url, 3)) as string
    assert.equal(await fleet.end(3, 'SIGTERM'), 'exited with 0')
    const copy = `${third.plan.dataDir}-copy`
    cpSync(third.plan.dataDir, copy, { recursive: true })
    const others = await Promise.all(via.map((url) => metrics(url)))
    const copied = Math.max(...others.map(({ last_log_index }) => last_log_index))
    fleet.run(3)
    // What it has applied it had acknowledged: only that can be forgotten.
    await eventually('node 3 to acknowledge more', async () => {
      const settled = (await fleet.settledLeader(1000)) !== undefined
      return settled && (await metrics(third.url)).applied_index > copied
    })
    await fleet.kill(3)
    rmSync(third.plan.dataDir, { recursive: true })
    cpSync(copy, third.plan.dataDir, { recursive: true })

    fleet.run(3)
    const found = await fleet.ended(3)
    assert.equal(found.how, 'exited with 70', found.output)
    assert.match(found.output, /node 3 (acknowledged entry|spoke to node) \d+ /)
    assert.match(found.output, /the log is marked: the node does not start on it again/)
    const refused = await ended(startNode(third.plan))
    assert.equal(refused.how, 'exited with 1', refused.output)
    assert.match(refused.output, /aspen-node 3 did not start: the log has forgotten what this node had promised/)
    const back = await ended(startRejoin(third.plan, via))
    assert.equal(back.how, 'exited with 0', back.output)
    assert.match(back.output, /what the node has is refused: the log has forgotten/)
    await assertBack(here, oldKey)
  },
)

const STEPS = [
  /is kept in/,
  /linked with the leader/,
  /is removed and can never vote again/,
  /is a learner and fetches everything/,
  /has caught up and votes/,
]

/** Runs the command and ends it as soon as it says that it has done a step that no run before it has said. */
async function interruptAtNewStep(
  plan: NodePlan,
  via: readonly string[],
  seen: Set<RegExp>,
  signal: NodeJS.Signals,
): Promise<EndedProgram> {
  const child = startRejoin(plan, via)
  const steps = (): RegExp[] => STEPS.filter((step) => !seen.has(step) && step.test(child.output()))
  await eventually('a further step', async () => child.ended() !== undefined || steps().length > 0)
  child.kill(signal)
  const program = await ended(child)
  for (const step of steps()) seen.add(step)
  return program
}

test('a rejoin that is killed after each of its steps goes on when it is run again', { timeout: 150_000 }, async (t) => {
  const here = await scene(t, 3)
  const { fleet, third, via } = here
  const oldKey = (await keyOf(third.url, 3)) as string
  await fleet.kill(3)
  damageLog(third.plan.dataDir)
  const seen = new Set<RegExp>()
  const first = await interruptAtNewStep(third.plan, via, seen, 'SIGKILL')
  assert.match(first.how, /SIGKILL/)
  const second = await interruptAtNewStep(third.plan, via, seen, 'SIGTERM')
  assert.equal(second.how, 'exited with 143', second.output)
  assert.match(second.output, /an earlier run did not finish: going on where it stopped/)
  assert.match(second.output, /interrupted by SIGTERM. Run the same command again to go on/)
  const newKey = /new key ([0-9a-f]{64})/.exec(second.output)?.[1]
  let last = second
  let kills = 1
  while (last.how !== 'exited with 0' && kills < 10) {
    last = await interruptAtNewStep(third.plan, via, seen, 'SIGKILL')
    if (last.how !== 'exited with 0') kills++
  }
  console.log(`killed ${kills} times, stopped once`)
  assert.equal(last.how, 'exited with 0', last.output)
  assert.ok(kills >= 3, `only ${kills} runs were killed`)
  assert.equal(await keyOf(via[0] as string, 3), newKey, 'a run drew another key')
  await assertBack(here, oldKey)
})

test(
  'a member whose disk is gone comes back by the same command, with an empty data directory',
  { timeout: 120_000 },
  async (t) => {
    const here = await scene(t, 2)
    const { fleet, third, via } = here
    const oldKey = (await keyOf(third.url, 3)) as string
    await fleet.kill(3)
    rmSync(third.plan.dataDir, { recursive: true })
    const back = await ended(startRejoin(third.plan, via))
    assert.equal(back.how, 'exited with 0', back.output)
    assert.match(back.output, /is empty: taken for a disk that was lost/)
    await assertBack(here, oldKey)
  },
)
