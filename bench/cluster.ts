/**
 * Three durable nodes as processes, asked over HTTP: all requests at the leader, and spread over all nodes, where two of
 * three hand writes on. Where the machine has etcd, its leader under the same load, over its JSON gateway.
 */
import { connectHttp } from '../src/client/index.ts'
import { Fleet } from '../test/chaos/fleet.ts'
import { startEtcd } from './etcd.ts'
import { postOf, withLoad } from './load-thread.ts'
import { measure } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { keyOf, KEYS, setOf, VALUE } from './workload.ts'

const NODES = 3
const CONNECTIONS = [64, 256] as const
/** Different requests that the load goes through, over and over. */
const REQUESTS = 1000
const LEADER_TIMEOUT_MS = 20_000
const PAIRS_A_WRITE = 100

const requestsOf = (request: (operation: number) => string): string[] => Array.from({ length: REQUESTS }, (_, i) => request(i))
const PUTS = requestsOf((i) => postOf('/write', { command: setOf(i) }))
const GETS = requestsOf((i) => postOf('/read', { key: keyOf(i) }))

interface Target {
  readonly name: string
  readonly ports: readonly number[]
  readonly requests: readonly string[]
}

async function measureTarget({ name, ports, requests }: Target, budget: Budget, report: Report): Promise<void> {
  for (const connections of CONNECTIONS) {
    const point = { benchmark: 'cluster', point: `${name}, ${connections} connections`, unit: 'requests' }
    await withLoad({ ports, connections, depth: 1, requests }, async (run) => report(await measure(budget, point, run)))
  }
}

/** Every key is there before the first is measured. */
async function fill(url: string): Promise<void> {
  const client = connectHttp(url)
  for (let first = 0; first < KEYS; first += PAIRS_A_WRITE) {
    const pairs = Array.from({ length: PAIRS_A_WRITE }, (_, i): [string, string] => [keyOf(first + i), VALUE])
    await client.write({ SetMulti: { pairs } })
  }
  client.close()
}

async function measureAspen(budget: Budget, report: Report): Promise<void> {
  const fleet = await Fleet.start(NODES)
  try {
    const leading = await fleet.leaderNode(LEADER_TIMEOUT_MS)
    await fill(leading.url)
    const portsOf = (nodes: typeof fleet.nodes): number[] => nodes.map(({ plan }) => plan.httpPort)
    await measureTarget({ name: 'put, leader', ports: portsOf([leading]), requests: PUTS }, budget, report)
    await measureTarget({ name: 'put, all nodes', ports: portsOf(fleet.nodes), requests: PUTS }, budget, report)
    await measureTarget({ name: 'get, leader', ports: portsOf([leading]), requests: GETS }, budget, report)
    await measureTarget({ name: 'get, all nodes', ports: portsOf(fleet.nodes), requests: GETS }, budget, report)
  } finally {
    await fleet.stop()
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

async function measureEtcd(budget: Budget, report: Report): Promise<void> {
  const etcd = await startEtcd(NODES)
  if (etcd === undefined) return
  try {
    const requests = requestsOf((i) => postOf('/v3/kv/put', { key: base64(keyOf(i)), value: base64(VALUE) }))
    await measureTarget({ name: 'etcd: put, leader', ports: [etcd.leaderPort], requests }, budget, report)
  } finally {
    await etcd.stop()
  }
}

export async function benchmarkCluster(budget: Budget, report: Report): Promise<void> {
  await measureAspen(budget, report)
  await measureEtcd(budget, report)
}
