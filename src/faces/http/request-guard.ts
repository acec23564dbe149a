/**
 * Who may ask. A browser that was lured onto a page of someone else's must not reach a node on loopback: the Host
 * header stops names that were rebound to it (DNS rebinding), the Origin header stops posts from other sites, and the
 * token, where there is one, stops everybody who does not have it.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { AspenError } from '../../api/index.ts'

export interface GuardOptions {
  /** The address the server is bound to. */
  readonly host: string
  /** Further names clients may use for this node, without ports; '*' allows every name. */
  readonly allowedHosts: readonly string[]
  readonly token: string | undefined
}

/** Answers the error to refuse a request with, or undefined. */
export type RequestGuard = (request: IncomingMessage, open: boolean) => AspenError | undefined

const MAX_REMEMBERED_HOSTS = 64

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** The name or address in a Host header, without port and brackets; undefined when it is malformed. */
export function hostName(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\\\s]+))(?::\d{1,5})?$/i.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

function hostChecker(options: GuardOptions): (request: IncomingMessage) => boolean {
  const allowed = new Set(options.allowedHosts.map((name) => name.toLowerCase()))
  const everything = allowed.has('*')
  allowed.add(options.host.toLowerCase())
  const remembered = new Set<string>()
  return (request) => {
    const header = request.headers.host
    if (everything || (header !== undefined && remembered.has(header))) return true
    const name = header === undefined ? undefined : hostName(header)
    if (header === undefined || name === undefined) return false
    if (isLoopback(name) || allowed.has(name)) {
      if (remembered.size < MAX_REMEMBERED_HOSTS) remembered.add(header)
      return true
    }
    // Bound to every address: the one this connection came in by cannot be rebound by a name.
    return isIP(name) !== 0 && name === request.socket.localAddress
  }
}

function tokenChecker(token: string): (request: IncomingMessage) => boolean {
  const expected = hash('sha256', `Bearer ${token}`, 'buffer')
  return (request) => {
    const given = request.headers.authorization
    // Digests have one length, so comparing them tells nothing about the token, not even its length.
    return given !== undefined && timingSafeEqual(hash('sha256', given.replace(/^bearer /i, 'Bearer '), 'buffer'), expected)
  }
}

export function createRequestGuard(options: GuardOptions): RequestGuard {
  const hostAllowed = hostChecker(options)
  const tokenValid = options.token === undefined ? undefined : tokenChecker(options.token)
  return (request, open) => {
    if (!hostAllowed(request)) {
      return new AspenError('FORBIDDEN', 'the Host header names neither loopback nor an address or name of this node')
    }
    const { origin } = request.headers
    if (origin !== undefined && origin.toLowerCase() !== `http://${request.headers.host?.toLowerCase()}`) {
      return new AspenError('FORBIDDEN', 'the request comes from a web page of another origin')
    }
    if (tokenValid === undefined || open || tokenValid(request)) return undefined
    return new AspenError('UNAUTHORIZED', 'this node wants a token: send Authorization: Bearer <token>')
  }
}
