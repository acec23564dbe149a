/** What a client over HTTP is told, checked. */
import { AspenError, checked, checkTimeout, givenFields, givenItems, givenLength, givenText } from '../api/index.ts'

export interface HttpClientOptions {
  /** Bearer token of the nodes. */
  readonly token?: string
  /** Certificates in PEM that are believed for https, instead of those that the system believes. */
  readonly ca?: string
  /** Milliseconds a call may take unless it says otherwise; 5000 when absent. */
  readonly timeoutMs?: number
  /** Connections kept to one node; 64 when absent. */
  readonly connectionsPerNode?: number
}

const MAX_URLS = 1_000
const MAX_CONNECTIONS_PER_NODE = 10_000
/** What a header can carry. */
const TOKEN = /^[\x21-\x7e]+$/

/** @throws AspenError INVALID_REQUEST */
export function checkHttpOptions(options: unknown = {}): HttpClientOptions {
  return checked('the options', () => {
    const { token, ca, timeoutMs, connectionsPerNode } = givenFields(options, 'the options', [
      'token',
      'ca',
      'timeoutMs',
      'connectionsPerNode',
    ])
    return {
      ...(token === undefined ? {} : { token: checkToken(token) }),
      ...(ca === undefined ? {} : { ca: givenText(ca, 'ca') }),
      ...(timeoutMs === undefined ? {} : { timeoutMs: checkTimeout(timeoutMs) }),
      ...(connectionsPerNode === undefined ? {} : { connectionsPerNode: checkConnections(connectionsPerNode) }),
    }
  })
}

/** @throws AspenError INVALID_REQUEST */
export function checkUrls(urls: unknown): readonly URL[] {
  return checked('the URLs', () => {
    if (typeof urls === 'string') return [toUrl(urls)]
    const length = givenLength(urls, 'the list of URLs')
    if (length === 0) throw invalid('give the URL of at least one node, such as http://127.0.0.1:8080')
    if (length > MAX_URLS) throw invalid(`there are ${length} URLs; at most ${MAX_URLS} are allowed`)
    return givenItems(urls, length, toUrl)
  })
}

function toUrl(given: unknown): URL {
  const text = givenText(given, 'the URL of a node')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return checkBare(url)
  throw invalid(`${text} is not the URL of a node: write http://host:port`)
}

/** A node has nothing below its root, and would not hear of the rest. A password is not repeated. */
function checkBare(url: URL): URL {
  const more = [
    ...(url.username === '' && url.password === '' ? [] : ['a user: give a token in the options']),
    ...(url.pathname === '/' ? [] : [`the path ${url.pathname}: a node serves at the root of its address`]),
    ...(url.search === '' ? [] : ['a query: remove it']),
    ...(url.hash === '' ? [] : ['a fragment: remove it']),
  ]
  if (more.length === 0) return url
  throw invalid(`the URL of the node at ${url.host} has ${more.join(', and ')}; write ${url.origin}`)
}

function checkToken(token: unknown): string {
  if (TOKEN.test(givenText(token, 'the token'))) return token as string
  throw invalid('the token is empty, or has characters that a header cannot carry')
}

function checkConnections(count: unknown): number {
  if (Number.isSafeInteger(count) && (count as number) >= 1 && (count as number) <= MAX_CONNECTIONS_PER_NODE)
    return count as number
  throw invalid(
    `connectionsPerNode is ${typeof count === 'number' ? count : typeof count}: it must be a whole number from 1 to ${MAX_CONNECTIONS_PER_NODE}`,
  )
}

function invalid(message: string): AspenError {
  return new AspenError('INVALID_REQUEST', message)
}
