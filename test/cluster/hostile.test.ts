/**
 * Strangers at the ports of a real cluster. Each of them gets nowhere, and the cluster does not notice: nobody asks for votes, no member loses
 * a link, and writes go on.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { connectLink } from '../../src/client/index.ts'
import type { AspenNode } from '../../src/cluster/index.ts'
import { AspenError } from '../../src/api/index.ts'
import { DirectTransport, generateIdentity, RAFT_PROTOCOL } from '../../src/net/index.ts'
import { createLinkContext } from '../../src/net/direct/tls-context.ts'
import { Prng } from '../../src/lib/index.ts'
import { noMetrics, silentLogger } from '../../src/ports/index.ts'
import { eventually, peerOf, rejectsWith } from './nodes.ts'
import { cluster, crowd, unnoticed } from './unnoticed.ts'

/** Connections that say nothing: more than may be unproven at once. */
const CROWD = 600

test('hostile: a node with another cookie, and a client with one', async (t) => {
  const around = await cluster(t)
  const stranger = await around.nodes.start(4, { cookie: 'another' })
  await unnoticed(around, async () => {
    for (const node of around.all) await stranger.addPeer(peerOf(node))
    await eventually('it is told', () => {
      const { peers } = stranger.status()
      return peers.length >= 3 && peers.every(({ lastError }) => lastError?.startsWith('COOKIE_MISMATCH') === true)
    })
    const [one] = around.all as [AspenNode]
    const client = connectLink({
      endpoints: [{ endpointId: one.endpointId, address: one.status().addresses[0] as string }],
      cookie: 'another',
    })
    await rejectsWith('UNAUTHORIZED', client.read('k'))
    client.close()
  })
})

test('hostile: one with the cookie that claims the id of a member under another key', async (t) => {
  const around = await cluster(t)
  const thief = new DirectTransport({
    identity: generateIdentity(),
    cookie: 'test-cookie',
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    metrics: noMetrics,
    random: new Prng(1),
  })
  t.after(() => thief.close())
  const [one] = around.all as [AspenNode]
  const { clusterId, addresses } = one.status()
  await unnoticed(around, async () => {
    await thief.start({ nodeId: 2, clusterId, addresses: [], languageVersion: 1 })
    thief.connect({ endpointId: one.endpointId, addresses, relay: null })
    await eventually('it is linked', () => thief.peers().some(({ state }) => state === 'connected'))
    // The id is bound to the key of the member: whoever else has it cannot be added in its place.
    const refusal = await one.addLearner(2, thief.endpointId).then(
      () => null,
      (error: unknown) => error,
    )
    assert.ok(refusal instanceof AspenError, 'it was added')
    const member = one.status().cluster.nodes.find(({ id }) => id === 2)
    assert.equal(member?.endpointId, around.all[1]?.endpointId)
  })
})

async function refusedTls(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: [RAFT_PROTOCOL], ...options })
  const ended = new Promise<string>((resolve) => {
    let reason = 'closed'
    socket.on('error', (error: NodeJS.ErrnoException) => (reason = error.code ?? error.message))
    socket.on('close', () => resolve(reason))
  })
  socket.on('data', () => undefined)
  return ended
}

test('hostile: downgrades to an older TLS, to another protocol, and to no key', async (t) => {
  const around = await cluster(t)
  await unnoticed(around, async () => {
    const secureContext = createLinkContext(generateIdentity())
    assert.match(await refusedTls(around.port, { maxVersion: 'TLSv1.2' }), /PROTOCOL_VERSION/)
    assert.match(await refusedTls(around.port, { secureContext, ALPNProtocols: ['aspen/raft/0'] }), /NO_APPLICATION_PROTOCOL/)
    // Without a key there is nobody: the connection ends, whatever follows.
    await refusedTls(around.port, {})
  })
})

test('hostile: a crowd that never finishes a handshake, and one that speaks a byte at a time', async (t) => {
  const around = await cluster(t)
  await unnoticed(around, async () => {
    const silent = await crowd(t, around.port, CROWD, () => undefined)
    const slow = await crowd(t, around.port, 20, (socket) => {
      const timer = setInterval(() => socket.write('\u0016'), 50)
      socket.once('close', () => clearInterval(timer))
    })
    await eventually('all of them are cut', () => [...silent, ...slow].every(({ closed }) => closed))
  })
})
