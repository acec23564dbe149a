/** Writes to three nodes over direct TLS, over iroh, and over iroh through a relay, in a network namespace: see iroh-clusters.ts. */
import { runInNamespace, whyNotHere } from '../test/iroh/in-namespace.ts'
import { whyNoRelay } from '../test/iroh/relay-hosts.ts'
import type { Budget, Report, Result } from './measure.ts'

const TIMEOUT_MS = 600_000

export async function benchmarkIroh(budget: Budget, report: Report): Promise<void> {
  const why = whyNotHere()
  if (why !== undefined) {
    console.error(`bench: iroh is left out: ${why}`)
    return
  }
  const noRelay = whyNoRelay()
  if (noRelay !== undefined) console.error(`bench: writes through a relay are left out: ${noRelay}`)
  const lines = runInNamespace(['bench/iroh-clusters.ts', JSON.stringify(budget)], TIMEOUT_MS)
  for (const line of lines.trim().split('\n')) report(JSON.parse(line) as Result)
}
