/**
 * One HTTP hop: the server over a store in plain memory, so that what is measured is the face and nothing behind it.
 * The load comes over loopback from a thread of its own.
 */
import { createHttpServer, PrometheusMetrics } from '../src/faces/http/index.ts'
import { silentLogger } from '../src/ports/index.ts'
import { InMemoryCluster } from '../src/testing/index.ts'
import { postOf, withLoad } from './load-thread.ts'
import { measure } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { keyOf, KEYS, setOf, VALUE } from './workload.ts'

const CONNECTIONS = [1, 64, 256] as const
/** Different requests that the load goes through, over and over. */
const REQUESTS = 1000

const requestsOf = (request: (operation: number) => string): string[] => Array.from({ length: REQUESTS }, (_, i) => request(i))

async function startServer(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const cluster = new InMemoryCluster({ initialized: true })
  for (let i = 0; i < KEYS; i++) await cluster.write({ Set: { key: keyOf(i), value: VALUE } })
  const server = createHttpServer({
    store: cluster,
    controller: cluster,
    status: cluster,
    metrics: new PrometheusMetrics({ processMetrics: false }),
    logger: silentLogger,
    nodeId: 1,
    host: '127.0.0.1',
    port: 0,
  })
  const url = await server.listen()
  return { port: Number(new URL(url).port), close: () => server.close(0) }
}

export async function benchmarkHttp(budget: Budget, report: Report): Promise<void> {
  const { port, close } = await startServer()
  const kinds = [
    ['/write', requestsOf((i) => postOf('/write', { command: setOf(i) }))],
    ['/read', requestsOf((i) => postOf('/read', { key: keyOf(i) }))],
  ] as const
  try {
    for (const [path, requests] of kinds) {
      for (const connections of CONNECTIONS) {
        const point = {
          benchmark: 'http',
          point: `POST ${path}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
          unit: 'requests',
        }
        await withLoad({ ports: [port], connections, depth: 1, requests }, async (run) =>
          report(await measure(budget, point, run)),
        )
      }
      const point = { benchmark: 'http', point: `POST ${path}, 64 connections, 4 deep`, unit: 'requests' }
      await withLoad({ ports: [port], connections: 64, depth: 4, requests }, async (run) =>
        report(await measure(budget, point, run)),
      )
    }
  } finally {
    await close()
  }
}
