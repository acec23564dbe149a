/**
 * A client over links beside three durable nodes, each a process of its own: what one connection carries, to the leader
 * and to a follower, which hands writes on. Nodes, client and disk share the machine.
 */
import { connectHttp, connectLink } from '../src/client/index.ts'
import type { AspenLinkClient, LinkEndpoint } from '../src/client/index.ts'
import { completeConfig } from '../src/cluster/index.ts'
import { Fleet } from '../test/chaos/fleet.ts'
import type { FleetNode } from '../test/chaos/fleet.ts'
import { LOOPBACK } from '../tools/cluster/node-plan.ts'
import { keepInFlight, measure } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { keyOf, KEYS, setOf, VALUE } from './workload.ts'

const NODES = 3
const IN_FLIGHT = [1, 64, 1000] as const
const LEADER_TIMEOUT_MS = 20_000
const PAIRS_A_WRITE = 100

async function endpointOf({ url, plan }: FleetNode): Promise<LinkEndpoint> {
  const http = connectHttp(url)
  try {
    const { endpointId } = await http.status()
    return { endpointId, address: `${LOOPBACK}:${plan.ractorPort}` }
  } finally {
    http.close()
  }
}

/** Every key is there before the first is measured. */
async function fill(client: AspenLinkClient): Promise<void> {
  for (let first = 0; first < KEYS; first += PAIRS_A_WRITE) {
    const pairs = Array.from({ length: PAIRS_A_WRITE }, (_, i): [string, string] => [keyOf(first + i), VALUE])
    await client.write({ SetMulti: { pairs } })
  }
}

async function measureAt(where: string, endpoint: LinkEndpoint, budget: Budget, report: Report): Promise<void> {
  const client = connectLink({ endpoints: [endpoint], cookie: completeConfig({ nodeId: 1 }).cookie })
  let operation = 0
  const kinds = [
    ['put', () => client.write(setOf(operation++))],
    ['get', () => client.read(keyOf(operation++))],
  ] as const
  try {
    await fill(client)
    for (const [kind, run] of kinds) {
      for (const inFlight of IN_FLIGHT) {
        const point = { benchmark: 'client', point: `${kind} at ${where}, ${inFlight} in flight`, unit: `${kind}s` }
        report(await measure(budget, point, (durationMs) => keepInFlight(durationMs, inFlight, run)))
      }
    }
  } finally {
    client.close()
  }
}

export async function benchmarkClient(budget: Budget, report: Report): Promise<void> {
  const fleet = await Fleet.start(NODES)
  try {
    const leading = await fleet.leaderNode(LEADER_TIMEOUT_MS)
    const following = fleet.nodes.find(({ id }) => id !== leading.id) as FleetNode
    await measureAt('the leader', await endpointOf(leading), budget, report)
    await measureAt('a follower', await endpointOf(following), budget, report)
  } finally {
    await fleet.stop()
  }
}
