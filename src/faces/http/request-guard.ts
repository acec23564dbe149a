/**
 * Who may ask. A browser that was lured onto a page of someone else's must not reach a node on loopback: the Host
 * header stops names that were rebound to it (DNS rebinding), the Origin header stops posts from other sites, and the
 * token, where there is one, stops everybody who does not have it.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { allows, AspenError } from '../../api/index.ts'
import type { Scope } from '../../api/index.ts'
import type { TokenHolder, Tokens } from '../../ports/index.ts'

export interface GuardOptions {
  /** The address the server is bound to. */
  readonly host: string
  /** Further names clients may use for this node, without ports; '*' allows every name. */
  readonly allowedHosts: readonly string[]
  /** Undefined where nobody needs one. */
  readonly tokens: Tokens | undefined
  /** Called with whose token it is that a request for an admin's route brought. */
  readonly identified?: (request: IncomingMessage, holder: TokenHolder) => void
}

/** Answers the error to refuse a request with, or undefined. */
export type RequestGuard = (request: IncomingMessage, needs: Scope | 'open') => AspenError | undefined

const NO_TOKEN = 'this node wants a token: send Authorization: Bearer <token>'
const MAX_REMEMBERED_HOSTS = 64
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

export function isLoopback(host: string): boolean {
  const name = canonicalName(host)
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** One spelling for each name and address: IPv6 in its shortest form and without a zone, IPv4 within IPv6 as IPv4. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase()
  if (isIP(lower) !== 6) return lower.endsWith('.') ? lower.slice(0, -1) : lower
  const [address = ''] = lower.split('%', 1)
  const shortest = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest)
  if (mapped === null) return shortest
  const [high, low] = [Number.parseInt(mapped[1] as string, 16), Number.parseInt(mapped[2] as string, 16)]
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

interface Place {
  readonly name: string
  /** Null where none is said. */
  readonly port: string | null
}

/** The name or address in a Host header, canonical, and its port; undefined when it is malformed. */
export function parseHost(header: string): Place | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\\\s]+))(?::(\d{1,5}))?$/i.exec(header)
  const name = match?.[1] ?? match?.[2]
  if (name === undefined || (match?.[1] !== undefined && isIP(name) !== 6)) return undefined
  return { name: canonicalName(name), port: match?.[3] ?? null }
}

function hostChecker(options: GuardOptions, allowed: ReadonlySet<string>): (request: IncomingMessage) => boolean {
  const everything = allowed.has('*')
  const own = canonicalName(options.host)
  const remembered = new Set<string>()
  return (request) => {
    const header = request.headers.host
    if (everything || (header !== undefined && remembered.has(header))) return true
    const name = header === undefined ? undefined : parseHost(header)?.name
    if (header === undefined || name === undefined) return false
    if (isLoopback(name) || name === own || allowed.has(name)) {
      if (remembered.size < MAX_REMEMBERED_HOSTS) remembered.add(header)
      return true
    }
    // Bound to every address: the one this connection came in by cannot be rebound by a name.
    return isIP(name) !== 0 && name === canonicalName(request.socket.localAddress ?? '')
  }
}

/**
 * Whether a page of this origin is one of this node's own: of the same place, or, with TLS in front of the node, which the node does
 * not see, of a name that it was told is its own.
 */
function isOwnOrigin(origin: string, host: string | undefined, allowed: ReadonlySet<string>): boolean {
  const place = host === undefined ? undefined : parseHost(host)
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  const defaultPort = url === undefined ? undefined : DEFAULT_PORTS[url.protocol]
  if (url === undefined || defaultPort === undefined) return false
  const name = canonicalName(url.hostname.replace(/^\[|\]$/g, ''))
  if (url.protocol === 'https:' && allowed.has(name)) return true
  const port = url.port === '' ? defaultPort : url.port
  return place?.name === name && (place.port ?? defaultPort) === port
}

/** Node takes the first of several Host headers, and whoever stands between may take another. */
function saysHostTwice({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1
}

/** RFC 6750 section 2.1; the word may be in any case. */
function bearerOf({ headers: { authorization = '' } }: IncomingMessage): string {
  return /^bearer /i.test(authorization) ? authorization.slice('bearer '.length) : ''
}

/** Why what a request brought does not do, or undefined. */
function refusalOf(options: GuardOptions, request: IncomingMessage, needs: Scope): AspenError | undefined {
  const holder = options.tokens?.find(bearerOf(request))
  if (holder === undefined) {
    const isGiven = request.headers.authorization !== undefined
    return new AspenError(
      'UNAUTHORIZED',
      isGiven ? 'the token is none of those that this node takes: Authorization: Bearer <token>' : NO_TOKEN,
    )
  }
  if (needs === 'admin') options.identified?.(request, holder)
  if (allows(holder.scope, needs)) return undefined
  return new AspenError('FORBIDDEN', `the token of "${holder.name}" has the scope ${holder.scope}, and this takes ${needs}`, {
    scope: holder.scope,
    needs,
  })
}

export function createRequestGuard(options: GuardOptions): RequestGuard {
  const allowed = new Set(options.allowedHosts.map(canonicalName))
  const hostAllowed = hostChecker(options, allowed)
  return (request, needs) => {
    if (saysHostTwice(request)) return new AspenError('INVALID_REQUEST', 'the request has more than one Host header')
    // Probes come by whatever name or address their balancer knows, and HTTP/1.0 has no Host.
    if (needs !== 'open' && !hostAllowed(request)) {
      return new AspenError('FORBIDDEN', 'the Host header names neither loopback nor an address or name of this node')
    }
    const { origin, host } = request.headers
    if (origin !== undefined && !isOwnOrigin(origin, host, allowed)) {
      return new AspenError('FORBIDDEN', 'the request comes from a web page of another origin')
    }
    return needs === 'open' || options.tokens === undefined ? undefined : refusalOf(options, request, needs)
  }
}
