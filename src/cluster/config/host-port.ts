import { BlockList, isIP, isIPv6 } from 'node:net'

/** Where to listen or to dial; the host is a name or an address, without brackets. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9_-]{0,62})(\.[a-z0-9]([a-z0-9_-]{0,62}))*\.?$/i
const DIGITS_AND_DOTS = /^[0-9.]+$/

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether this is an IP address (no brackets) or a host name. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  // "127.0.0" and "1234" would be taken for addresses by some resolvers and for names by others.
  return HOST_NAME.test(text) && !DIGITS_AND_DOTS.test(text)
}

/** The port in decimal digits, 0 to 65535, or undefined. */
export function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port <= 65_535 ? port : undefined
}

/** `host:port` or `[v6]:port`, or undefined. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain, digits] = match
  const port = parsePort(digits as string)
  if (port === undefined) return undefined
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined
  return isHost(plain as string) ? { host: plain as string, port } : undefined
}

/** The inverse of {@link parseHostPort}. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether only this machine reaches a socket bound to the host. Names other than localhost are not looked up: no. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
