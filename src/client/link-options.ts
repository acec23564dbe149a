/** What a client over links is told, checked. */
import { AspenError } from '../api/index.ts'
import { isEndpointId, parseAddress } from '../net/index.ts'
import type { NodeIdentity } from '../net/index.ts'

/** One node: the key it must prove, and where it is dialled. */
export interface LinkEndpoint {
  /** 64 lower-case hexadecimal digits, as `/node-info` and the node's log say. */
  readonly endpointId: string
  /** `host:port` of the node's links: its `ractor_port`, not its HTTP port. */
  readonly address: string
}

export interface LinkClientOptions {
  /** Any nodes of one cluster. */
  readonly endpoints: readonly LinkEndpoint[]
  /** The secret that the nodes share. */
  readonly cookie: string
  /** Milliseconds a call may take unless it says otherwise; 5000 when absent. */
  readonly timeoutMs?: number
  /** The key of this client; one drawn for it alone when absent. It gives no rights. */
  readonly identity?: NodeIdentity
  /** Requests to one node at a time, 1 to 1000; further ones wait here. 1000 when absent. */
  readonly maxInFlight?: number
  /** Milliseconds between two looks at whether a node is alive; it is given up after more than three silent ones. 1000 when absent. */
  readonly keepAliveMs?: number
  /** The cost of the key that stands for the cookie; a power of two. That of the nodes, which is the default. */
  readonly scryptCost?: number
}

/** @throws AspenError INVALID_REQUEST */
export function checkLinkOptions(options: LinkClientOptions, mostInFlight: number): void {
  const { endpoints, cookie, maxInFlight = mostInFlight } = options
  if (endpoints.length === 0) throw invalid('give the endpoint id and the address of at least one node')
  for (const { endpointId, address } of endpoints) {
    if (!isEndpointId(endpointId)) {
      throw invalid(`${JSON.stringify(endpointId)} is no endpoint id: 64 lower-case hexadecimal digits, as /node-info says`)
    }
    if (parseAddress(address) === undefined) {
      throw invalid(`${JSON.stringify(address)} is not the address of a node: write host:port, the port being its ractor_port`)
    }
  }
  if (cookie === '') throw invalid('the cookie is empty: give the one that the nodes were started with')
  if (!Number.isSafeInteger(maxInFlight) || maxInFlight < 1 || maxInFlight > mostInFlight) {
    throw invalid(`maxInFlight is ${maxInFlight}: it must be a whole number from 1 to ${mostInFlight}`)
  }
}

function invalid(message: string): AspenError {
  return new AspenError('INVALID_REQUEST', message)
}
