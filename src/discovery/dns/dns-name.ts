/**
 * What a node is to look up in DNS, as `dns_discovery_url` says it, after RFC 4501:
 *
 *     NAME:PORT                  the addresses of a host name, A and AAAA, at this port
 *     _SERVICE._tcp.NAME         SRV records; of a name that does not begin so with `?type=SRV` behind it
 *     NAME                       a zone that keeps a TXT record for each key, as iroh has it
 *     dns://SERVER[:PORT]/...    any of these, asked of this name server (an IP address) and no other
 */
import { isIP } from 'node:net'
import { formatAddress, parseAddress } from '../../api/index.ts'

const DNS_PORT = 53
const MAX_NAME_LENGTH = 253
/** `_iroh.`, a key of 52 letters and a dot stand before it. */
const MAX_ZONE_LENGTH = MAX_NAME_LENGTH - 59

export interface DnsName {
  /** As it was given. */
  readonly text: string
  /** `address:port` of the name server; null for those of the system. */
  readonly server: string | null
  readonly name: string
  readonly kind: 'host' | 'service' | 'zone'
  /** Of a host. */
  readonly port: number | null
}

/** Undefined when it is not of this form. */
export function parseDnsName(text: string): DnsName | undefined {
  const [, authority, rest] = /^(?:dns:(?:\/\/([^/]*)\/)?)?([^/]+)$/.exec(text) ?? []
  const [, name = '', digits, type] = /^([^:?]+)(?::(\d{1,5}))?(?:\?type=(SRV|TXT))?$/.exec(rest ?? '') ?? []
  const server = serverOf(authority)
  if (server === undefined || !isDomainName(name)) return undefined
  if (digits !== undefined) {
    const port = parseAddress(`${name}:${digits}`)?.port
    return port === undefined || type !== undefined ? undefined : { text, server, name, kind: 'host', port }
  }
  const isService = type === undefined ? /^_[^.]+\._(tcp|udp)\./i.test(name) : type === 'SRV'
  if (!isService && name.length > MAX_ZONE_LENGTH) return undefined
  return { text, server, name, kind: isService ? 'service' : 'zone', port: null }
}

/** Null for none, undefined for one that makes no sense. */
function serverOf(authority = ''): string | null | undefined {
  if (authority === '') return null
  const host = authority.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return formatAddress(host, DNS_PORT)
  const address = parseAddress(authority)
  return address === undefined || isIP(address.host) === 0 ? undefined : formatAddress(address.host, address.port)
}

/** A name that can be looked up; no IP address, and nothing that some would take for one. */
export function isDomainName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length > MAX_NAME_LENGTH || /^[\d.]+$/.test(name)) return false
  return name.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,62})$/i.test(label))
}
