/** A whole durable node, as a library: command in, synced log, SQLite, answer out. No HTTP, no peers. */
import { AspenNode } from '../src/index.ts'
import { keepInFlight, measure } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { withTemporaryFolder } from './temporary-folder.ts'
import { keyOf, KEYS, setOf } from './workload.ts'

const IN_FLIGHT = [1, 64, 1024] as const
/** Room for the largest number in flight, all begun at once. */
const MAILBOX_CAPACITY = 2048
const PAIRS_A_WRITE = 100

/** Every key is there before the first is read. */
async function fill(node: AspenNode): Promise<void> {
  for (let first = 0; first < KEYS; first += PAIRS_A_WRITE) {
    const pairs = Array.from({ length: PAIRS_A_WRITE }, (_, i): [string, string] => [keyOf(first + i), 'x'])
    await node.write({ SetMulti: { pairs } })
  }
}

async function measureNode(node: AspenNode, budget: Budget, report: Report): Promise<void> {
  let operation = 0
  const kinds = [
    ['write', () => node.write(setOf(operation++))],
    ['read', () => node.read(keyOf(operation++))],
  ] as const
  for (const [kind, run] of kinds) {
    for (const inFlight of IN_FLIGHT) {
      const point = { benchmark: 'node', point: `${kind}, ${inFlight} in flight`, unit: `${kind}s` }
      report(await measure(budget, point, (durationMs) => keepInFlight(durationMs, inFlight, run)))
    }
  }
}

export async function benchmarkNode(budget: Budget, report: Report): Promise<void> {
  await withTemporaryFolder(async (dataDir) => {
    const node = await AspenNode.start({
      nodeId: 1,
      dataDir,
      storageBackend: 'Sqlite',
      cookie: 'bench',
      enableMdns: false,
      ractorPort: 0,
      raftMailboxCapacity: MAILBOX_CAPACITY,
    })
    try {
      await node.init([1])
      await fill(node)
      await measureNode(node, budget, report)
    } finally {
      await node.stop()
    }
  })
}
