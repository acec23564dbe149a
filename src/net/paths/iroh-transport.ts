import { IrohCarrier } from '../iroh/index.ts'
import type { IrohCarrierOptions } from '../iroh/index.ts'
import { LinkReports, systemClock } from '../link/index.ts'
import type { NodeTransportOptions } from './direct-transport.ts'
import { PathsTransport } from './paths-transport.ts'

export type IrohTransportOptions = NodeTransportOptions & Omit<IrohCarrierOptions, 'port'> & { readonly port: number }

/** Links over QUIC as iroh has it, and nothing else. */
export class IrohTransport extends PathsTransport {
  constructor(options: IrohTransportOptions) {
    const { clock = systemClock, identity, logger, metrics, port } = options
    const reports = new LinkReports(logger, metrics)
    const carriers = [new IrohCarrier({ ...options, port: () => port }, clock, reports)]
    super({ ...options, endpointId: identity.endpointId, reports, clock, carriers })
  }
}
