import { connect as connectTls } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../../ports/index.ts'
import { formatAddress, parseAddress } from '../../api/index.ts'
import type { Address } from '../../api/index.ts'
import { dialHandshake, HandshakeStream, LinkError, refusalError, refuseAndClose } from '../link/index.ts'
import type { DialAttempt, DialedLink, DialResult, FoundPeer, HandshakeSelf, Resolve } from '../link/index.ts'
import { raceTcp } from './tcp-race.ts'
import type { TcpWinner } from './tcp-race.ts'
import { provenEndpointId } from './tls-context.ts'

const MAX_DIAL_ADDRESSES = 32
const HEAD_START_MS = 250
/** Beside the one that says most. */
const MAX_SHOWN_FAILURES = 4
/** Of a key, for people. */
const SHOWN_DIGITS = 16

export interface DialerOptions {
  readonly context: SecureContext
  readonly clock: Clock
  readonly resolve: Resolve
  readonly self: HandshakeSelf
  /** For one address to accept the connection, and for one handshake, each. */
  readonly timeoutMs: number
}

interface Failure {
  readonly error: Error
  readonly remote: string | null
  /** 0 before a connection, 1 after it: the reason from further on says more. */
  readonly stage: number
}

/** Tries every address of a peer once, at most one handshake at a time. */
export async function dial(options: DialerOptions, target: Omit<DialAttempt, 'relay'>): Promise<DialResult<TLSSocket>> {
  const { addresses, failures } = await resolveAll(options, target.addresses)
  const timeout = new AbortController()
  const others: FoundPeer[] = []
  let remaining = addresses
  while (remaining.length > 0 && !target.signal.aborted) {
    const deadline = options.clock.setTimer(options.timeoutMs, () => timeout.abort())
    const signal = AbortSignal.any([target.signal, timeout.signal])
    const race = await raceTcp(remaining, { clock: options.clock, staggerMs: HEAD_START_MS, signal })
    deadline.cancel()
    for (const { error, address } of race.failures) failures.push({ error, remote: spell(address), stage: 0 })
    if (race.winner === undefined) break
    const { winner } = race
    const outcome = await handshakeOver(options, target, winner)
    if (!(outcome instanceof Error)) return { linked: outcome }
    failures.push({ error: outcome, remote: spell(winner.address), stage: 1 })
    if (outcome instanceof WrongKey) others.push({ endpointId: outcome.actual, address: spell(winner.address) })
    remaining = remaining.filter(
      (address) => address !== winner.address && !race.failures.some((each) => each.address === address),
    )
  }
  if (timeout.signal.aborted) {
    const error = new LinkError('TIMEOUT', 'no address accepted a connection in time')
    const [first] = remaining
    failures.push({ error, remote: first === undefined ? null : spell(first), stage: 0 })
  }
  return { ...mostTelling(failures), refused: allRefused(failures), others }
}

async function resolveAll(
  options: DialerOptions,
  texts: readonly string[],
): Promise<{ addresses: readonly Address[]; failures: Failure[] }> {
  const failures: Failure[] = []
  const resolved = await Promise.all(
    texts.map(async (text) => {
      const address = parseAddress(text)
      if (address === undefined) {
        failures.push({ error: new Error(`INVALID_ADDRESS: ${JSON.stringify(text)} is not host:port`), remote: text, stage: 0 })
        return []
      }
      try {
        return (await options.resolve(address.host)).map((host) => ({ host, port: address.port }))
      } catch (error) {
        failures.push({ error: error as Error, remote: text, stage: 0 })
        return []
      }
    }),
  )
  return { addresses: resolved.flat().slice(0, MAX_DIAL_ADDRESSES), failures }
}

/** TLS and handshake over a fresh connection; the connection is closed on failure. */
async function handshakeOver(
  options: DialerOptions,
  target: Omit<DialAttempt, 'relay'>,
  winner: TcpWinner,
): Promise<DialedLink<TLSSocket> | Error> {
  const socket = connectTls({
    socket: winner.socket,
    secureContext: options.context,
    ALPNProtocols: [options.self.protocol],
    rejectUnauthorized: false,
  })
  const abort = (): void => {
    socket.destroy(new LinkError('ABORTED', 'the attempt was given up'))
  }
  target.signal.addEventListener('abort', abort)
  const deadline = options.clock.setTimer(options.timeoutMs, () => {
    socket.destroy(new LinkError('STALLED', 'the peer took the connection, and did not finish the handshake in time'))
  })
  let stream: HandshakeStream | undefined
  try {
    if (target.signal.aborted) abort()
    await secured(socket, spell(winner.address))
    stream = new HandshakeStream(socket)
    checkPeer(socket, options.self, target.endpointId)
    const peer = await dialHandshake(stream, options.self, target.endpointId, target.beforeProof)
    if (socket.destroyed) throw new LinkError('ABORTED', 'the connection closed at the end of the handshake')
    return { socket, peer, remote: spell(winner.address), readAhead: stream.release() }
  } catch (error) {
    refuseAndClose(options, socket, stream, error as Error)
    return error as Error
  } finally {
    deadline.cancel()
    target.signal.removeEventListener('abort', abort)
  }
}

async function secured(socket: TLSSocket, where: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('secureConnect', resolve)
  socket.once('error', (error: NodeJS.ErrnoException) => {
    const unknownProtocol = error.code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'
    reject(unknownProtocol ? refusalError('VERSION_MISMATCH', true) : tlsFailure(error, where))
  })
  socket.once('close', () => reject(new LinkError('ABORTED', 'the peer closed the connection during the TLS handshake')))
  await promise
}

/** What OpenSSL says when the first bytes that it hears are no record of TLS: an HTTP server's, mostly. */
const NO_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST', 'EPROTO'])

/** Its own words are lines of a library's source, with an end of line behind. */
function tlsFailure(error: NodeJS.ErrnoException, where: string): Error {
  const { code = '' } = error
  if (error instanceof LinkError || !(NO_TLS.has(code) || code.startsWith('ERR_SSL_'))) return error
  const words = NO_TLS.has(code)
    ? `what answers at ${where} does not speak TLS: give the ractor port of the node`
    : `TLS with ${where} failed: ${code.slice('ERR_SSL_'.length).replaceAll('_', ' ').toLowerCase()}`
  return Object.assign(new Error(words, { cause: error }), { code })
}

function checkPeer(socket: TLSSocket, self: HandshakeSelf, expected: string): void {
  if (socket.alpnProtocol !== self.protocol) throw refusalError('VERSION_MISMATCH', false, self.protocol)
  const actual = provenEndpointId(socket)
  if (actual === self.endpointId) throw refusalError('SELF', false)
  if (actual === expected) return
  const refusal = refusalError('KEY_MISMATCH', false, whoExpects(self, expected))
  throw actual === undefined ? refusal : new WrongKey(refusal, actual)
}

/** Somebody else is where the peer was. */
class WrongKey extends LinkError {
  readonly actual: string

  constructor({ code, message, detail }: LinkError, actual: string) {
    super(code, message, false, detail)
    this.actual = actual
  }
}

/** For a node that has lost its key with its disk. Who belongs to no cluster says nothing: what it was told may be wrong. */
function whoExpects({ claims }: HandshakeSelf, expected: string): string {
  const { nodeId, clusterId } = claims()
  return clusterId === null
    ? ''
    : `node ${nodeId} of cluster ${clusterId.slice(0, SHOWN_DIGITS)}... expects key ${expected.slice(0, SHOWN_DIGITS)}... here`
}

/** The one from furthest on comes first, and the others behind it, in the order of the addresses: the newest before older ones. */
function mostTelling(failures: readonly Failure[]): { readonly error: Error; readonly remote: string | null } {
  const first = failures.findLast((failure) => failure.stage === 1) ?? failures[0]
  if (first === undefined) return { error: new LinkError('ABORTED', 'there is no address to dial'), remote: null }
  const others = failures.filter((failure) => failure !== first)
  return { error: others.length === 0 ? first.error : together(first, others), remote: first.remote }
}

function together(first: Failure, others: readonly Failure[]): Error {
  const rest = others.slice(0, MAX_SHOWN_FAILURES).map(at)
  if (others.length > rest.length) rest.push(`${others.length - rest.length} addresses more`)
  const message = `${at(first)}; ${rest.join('; ')}`
  const { error } = first
  if (error instanceof LinkError) return new LinkError(error.code, message, error.byPeer, error.detail)
  return Object.assign(new Error(message, { cause: error }), { code: (error as NodeJS.ErrnoException).code })
}

function at({ error: { message }, remote }: Failure): string {
  return remote === null || message.includes(remote) ? message : `at ${remote}: ${message}`
}

function spell({ host, port }: Address): string {
  return formatAddress(host, port)
}

// A host without the address family cannot reach the other addresses of a name; that says nothing about the peer.
const NO_SUCH_FAMILY = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

function allRefused(failures: readonly Failure[]): boolean {
  const codes = failures
    .map(({ error }) => (error as NodeJS.ErrnoException).code ?? '')
    .filter((code) => !NO_SUCH_FAMILY.has(code))
  return codes.length > 0 && codes.every((code) => code === 'ECONNREFUSED')
}
