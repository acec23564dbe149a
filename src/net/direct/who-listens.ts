import { connect } from 'node:tls'
import type { Address } from '../../api/index.ts'
import { provenEndpointId } from './tls-context.ts'

/**
 * The endpoint id of the node that listens at an address, by the key that it proves in its first flight; undefined when nobody does within
 * `timeoutMs`. Nothing is proven to it, and nothing is said: it sees a connection that ends early.
 */
export function whoListens({ host, port }: Address, protocol: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ALPNProtocols: [protocol], rejectUnauthorized: false, minVersion: 'TLSv1.3' })
    const end = (endpointId: string | undefined): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(endpointId)
    }
    const timer = setTimeout(() => end(undefined), timeoutMs)
    socket.once('secureConnect', () => end(provenEndpointId(socket)))
    socket.on('error', () => end(undefined))
  })
}
