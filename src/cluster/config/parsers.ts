import type { AddPeerRequest } from '../../api/index.ts'
import { parseDnsName } from '../../discovery/index.ts'
import { MAX_ANNOUNCED_ADDRESSES } from '../../limits.ts'
import { formatHostPort, isHost, parseHostPort, parsePort } from './host-port.ts'
import type { HostPort } from './host-port.ts'
import { isRelayUrl } from '../../api/index.ts'
import { parsePeers, splitList, takePeers } from './peer-list.ts'
import { fieldsOf, stringsOf } from './untyped.ts'

const MAX_RELAYS = 16
const MAX_DNS_NAMES = 8

/** How a value is written in TOML: the text of the other layers is the same value, spelled out. */
export type TomlForm = 'string' | 'integer' | 'boolean' | 'list'

/** Turns what a person wrote into a value. */
export interface Parser<T> {
  readonly form: TomlForm
  /** What is allowed, in words that follow "give". */
  readonly allowed: string
  /** Undefined when the text is not allowed. */
  parse(text: string): T | undefined
  /** From a value of a program, whatever its type; undefined when it is not allowed. */
  take(value: unknown): T | undefined
  /** What {@link take} allows, where that is not what stands in `allowed`. */
  readonly allowedValue?: string
  /** The value as a person would write it. */
  format(value: T): string
}

/** The `take` of a setting that a program gives as the text itself. */
function taking<T>(parse: (text: string) => T | undefined): (value: unknown) => T | undefined {
  return (value) => (typeof value === 'string' ? parse(value) : undefined)
}

function text(parse: (text: string) => string | undefined): Pick<Parser<string>, 'parse' | 'take'> {
  return { parse, take: taking(parse) }
}

/** The `take` of a number: one that its digits stand for. */
function takingNumber(parse: (text: string) => number | undefined): (value: unknown) => number | undefined {
  return (value) => (typeof value === 'number' ? parse(String(value)) : undefined)
}

/** A whole number in decimal digits from `min` to `max`. */
export function integer(min: number, max: number, unit = ''): Parser<number> {
  const parse = (text: string): number | undefined => {
    if (!/^\d{1,16}$/.test(text)) return undefined
    const value = Number(text)
    return value >= min && value <= max ? value : undefined
  }
  return {
    form: 'integer',
    allowed: `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`,
    parse,
    take: takingNumber(parse),
    format: String,
  }
}

/** One of a few words, whatever their case; the value is the word as spelled here, or what it is an alias for. */
export function oneOf<T extends string>(words: readonly T[], aliases: Readonly<Record<string, T>> = {}): Parser<T> {
  const parse = (text: string): T | undefined => {
    const wanted = text.toLowerCase()
    const alias = Object.entries(aliases).find(([name]) => name.toLowerCase() === wanted)
    return words.find((word) => word.toLowerCase() === wanted) ?? alias?.[1]
  }
  return {
    form: 'string',
    allowed: `one of ${[...words, ...Object.keys(aliases)].join(', ')}`,
    parse,
    take: taking(parse),
    format: String,
  }
}

const SWITCH_WORDS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['0', false],
  ['no', false],
  ['off', false],
])

/** The usual words, whatever their case; a TOML file has booleans of its own. */
export const trueOrFalse: Parser<boolean> = {
  form: 'boolean',
  allowed: 'true or false',
  parse: (text) => SWITCH_WORDS.get(text.toLowerCase()),
  take: (value) => (typeof value === 'boolean' ? value : undefined),
  format: String,
}

export const port: Parser<number> = {
  form: 'integer',
  allowed: 'a port from 0 to 65535, 0 for any free one',
  parse: parsePort,
  take: takingNumber(parsePort),
  format: String,
}

export const host: Parser<string> = {
  form: 'string',
  allowed: 'an IP address or a host name, without a port',
  ...text((given) => (isHost(given) ? given : undefined)),
  format: String,
}

export const hostPort: Parser<HostPort> = {
  form: 'string',
  allowed: 'host:port or [IPv6 address]:port, port 0 for any free one',
  parse: parseHostPort,
  allowedValue: '{ host, port }: an IP address or a host name without brackets, and a port from 0 to 65535, 0 for any free one',
  take(value) {
    const given = fieldsOf(value, ['host', 'port'])
    if (given === undefined || typeof given.host !== 'string' || typeof given.port !== 'number') return undefined
    return parseHostPort(formatHostPort({ host: given.host, port: given.port }))
  },
  format: formatHostPort,
}

export const path: Parser<string> = {
  form: 'string',
  allowed: 'a path that is not empty',
  ...text((given) => (given === '' || given.includes('\0') ? undefined : given)),
  format: String,
}

/** The shared secret of a cluster. */
export const cookie: Parser<string> = {
  form: 'string',
  allowed: '1 to 1024 characters without control characters',
  ...text((given) => (/^[^\p{Cc}\p{Cs}]{1,1024}$/u.test(given) ? given : undefined)),
  format: String,
}

/** The token68 characters that RFC 6750 section 2.1 lets follow "Bearer". */
export const bearerToken: Parser<string> = {
  form: 'string',
  allowed: '1 to 1024 letters, digits and -._~+/ with any = at the end',
  ...text((given) => (/^(?=.{1,1024}$)[A-Za-z0-9\-._~+/]+=*$/.test(given) ? given : undefined)),
  format: String,
}

/** What is wrong with one is said when it is read: that takes the cookie, and the time. */
export const ticket: Parser<string> = {
  form: 'string',
  allowed: 'a ticket, as GET /cluster-ticket answers it: aspen, then letters and digits',
  ...text((given) => (/^\s*aspen/i.test(given) ? given.trim() : undefined)),
  format: String,
}

export const hostList: Parser<readonly string[]> = {
  form: 'list',
  allowed: 'host names or addresses without ports, separated by commas, at most 100; or *',
  parse(text) {
    const names = splitList(text).map((name) => name.toLowerCase())
    return names.length <= 100 && names.every((name) => name === '*' || isHost(name)) ? names : undefined
  },
  allowedValue: 'an array of at most 100 host names or addresses without ports; or of *',
  take(value) {
    const names = stringsOf(value)
    return names === undefined || names.some((name) => splitList(name)[0] !== name) ? undefined : this.parse(names.join(','))
  },
  format: (names) => names.join(','),
}

/** Where others reach a node: a port that is there. */
export const addressList: Parser<readonly string[]> = {
  form: 'list',
  allowed: `host:port or [IPv6 address]:port, separated by commas, at most ${MAX_ANNOUNCED_ADDRESSES}, port from 1`,
  parse(text) {
    const addresses = splitList(text).map(parseHostPort)
    if (addresses.length > MAX_ANNOUNCED_ADDRESSES) return undefined
    const known = addresses.flatMap((address) => (address === undefined || address.port === 0 ? [] : [formatHostPort(address)]))
    return known.length === addresses.length ? known : undefined
  },
  allowedValue: `an array of at most ${MAX_ANNOUNCED_ADDRESSES} times host:port, port from 1`,
  take(value) {
    const addresses = stringsOf(value)
    return addresses === undefined || addresses.some((one) => splitList(one)[0] !== one)
      ? undefined
      : this.parse(addresses.join(','))
  },
  format: (addresses) => addresses.join(','),
}

export const dnsNameList: Parser<readonly string[]> = {
  form: 'list',
  allowed: `NAME:PORT, _SERVICE._tcp.NAME, NAME?type=SRV or NAME, each with dns://SERVER[:PORT]/ before it or not, the server an IP address; separated by commas, at most ${MAX_DNS_NAMES}`,
  parse(text) {
    const names = splitList(text)
    return names.length <= MAX_DNS_NAMES && names.every((name) => parseDnsName(name) !== undefined) ? names : undefined
  },
  take(value) {
    const names = stringsOf(value)
    return names === undefined || names.some((one) => splitList(one)[0] !== one) ? undefined : this.parse(names.join(','))
  },
  format: (names) => names.join(','),
}

export const relayUrl: Parser<string> = {
  form: 'string',
  allowed: 'an http(s) URL',
  ...text((given) => (isRelayUrl(given) ? given : undefined)),
  format: String,
}

export const relayList: Parser<readonly string[]> = {
  form: 'list',
  allowed: `http(s) URLs, separated by commas, at most ${MAX_RELAYS}`,
  parse(text) {
    const urls = splitList(text)
    return urls.length <= MAX_RELAYS && urls.every(isRelayUrl) ? urls : undefined
  },
  allowedValue: `an array of at most ${MAX_RELAYS} http(s) URLs`,
  take(value) {
    const urls = stringsOf(value)
    return urls === undefined || urls.some((one) => splitList(one)[0] !== one) ? undefined : this.parse(urls.join(','))
  },
  format: (urls) => urls.join(','),
}

export const peerList: Parser<readonly AddPeerRequest[]> = {
  form: 'list',
  allowed: 'ID@ENDPOINT_ID[:HINT], separated by commas: an ID from 1, 64 hex digits, and host:port or an http(s) relay URL',
  parse: parsePeers,
  allowedValue:
    'an array of { nodeId, endpointId, addresses, relay? }: a whole number from 1, 64 hex digits, host:port each, and an http(s) URL or null',
  take: takePeers,
  format: (peers) => peers.map((peer) => `${peer.nodeId}@${peer.endpointId}`).join(','),
}
