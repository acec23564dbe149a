/** Runs as a process of its own, in a network namespace; prints a result a line. */
import { Fleet } from '../test/chaos/fleet.ts'
import { RelayHosts, whyNoRelay } from '../test/iroh/relay-hosts.ts'
import { request } from '../tools/cluster/http-json.ts'
import { postOf, withLoad } from './load-thread.ts'
import { measure } from './measure.ts'
import type { Budget } from './measure.ts'
import { setOf } from './workload.ts'

const NODES = 3
const IN_FLIGHT = [1, 64] as const
const LEADER_TIMEOUT_MS = 20_000
const REQUESTS = Array.from({ length: 1_000 }, (_, i) => postOf('/write', { command: setOf(i) }))

async function measurePath(name: string, at: { readonly host: string; readonly port: number }, budget: Budget): Promise<void> {
  for (const connections of IN_FLIGHT) {
    const point = { benchmark: 'iroh', point: `put, ${name}, ${connections} in flight`, unit: 'requests' }
    await withLoad({ host: at.host, ports: [at.port], connections, depth: 1, requests: REQUESTS }, async (run) => {
      console.log(JSON.stringify(await measure(budget, point, run)))
    })
  }
}

async function measureFleet(name: string, transport: string, budget: Budget): Promise<void> {
  const fleet = await Fleet.start(NODES, { more: ['--transport', transport, '--log-level', 'error'] })
  try {
    const { plan } = await fleet.leaderNode(LEADER_TIMEOUT_MS)
    await measurePath(name, { host: '127.0.0.1', port: plan.httpPort }, budget)
  } finally {
    await fleet.stop()
  }
}

async function measureRelayed(budget: Budget): Promise<void> {
  const world = await RelayHosts.start('iroh')
  try {
    const [any] = world.hosts
    const { body } = await request('GET', `${any?.url}/health`)
    const { leader } = body as { readonly leader: number }
    const host = world.hosts.find(({ nodeId }) => nodeId === leader)
    if (host === undefined) throw new Error('the relayed nodes have no leader')
    await measurePath('iroh through a relay', { host: host.address, port: host.port }, budget)
  } finally {
    await world.stop()
  }
}

const budget = JSON.parse(process.argv[2] ?? '') as Budget
await measureFleet('direct TLS', 'direct', budget)
await measureFleet('iroh', 'iroh', budget)
if (whyNoRelay() === undefined) await measureRelayed(budget)
