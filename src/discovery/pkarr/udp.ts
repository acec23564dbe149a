import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Where a node of the DHT is: an IPv4 address and a port. */
export interface Contact {
  readonly host: string
  readonly port: number
}

export interface Udp {
  /** What cannot be sent is told by an error. */
  send(bytes: Uint8Array, to: Contact): void
  close(): Promise<void>
}

export interface UdpListener {
  heard(bytes: Buffer, from: Contact): void
  /** Something was not sent to this one; null: nothing is sent or heard from now on. */
  failed(error: Error, to: Contact | null): void
}

export type OpenUdp = (listener: UdpListener) => Udp

/** A socket of IPv4, which is what the DHT is spoken over, on any free port of this address. */
export function udpOn(host: string): OpenUdp {
  return (listener) => {
    const socket = createSocket('udp4')
    socket.on('error', (error) => listener.failed(error, null))
    socket.on('message', (bytes, { address, port }) => listener.heard(bytes, { host: address, port }))
    socket.bind({ address: ipv4Of(host), port: 0 })
    return {
      send: (bytes, to) =>
        socket.send(bytes, to.port, to.host, (error) => {
          if (error !== null) listener.failed(error, to)
        }),
      close: () => new Promise((resolve) => socket.close(() => resolve())),
    }
  }
}

/** A node that listens on IPv6 alone has loopback of the other family. */
function ipv4Of(host: string): string {
  if (host === '::') return '0.0.0.0'
  return isIPv6(host) ? '127.0.0.1' : host
}
