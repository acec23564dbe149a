/** Who stands between the nodes of a real cluster, or is linked with one and does not play by the rules: the cluster does not notice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { AspenNode } from '../../src/cluster/index.ts'
import { Listener } from '../../src/net/direct/listener.ts'
import { createLinkContext } from '../../src/net/direct/tls-context.ts'
import { generateIdentity, RAFT_PROTOCOL, systemClock } from '../../src/net/index.ts'
import { deriveCookieKey, dialHandshake } from '../../src/net/link/handshake.ts'
import { HandshakeStream } from '../../src/net/link/handshake-stream.ts'
import { encodeHello, encodeProof } from '../../src/wire/index.ts'
import { eventually } from './nodes.ts'
import { cluster, unnoticed } from './unnoticed.ts'

/** So many bytes, so far apart. */
const SLOW_BYTES = 40
const SLOW_MS = 25

type Identity = ReturnType<typeof generateIdentity>

async function openTls(t: TestContext, port: number, identity: Identity): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    secureContext: createLinkContext(identity),
    ALPNProtocols: [RAFT_PROTOCOL],
    rejectUnauthorized: false,
  })
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('secureConnect', resolve).once('error', reject)
  await promise
  return socket
}

/** Says to each side what the other one said, as its own: the proof of the dialer is all that it needs, and has. Gives how the proof was taken. */
async function relayProof(caller: TLSSocket, callee: TLSSocket, [own, meant]: readonly [string, string]): Promise<string> {
  const [near, far] = [new HandshakeStream(caller), new HandshakeStream(callee)]
  const first = await near.next()
  assert.ok(first.type === 'hello')
  callee.write(encodeHello({ ...first.hello, from: own, to: meant }))
  const second = await far.next()
  assert.ok(second.type === 'hello')
  caller.write(encodeHello({ ...second.hello, from: own, to: first.hello.from }))
  const third = await near.next()
  assert.ok(third.type === 'proof')
  callee.write(encodeProof(third.proof))
  return far.next().then(
    ({ type }) => `the proof was answered by a ${type}`,
    (error: unknown) => String(error),
  )
}

test('hostile: a man in the middle passes on the proof of a member that dials him', async (t) => {
  const around = await cluster(t)
  const [one, two] = around.all as [AspenNode, AspenNode]
  const middle = generateIdentity()
  const outcomes: string[] = []
  const listener = new Listener({
    context: createLinkContext(middle),
    clock: systemClock,
    handshakeTimeoutMs: 5_000,
    maxConnections: 10,
    maxPendingConnections: 10,
    rejected: () => undefined,
  })
  t.after(() => listener.close())
  listener.route(RAFT_PROTOCOL, (caller) => {
    const relayed = async (): Promise<string> =>
      relayProof(caller, await openTls(t, around.port, middle), [middle.endpointId, one.endpointId])
    void relayed().then(
      (outcome) => outcomes.push(outcome),
      (error: unknown) => outcomes.push(String(error)),
    )
  })
  const port = await listener.listen('127.0.0.1', 0)
  await unnoticed(around, async () => {
    await two.addPeer({ nodeId: 66, endpointId: middle.endpointId, addresses: [`127.0.0.1:${port}`] })
    await eventually('the proof was passed on', () => outcomes.length > 0)
  })
  assert.match(outcomes[0] as string, /the cookies differ/)
  for (const node of [one, two]) {
    assert.ok(!node.status().peers.some(({ endpointId, connected }) => endpointId === middle.endpointId && connected))
  }
})

test('hostile: one with the cookie that says a byte at a time once it is linked', async (t) => {
  const around = await cluster(t)
  const [one] = around.all as [AspenNode]
  const slow = generateIdentity()
  const socket = await openTls(t, around.port, slow)
  const stream = new HandshakeStream(socket)
  const self = {
    endpointId: slow.endpointId,
    instance: '00'.repeat(16),
    protocol: RAFT_PROTOCOL,
    cookieKey: await deriveCookieKey('test-cookie'),
    claims: () => ({ nodeId: 66, clusterId: one.status().clusterId, addresses: [], languageVersion: 1 }),
  }
  await unnoticed(around, async () => {
    await dialHandshake(stream, self, one.endpointId, () => undefined)
    stream.release()
    socket.resume()
    const isLinked = (): boolean => one.status().peers.some((peer) => peer.endpointId === slow.endpointId && peer.connected)
    await eventually('it is linked', isLinked)
    let said = 0
    const timer = setInterval(() => {
      if (socket.writable) socket.write(Uint8Array.of(0))
      said++
    }, SLOW_MS)
    await eventually('it has said something', () => said >= SLOW_BYTES)
    clearInterval(timer)
  })
})
