import type { Socket } from 'node:net'
import { formatAddress } from '../../api/index.ts'
import { interfacesNow } from '../../machine/index.ts'

/** Where others can dial a socket bound to `host`: itself, or every external interface when it is bound to all. */
export function reachableAddresses(host: string, port: number): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [formatAddress(host, port)]
  const interfaces = Object.values(interfacesNow()).flatMap((list) => list ?? [])
  // Link-local IPv6 addresses mean nothing without the name of the sender's own interface.
  const usable = interfaces.filter((each) => !each.internal && (each.scopeid ?? 0) === 0)
  const external = usable
    .filter((each) => host === '::' || each.family === 'IPv4')
    .map((each) => formatAddress(each.address, port))
  return external.length > 0 ? external : [formatAddress(host === '::' ? '::1' : '127.0.0.1', port)]
}

/** Where a node says that it is: as somebody says, or where it listens; nowhere before it does. */
export function advertisedAddresses(
  { host, advertised = [] }: { readonly host: string; readonly advertised?: readonly string[] },
  port: number | undefined,
): readonly string[] {
  if (port === undefined) return []
  return advertised.length > 0 ? advertised : reachableAddresses(host, port)
}

/** Where the other end of a connection is; null once that is not known any more. */
export function remoteOf({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string | null {
  return remoteAddress === undefined ? null : formatAddress(remoteAddress, remotePort ?? 0)
}
