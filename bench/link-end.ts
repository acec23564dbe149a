/** What the two ends of a measured link agree on. */
import { Prng } from '../src/lib/index.ts'
import { generateIdentity } from '../src/net/index.ts'
import type { DirectTransportOptions } from '../src/net/index.ts'
import { noMetrics, silentLogger } from '../src/ports/index.ts'

/** Where the far end can be dialled. */
export interface FarEnd {
  readonly endpointId: string
  readonly addresses: readonly string[]
}

/** A new identity on a free port of loopback. */
export function linkOptions(nodeId: number): DirectTransportOptions {
  return {
    identity: generateIdentity(),
    cookie: 'bench',
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    metrics: noMetrics,
    random: new Prng(nodeId),
  }
}
