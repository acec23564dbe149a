import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

export interface Address {
  /** An IP address or a host name, without brackets. */
  readonly host: string
  readonly port: number
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i

/** Reads `host:port`, `1.2.3.4:port` or `[::1]:port`; undefined when the text is none of them. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const port = Number(match[3])
  if (port < 1 || port > 65_535) return undefined
  const [, bracketed, plain] = match
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined
  if (plain === undefined || !HOST_NAME.test(plain)) return undefined
  // All digits and dots, but no address: a typing error rather than a name.
  if (/^[\d.]+$/.test(plain) && isIP(plain) === 0) return undefined
  return { host: plain, port }
}

export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where others can dial a socket bound to `host`: itself, or every external interface when it is bound to all. */
export function reachableAddresses(host: string, port: number): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [formatAddress(host, port)]
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  // Link-local IPv6 addresses mean nothing without the name of the sender's own interface.
  const usable = interfaces.filter((each) => !each.internal && (each.scopeid ?? 0) === 0)
  const external = usable
    .filter((each) => host === '::' || each.family === 'IPv4')
    .map((each) => formatAddress(each.address, port))
  return external.length > 0 ? external : [formatAddress(host === '::' ? '::1' : '127.0.0.1', port)]
}
