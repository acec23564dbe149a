import type { Clock, Logger, Metrics } from '../../ports/index.ts'
import { DirectCarrier } from '../direct/index.ts'
import type { DirectCarrierOptions } from '../direct/index.ts'
import { LinkReports, systemClock } from '../link/index.ts'
import { PathsTransport } from './paths-transport.ts'
import type { PathsTransportOptions } from './paths-transport.ts'

/** What a node brings to its transport, whichever carriers that has. */
export interface NodeTransportOptions extends Omit<PathsTransportOptions, 'endpointId' | 'reports' | 'clock' | 'carriers'> {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock?: Clock
}

export type DirectTransportOptions = NodeTransportOptions & DirectCarrierOptions

/** Links over TLS 1.3 on TCP, and nothing else. */
export class DirectTransport extends PathsTransport {
  constructor(options: DirectTransportOptions) {
    const { clock = systemClock, identity, logger, metrics } = options
    const reports = new LinkReports(logger, metrics)
    const carriers = [new DirectCarrier(options, clock, reports)]
    super({ ...options, endpointId: identity.endpointId, reports, clock, carriers })
  }
}
