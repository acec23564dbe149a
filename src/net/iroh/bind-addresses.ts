import { isIPv6 } from 'node:net'
import { formatAddress } from '../../api/index.ts'
import { interfacesNow } from '../../machine/index.ts'

/**
 * What the endpoint is to bind so that it is reached where a TCP socket bound to `host` would be: that, and for the other address family
 * loopback. The binding opens every interface of a family that it is told nothing for.
 */
export function bindAddresses(host: string, port: number, hasLoopback6: boolean = hasIPv6Loopback()): string[] {
  // A TCP socket bound to all addresses of IPv6 takes those of IPv4 as well.
  if (host === '::') return [formatAddress('0.0.0.0', port), formatAddress('::', port)]
  if (isIPv6(host)) return [formatAddress('127.0.0.1', port), formatAddress(host, port)]
  return hasLoopback6 ? [formatAddress(host, port), formatAddress('::1', port)] : [formatAddress(host, port)]
}

function hasIPv6Loopback(): boolean {
  return Object.values(interfacesNow()).some((list) => list?.some(({ address }) => address === '::1') === true)
}
