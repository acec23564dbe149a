/** Asks between the actors of two processes, over the links that nodes have: TLS over TCP on loopback. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RemoteRef } from '../src/actor/index.ts'
import type { FarEnd } from './link-end.ts'
import { keepInFlight, measure } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { startEnd } from './remote-actors-end.ts'
import type { Echo } from './remote-actors-end.ts'

const OPEN_TIMEOUT_MS = 10_000

async function reach(remote: RemoteRef<Echo>): Promise<void> {
  for (const end = performance.now() + OPEN_TIMEOUT_MS; performance.now() < end;) {
    const answer = await remote.call('echo', 1).catch(() => null)
    if (answer === 1) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`no answer within ${OPEN_TIMEOUT_MS} ms`)
}

export async function benchmarkRemoteActors(budget: Budget, report: Report): Promise<void> {
  const child = fork(fileURLToPath(new URL('./remote-actors-far-end.ts', import.meta.url)))
  try {
    const [far] = (await once(child, 'message')) as [FarEnd]
    const { system, transport } = await startEnd(1, new Map([[2, far.endpointId]]))
    transport.connect({ ...far, relay: null })
    try {
      const remote = system.remote<Echo>(2, 'echo')
      await reach(remote)
      for (const inFlight of [1, 32, 1_000]) {
        const point = { benchmark: 'remote-actors', point: `ask, ${inFlight.toLocaleString('en')} in flight`, unit: 'asks' }
        report(
          await measure(budget, point, (durationMs) => keepInFlight(durationMs, inFlight, (lane) => remote.call('echo', lane))),
        )
      }
    } finally {
      await transport.close()
    }
  } finally {
    child.disconnect()
  }
}
