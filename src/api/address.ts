/** Names of nodes on the network, as users write them: an endpoint id, and addresses of the form `host:port`. */
export interface Address {
  /** An IP address or a host name, without brackets. */
  readonly host: string
  readonly port: number
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]\d|\d)(?:\.(?!$)|$)){4}$/
const IPV6_GROUP = /^[0-9a-f]{1,4}$/i
const IPV6_ZONE = /^[0-9a-z.:-]+$/i
const IPV6_GROUPS = 8

/** Whether a text has the form of an endpoint id: 64 lower-case hexadecimal digits. */
export function isEndpointId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}

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
  if (/^[\d.]+$/.test(plain) && !isIPv4(plain)) return undefined
  return { host: plain, port }
}

export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** As `net.isIPv4` of Node says it, without Node. */
export function isIPv4(text: string): boolean {
  return IPV4.test(text)
}

/** As `net.isIPv6` of Node says it, without Node. */
export function isIPv6(text: string): boolean {
  const [address = '', zone, ...more] = text.split('%')
  if (more.length > 0 || (zone !== undefined && !IPV6_ZONE.test(zone))) return false
  const halves = address.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)
  // An IPv4 address may stand for the last two groups.
  const embedded = last !== undefined && isIPv4(last) && !address.endsWith('::')
  const plain = embedded ? groups.slice(0, -1) : groups
  if (!plain.every((group) => IPV6_GROUP.test(group))) return false
  const length = plain.length + (embedded ? 2 : 0)
  return halves.length === 2 ? length < IPV6_GROUPS : length === IPV6_GROUPS
}
