import { connect } from 'node:tls'
import type { Address } from '../../api/index.ts'
import { provenEndpointId } from './tls-context.ts'

/** What a connection asks for that wants to know who listens, and nothing else. */
export const WHO_LISTENS_PROTOCOL = 'aspen/who/1'

/**
 * The endpoint id of the node that listens at an address, by the key that it proves in its first flight; undefined when nobody does within
 * `timeoutMs`. Nothing is proven to it, and nothing is said: it sees a connection that ends early.
 */
export function whoListens({ host, port }: Address, protocol: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ALPNProtocols: [protocol], rejectUnauthorized: false, minVersion: 'TLSv1.3' })
    const end = (endpointId: string | undefined): void => {
      clearTimeout(timer)
      // What is left to say of TLS is said, for the other end to know how it was meant.
      socket.destroySoon()
      resolve(endpointId)
    }
    const timer = setTimeout(() => {
      socket.destroy()
      end(undefined)
    }, timeoutMs)
    socket.once('secureConnect', () => end(provenEndpointId(socket)))
    socket.on('error', () => end(undefined))
  })
}
