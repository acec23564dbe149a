/**
 * `npm run smoke`: the quick starts of the specification against real processes, in memory and durable, with every
 * answer compared to the letter. Exits 1 on any difference.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StorageBackend } from '../src/cluster/config/index.ts'
import { startChild, stopChildren } from './cluster/child.ts'
import type { Child } from './cluster/child.ts'
import { waitForNodes } from './cluster/form-cluster.ts'
import { LOOPBACK, nodeCommand, nodeUrl } from './cluster/node-plan.ts'
import type { NodePlan } from './cluster/node-plan.ts'
import { freePorts } from './cluster/ports.ts'
import { takeNoArguments } from './no-arguments.ts'
import { difference } from './smoke/compare.ts'

const START_TIMEOUT_MS = 30_000
const STOP_DEADLINE_MS = 15_000
const REQUEST_TIMEOUT_MS = 15_000

/** The nodes of one quick start, and what went wrong with it. */
interface Stage {
  readonly plans: readonly NodePlan[]
  readonly children: Map<NodePlan, Child>
  readonly failures: string[]
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** Nobody has told them of one another. Their cookie is their own: another cluster on this machine is none of their business. */
async function planNodes(folder: string, count: number, storage: StorageBackend): Promise<readonly NodePlan[]> {
  const ports = await freePorts(LOOPBACK, 2 * count)
  const cookie = ['--cookie', `smoke-${randomUUID()}`]
  return Array.from({ length: count }, (_, index) => ({
    nodeId: index + 1,
    httpPort: ports[2 * index] as number,
    ractorPort: ports[2 * index + 1] as number,
    dataDir: join(folder, `node-${index + 1}`),
    storage,
    cookie,
    peers: [],
    mdns: true,
    more: ['--log-level', 'warn'],
  }))
}

const members = (plans: readonly NodePlan[]): { nodeId: number; url: string }[] =>
  plans.map((plan) => ({ nodeId: plan.nodeId, url: nodeUrl(plan) }))

async function start(stage: Stage): Promise<void> {
  for (const plan of stage.plans) {
    stage.children.set(plan, startChild(`node ${plan.nodeId}`, nodeCommand(plan), ['ignore', 'pipe', 'pipe']))
  }
  const children = [...stage.children.values()]
  const stop = new AbortController()
  const ended = Promise.race(children.map(async ({ name, exit }) => `${name} ${await exit}`))
  const answering = waitForNodes(members(stage.plans), { timeoutMs: START_TIMEOUT_MS, signal: stop.signal })
  const early = await Promise.race([answering, ended])
  if (early === undefined) return
  stop.abort()
  throw new Error(early)
}

/** Stops the nodes as a service manager would; each must end by itself, with 0. */
async function stop(stage: Stage): Promise<void> {
  const children = [...stage.children.values()]
  await stopChildren(children, STOP_DEADLINE_MS)
  for (const child of children) {
    const how = child.ended()
    if (how !== 'exited with 0') stage.failures.push(`${child.name} ${how} on SIGTERM instead of exiting with 0`)
  }
}

/** Sends one request and notes any difference between the answer and what is promised. */
async function expectAnswer(stage: Stage, plan: NodePlan, path: string, body: string, expected: string): Promise<void> {
  const response = await fetch(nodeUrl(plan) + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
  const found = difference({ status: 200, body: expected }, { status: response.status, body: await response.text() })
  print(`  ${found === undefined ? 'ok  ' : 'FAIL'} node ${plan.nodeId} POST ${path} ${body}`)
  if (found === undefined) return
  print(found)
  stage.failures.push(`POST ${path} ${body}\n${found}`)
}

interface NodeInfo {
  readonly node_id: number
  readonly endpoint_id: string
  readonly addresses: readonly string[]
}

/** What a node says of itself, as membership answers repeat it. */
async function nodeEntry(plan: NodePlan): Promise<object> {
  const response = await fetch(`${nodeUrl(plan)}/node-info`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  const { node_id, endpoint_id, addresses } = (await response.json()) as NodeInfo
  return { id: node_id, endpoint_id, addresses }
}

/** The answer of a request about membership. */
function membership(members: readonly number[], learners: readonly number[], nodes: readonly object[]): string {
  return `{"members":${JSON.stringify(members)},"learners":${JSON.stringify(learners)},"index":<number>,"nodes":${JSON.stringify(nodes)}}`
}

const WRITE = '{"command":{"Set":{"key":"hello","value":"world"}}}'
const WRITTEN = '{"success":true,"log_id":{"term":1,"index":<number>}}'
const READ = '{"key":"hello"}'
const VALUE = '{"value":"world"}'

async function singleNode(stage: Stage): Promise<void> {
  const [node] = stage.plans as [NodePlan]
  const nodes = [await nodeEntry(node)]
  await expectAnswer(stage, node, '/init', '{"members":[1]}', membership([1], [], nodes))
  await expectAnswer(stage, node, '/write', WRITE, WRITTEN)
  await expectAnswer(stage, node, '/read', READ, VALUE)
}

async function threeNodes(stage: Stage): Promise<void> {
  const [first, second, third] = stage.plans as [NodePlan, NodePlan, NodePlan]
  const nodes = await Promise.all(stage.plans.map(nodeEntry))
  const state = (voters: readonly number[], learners: readonly number[], known: number): string =>
    membership(voters, learners, nodes.slice(0, known))
  await expectAnswer(stage, first, '/init', '{"members":[1]}', state([1], [], 1))
  await expectAnswer(stage, first, '/add-learner', '{"node_id":2}', state([1], [2], 2))
  await expectAnswer(stage, first, '/add-learner', '{"node_id":3}', state([1], [2, 3], 3))
  await expectAnswer(stage, first, '/change-membership', '{"members":[1,2,3]}', state([1, 2, 3], [], 3))
  await expectAnswer(stage, second, '/write', WRITE, WRITTEN)
  for (const node of [first, second, third]) await expectAnswer(stage, node, '/read', READ, VALUE)
}

/** Starts the same nodes once more and reads back. */
async function readAgain(stage: Stage): Promise<void> {
  stage.children.clear()
  await start(stage)
  // A leader may still have to be found; that the value is there is what counts.
  for (const plan of stage.plans) {
    await waitUntilReady(plan)
    await expectAnswer(stage, plan, '/read', READ, VALUE)
  }
}

async function waitUntilReady(plan: NodePlan): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS
  while (performance.now() < end) {
    const response = await fetch(`${nodeUrl(plan)}/health`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
    if (((await response.json()) as { readonly ready: boolean }).ready) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`node ${plan.nodeId} was not ready within ${START_TIMEOUT_MS} ms`)
}

interface QuickStart {
  readonly name: string
  readonly nodeCount: number
  readonly play: (stage: Stage) => Promise<void>
}

const QUICK_STARTS: readonly QuickStart[] = [
  { name: 'single node', nodeCount: 1, play: singleNode },
  { name: 'three nodes', nodeCount: 3, play: threeNodes },
]

/** Plays one quick start to its end; gives what went wrong. */
async function rehearse(quickStart: QuickStart, storage: StorageBackend): Promise<readonly string[]> {
  print(`${quickStart.name}, ${storage}`)
  const folder = mkdtempSync(join(tmpdir(), 'aspen-smoke-'))
  const plans = await planNodes(folder, quickStart.nodeCount, storage)
  const stage: Stage = { plans, children: new Map(), failures: [] }
  try {
    await start(stage)
    await quickStart.play(stage)
    await stop(stage)
    if (storage === 'Sqlite') {
      await readAgain(stage)
      await stop(stage)
    }
  } catch (error) {
    stage.failures.push(error instanceof Error ? error.message : String(error))
  } finally {
    await stopChildren([...stage.children.values()], STOP_DEADLINE_MS)
    rmSync(folder, { recursive: true, force: true })
  }
  if (stage.failures.length > 0) for (const child of stage.children.values()) print(`  ${child.name} said:\n${child.output()}`)
  return stage.failures.map((failure) => `${quickStart.name}, ${storage}: ${failure}`)
}

async function main(): Promise<number> {
  const failures: string[] = []
  for (const storage of ['InMemory', 'Sqlite'] as const) {
    for (const quickStart of QUICK_STARTS) failures.push(...(await rehearse(quickStart, storage)))
  }
  print(
    failures.length === 0 ? 'smoke: every answer is as promised' : `smoke: ${failures.length} failures\n${failures.join('\n')}`,
  )
  return failures.length === 0 ? 0 : 1
}

takeNoArguments('smoke', 'Runs the quick starts of the README against real processes, in memory and durable.')
process.exitCode = await main()
