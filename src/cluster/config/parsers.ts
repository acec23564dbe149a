import type { AddPeerRequest } from '../../api/index.ts'
import { formatHostPort, isHost, parseHostPort, parsePort } from './host-port.ts'
import type { HostPort } from './host-port.ts'
import { parsePeers, splitList } from './peer-list.ts'

/** How a value is written in TOML: the text of the other layers is the same value, spelled out. */
export type TomlForm = 'string' | 'integer' | 'boolean' | 'list'

/** Turns what a person wrote into a value. */
export interface Parser<T> {
  readonly form: TomlForm
  /** What is allowed, in words that follow "give". */
  readonly allowed: string
  /** Undefined when the text is not allowed. */
  parse(text: string): T | undefined
  /** The value as a person would write it. */
  format(value: T): string
}

/** A whole number in decimal digits from `min` to `max`. */
export function integer(min: number, max: number, unit = ''): Parser<number> {
  return {
    form: 'integer',
    allowed: `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,16}$/.test(text)) return undefined
      const value = Number(text)
      return value >= min && value <= max ? value : undefined
    },
    format: String,
  }
}

/** One of a few words, whatever their case; the value is the word as spelled here, or what it is an alias for. */
export function oneOf<T extends string>(words: readonly T[], aliases: Readonly<Record<string, T>> = {}): Parser<T> {
  return {
    form: 'string',
    allowed: `one of ${[...words, ...Object.keys(aliases)].join(', ')}`,
    parse(text) {
      const wanted = text.toLowerCase()
      const alias = Object.entries(aliases).find(([name]) => name.toLowerCase() === wanted)
      return words.find((word) => word.toLowerCase() === wanted) ?? alias?.[1]
    },
    format: String,
  }
}

export const trueOrFalse: Parser<boolean> = {
  form: 'boolean',
  allowed: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  format: String,
}

export const port: Parser<number> = {
  form: 'integer',
  allowed: 'a port from 0 to 65535, 0 for any free one',
  parse: parsePort,
  format: String,
}

export const host: Parser<string> = {
  form: 'string',
  allowed: 'an IP address or a host name, without a port',
  parse: (text) => (isHost(text) ? text : undefined),
  format: String,
}

export const hostPort: Parser<HostPort> = {
  form: 'string',
  allowed: 'host:port or [IPv6 address]:port, port 0 for any free one',
  parse: parseHostPort,
  format: formatHostPort,
}

export const path: Parser<string> = {
  form: 'string',
  allowed: 'a path that is not empty',
  parse: (text) => (text === '' || text.includes('\0') ? undefined : text),
  format: String,
}

/** The shared secret of a cluster. */
export const cookie: Parser<string> = {
  form: 'string',
  allowed: '1 to 1024 characters without control characters',
  parse: (text) => (/^[^\p{Cc}\p{Cs}]{1,1024}$/u.test(text) ? text : undefined),
  format: String,
}

/** The token68 characters that RFC 6750 section 2.1 lets follow "Bearer". */
export const bearerToken: Parser<string> = {
  form: 'string',
  allowed: '1 to 1024 letters, digits and -._~+/ with any = at the end',
  parse: (text) => (/^(?=.{1,1024}$)[A-Za-z0-9\-._~+/]+=*$/.test(text) ? text : undefined),
  format: String,
}

export const hostList: Parser<readonly string[]> = {
  form: 'list',
  allowed: 'host names or addresses without ports, separated by commas, at most 100; or *',
  parse(text) {
    const names = splitList(text).map((name) => name.toLowerCase())
    return names.length <= 100 && names.every((name) => name === '*' || isHost(name)) ? names : undefined
  },
  format: (names) => names.join(','),
}

export const peerList: Parser<readonly AddPeerRequest[]> = {
  form: 'list',
  allowed: 'ID@ENDPOINT_ID[:HINT], separated by commas: an ID from 1, 64 hex digits, and host:port or an http(s) relay URL',
  parse: parsePeers,
  format: (peers) => peers.map((peer) => `${peer.nodeId}@${peer.endpointId}`).join(','),
}
