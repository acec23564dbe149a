import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { parseAddress } from '../../src/api/index.ts'
import { generateIdentity, RAFT_PROTOCOL, systemClock } from '../../src/net/index.ts'
import type { NodeIdentity } from '../../src/net/index.ts'
import { acceptHandshake, deriveCookieKey, dialHandshake } from '../../src/net/link/handshake.ts'
import type { HandshakeSelf } from '../../src/net/link/handshake.ts'
import { HandshakeStream } from '../../src/net/link/handshake-stream.ts'
import { Listener } from '../../src/net/direct/listener.ts'
import { createLinkContext } from '../../src/net/direct/tls-context.ts'
import type { Transport } from '../../src/ports/index.ts'
import { decodeHandshake, FrameQueue } from '../../src/wire/index.ts'
import type { HandshakeRecord } from '../../src/wire/index.ts'
import { FAST } from './transport-direct-world.ts'

/** A peer made by hand: it speaks TLS as a node does, and whatever a test makes it say after that. */
export interface RawPeer {
  readonly identity: NodeIdentity
  readonly socket: TLSSocket
}

function portOf(transport: Transport): number {
  return parseAddress(transport.addresses()[0] as string)?.port as number
}

/** Resolves with the socket once the TCP connection stands. */
export async function openTcp(transport: Transport): Promise<ReturnType<typeof connectTcp>> {
  const socket = connectTcp({ host: '127.0.0.1', port: portOf(transport) })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('connect', resolve).once('error', reject)
  await promise
  return socket.on('error', () => undefined)
}

/** Resolves once the client's side of TLS is done; `options` may leave out what a node would bring. */
export async function openTls(
  transport: Transport,
  identity: NodeIdentity = generateIdentity(),
  options: ConnectionOptions = {},
): Promise<RawPeer> {
  const secureContext = createLinkContext(identity)
  const socket = connectTls({
    host: '127.0.0.1',
    port: portOf(transport),
    secureContext,
    ALPNProtocols: [RAFT_PROTOCOL],
    rejectUnauthorized: false,
    ...options,
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('secureConnect', resolve).once('error', reject)
  await promise
  return { identity, socket: socket.on('error', () => undefined) }
}

/**
 * A peer that has proven key and cookie: from here on it may send frames. `spoken` is the protocol of the connection,
 * `proven` the one that its proof is made for.
 */
export async function openLink(
  transport: Transport,
  nodeId: number,
  identity?: NodeIdentity,
  spoken: string = RAFT_PROTOCOL,
  proven: string = spoken,
): Promise<RawPeer> {
  const peer = await openTls(transport, identity, { ALPNProtocols: [spoken] })
  const stream = new HandshakeStream(peer.socket)
  const self = { ...(await handshakeSelf(peer.identity.endpointId, nodeId)), protocol: proven }
  await dialHandshake(stream, self, transport.endpointId, () => undefined)
  stream.release()
  peer.socket.resume()
  return peer
}

/** Listens with its own key, knows the cookie, and says in its hello that it is somebody else. */
export async function listenAsImpostor(claimedId: string): Promise<{ readonly address: string; close(): void }> {
  const self = await handshakeSelf(claimedId, 9)
  const listener = new Listener({
    context: createLinkContext(generateIdentity()),
    clock: systemClock,
    handshakeTimeoutMs: 1_000,
    maxConnections: 10,
    maxPendingConnections: 10,
    rejected: () => undefined,
  })
  listener.route(RAFT_PROTOCOL, (socket, peerId) => {
    const stream = new HandshakeStream(socket)
    acceptHandshake(stream, self, peerId).then(
      (dialer) => dialer.accept(),
      () => socket.destroy(),
    )
  })
  const port = await listener.listen('127.0.0.1', 0)
  return { address: `127.0.0.1:${port}`, close: () => listener.close() }
}

async function handshakeSelf(endpointId: string, nodeId: number): Promise<HandshakeSelf> {
  return {
    endpointId,
    instance: '00'.repeat(16),
    protocol: RAFT_PROTOCOL,
    cookieKey: await deriveCookieKey('cookie', FAST.scryptCost),
    claims: () => ({ nodeId, clusterId: null, addresses: [], languageVersion: 1 }),
  }
}

/** Sends bytes and reads the handshake records of the answer, until `count` have come or the peer closes. */
export async function exchange(socket: TLSSocket, bytes: Uint8Array, count: number): Promise<HandshakeRecord[]> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const records: HandshakeRecord[] = []
  let buffer = Buffer.alloc(0)
  const onData = (chunk: Buffer): void => {
    buffer = Buffer.concat([buffer, chunk])
    for (let next = decodeHandshake(buffer); next !== undefined; next = decodeHandshake(buffer)) {
      records.push(next.record)
      buffer = buffer.subarray(next.size)
    }
    if (records.length >= count) resolve()
  }
  socket.on('data', onData)
  socket.once('close', () => resolve())
  socket.write(bytes)
  await promise
  socket.off('data', onData)
  return records
}

/** Resolves when the other side has closed the connection. */
export async function closed(socket: {
  readonly closed: boolean
  once(event: 'close', run: () => void): unknown
}): Promise<void> {
  if (socket.closed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('close', resolve)
  await promise
}

/** For the `counted` of a decoder: tells the node that all that has come is read, as its window wants it. */
export function acknowledging(socket: TLSSocket): (bytes: number) => void {
  let total = 0
  return (bytes) => {
    total += bytes
    const queue = new FrameQueue(1_000, (size) => new Uint8Array(size))
    queue.acknowledge(total)
    if (socket.writable) socket.write(queue.take(1_000) as Uint8Array)
  }
}
