import { DirectCarrier } from '../direct/index.ts'
import { IrohCarrier } from '../iroh/index.ts'
import { LinkReports, systemClock } from '../link/index.ts'
import type { Carrier } from '../link/index.ts'
import type { DirectTransportOptions } from './direct-transport.ts'
import { PathsTransport } from './paths-transport.ts'

export interface PathChoice {
  /** `auto`: direct, and iroh for peers that are not reached so, or where there are relays. */
  readonly choice: 'auto' | 'iroh' | 'direct'
  /** URLs of the relays that this node is reached through, over iroh. */
  readonly relays: readonly string[]
}

/** The transport of a node. Nothing of iroh is loaded before it is needed. */
export function openTransport(options: DirectTransportOptions, { choice, relays }: PathChoice): PathsTransport {
  const { clock = systemClock, identity, logger, metrics } = options
  const reports = new LinkReports(logger, metrics)
  const common = { ...options, endpointId: identity.endpointId, reports, clock, relay: relays[0] ?? null }
  const iroh = (port: () => number): Carrier => new IrohCarrier({ ...options, port, relays }, clock, reports)
  if (choice === 'iroh') return new PathsTransport({ ...common, carriers: [iroh(() => options.port)] })
  const direct = new DirectCarrier(options, clock, reports)
  if (choice === 'direct') return new PathsTransport({ ...common, relay: null, carriers: [direct] })
  return new PathsTransport({
    ...common,
    carriers: [direct],
    // Whoever is reached on loopback alone is reached by nobody else over iroh either, but through a relay.
    fallback: {
      carrier: iroh(() => direct.port ?? options.port),
      atStart: relays.length > 0,
      forUnreached: !isLoopback(options.host),
    },
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
