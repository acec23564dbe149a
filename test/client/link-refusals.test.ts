/** What a client of links hears when it must not or cannot be served, and that the node is none the worse for it. */
import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import type { TestContext } from 'node:test'
import { describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { connectLink, generateIdentity } from '../../src/client/index.ts'
import type { AspenLinkClient, LinkClientOptions } from '../../src/client/index.ts'
import { parseAddress } from '../../src/api/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { eventually } from '../contracts/transport-observer.ts'
import { closed, openLink, openTls } from '../contracts/transport-raw-peer.ts'
import { connectTo, startLinkNode } from './link-world.ts'
import type { LinkNode, LinkNodeOptions } from './link-world.ts'

const WRITE = { Set: { key: 'k', value: 'v' } }

async function nodeFor(t: TestContext, options: LinkNodeOptions = {}): Promise<LinkNode & { readonly cluster: InMemoryCluster }> {
  const cluster = new InMemoryCluster({ initialized: true })
  const node = await startLinkNode(cluster, options)
  t.after(() => {
    cluster.resume()
    return node.close()
  })
  return { ...node, cluster }
}

function clientFor(t: TestContext, node: LinkNode, options: Partial<LinkClientOptions> = {}): AspenLinkClient {
  const client = connectTo([node.endpoint], options)
  t.after(() => client.close())
  return client
}

async function refused(call: Promise<unknown>): Promise<AspenError> {
  const error = await call.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AspenError, String(error))
  return error
}

describe('connectLink: who is refused', () => {
  test('a wrong cookie: UNAUTHORIZED at once, in words that say what to give', async (t) => {
    let failures = 0
    const node = await nodeFor(t, { logger: { log: (_level, message) => (failures += message === 'no link' ? 1 : 0) } })
    const error = await refused(clientFor(t, node, { cookie: 'guessed' }).write(WRITE))
    assert.equal(failures, 1, 'it was tried again, which could not help')
    assert.equal(error.code, 'UNAUTHORIZED')
    assert.match(error.message, /the cookies differ: give the client the cookie that the node was started with/)
    assert.match(error.message, new RegExp(`at ${node.endpoint.address}`))
    assert.deepEqual(error.details, {
      address: node.endpoint.address,
      endpoint_id: node.endpoint.endpointId,
      reason: 'COOKIE_MISMATCH',
    })
    assert.equal(node.watched.links.size, 0)
    await clientFor(t, node).write(WRITE)
  })

  test('another key than the one that was dialled: NODE_UNKNOWN, and nothing is sent to the stranger', async (t) => {
    const node = await nodeFor(t)
    const client = connectTo([{ ...node.endpoint, endpointId: generateIdentity().endpointId }])
    t.after(() => client.close())
    const error = await refused(client.write(WRITE))
    assert.equal(error.code, 'NODE_UNKNOWN')
    assert.match(error.message, /another key than the one that was dialled: check the address and the endpoint id/)
    assert.equal(node.watched.asked, 0)
  })

  test('one endpoint whose key is wrong, one that is right: the right one is asked', async (t) => {
    const node = await nodeFor(t)
    const wrong = { ...node.endpoint, endpointId: generateIdentity().endpointId }
    const client = connectTo([wrong, node.endpoint])
    t.after(() => client.close())
    await client.write(WRITE)
    assert.equal(node.cluster.status().keys, 1)
  })

  test('a node that does not serve clients: NOT_IMPLEMENTED that names the protocol', async (t) => {
    const node = await nodeFor(t, { services: [] })
    const error = await refused(clientFor(t, node).read('k'))
    assert.equal(error.code, 'NOT_IMPLEMENTED')
    assert.match(error.message, /aspen\/client\/1/)
  })

  test('more clients than a node takes: OVERLOADED for the one too many, service for the others, and for it once one is gone', async (t) => {
    const node = await nodeFor(t, { maxLinks: 2 })
    const [first, second, third] = [clientFor(t, node), clientFor(t, node), clientFor(t, node, { timeoutMs: 300 })]
    await Promise.all([first.write(WRITE), second.write(WRITE)])
    const error = await refused(third.write(WRITE))
    assert.equal(error.code, 'OVERLOADED')
    assert.match(error.message, /2 clients are connected already/)
    await first.read('k')
    second.close()
    await eventually(() => node.watched.links.size === 1, 'the end of the link')
    await third.write(WRITE)
  })

  test('settings that cannot be: INVALID_REQUEST before anything is dialled', () => {
    const endpoint = { endpointId: 'ab'.repeat(32), address: '127.0.0.1:1' }
    const good: LinkClientOptions = { endpoints: [endpoint], cookie: 'c' }
    const bad: readonly [Partial<LinkClientOptions>, RegExp][] = [
      [{ endpoints: [] }, /at least one node/],
      [{ endpoints: [{ ...endpoint, endpointId: 'AB'.repeat(32) }] }, /no endpoint id: 64 lower-case/],
      [{ endpoints: [{ ...endpoint, address: 'http://127.0.0.1:1' }] }, /write host:port/],
      [{ cookie: '' }, /the cookie is empty/],
      [{ maxInFlight: 1001 }, /maxInFlight is 1001/],
      [{ maxInFlight: 0 }, /maxInFlight is 0/],
    ]
    for (const [options, message] of bad)
      assert.throws(() => connectLink({ ...good, ...options }), { code: 'INVALID_REQUEST', message })
  })
})

describe('a node that serves clients over links', () => {
  test('a client is no peer: nothing it does reaches consensus, whatever it claims', async (t) => {
    const node = await nodeFor(t)
    const raw = await openLink(node.transport, 2, generateIdentity(), 'aspen/client/1')
    // Claims of a member's id, and a message that would be a vote elsewhere.
    raw.socket.write(Uint8Array.of(0x11, 0, 0, 3, 2, 0, 0))
    raw.socket.write(Uint8Array.of(0x10, 0, 0, 1, 1))
    await closed(raw.socket)
    await clientFor(t, node).write(WRITE)
    assert.deepEqual(node.peers.events, [])
    assert.deepEqual(node.transport.peers(), [])
  })

  test('a proof made for the client protocol opens no link of consensus', async (t) => {
    const node = await nodeFor(t)
    await assert.rejects(openLink(node.transport, 2, generateIdentity(), 'aspen/raft/1', 'aspen/client/1'), {
      name: 'LinkError',
      code: 'COOKIE_MISMATCH',
    })
    assert.deepEqual(node.peers.events, [])
  })

  test('garbage instead of a handshake, or of frames: that connection ends, the others go on', async (t) => {
    const node = await nodeFor(t)
    const good = clientFor(t, node)
    await good.write(WRITE)
    const { port } = parseAddress(node.endpoint.address) ?? { port: 0 }
    const tcp = connectTcp({ host: '127.0.0.1', port }).on('error', () => undefined)
    tcp.resume().end('GET / HTTP/1.1\r\n\r\n')
    const handshake = await openTls(node.transport, generateIdentity(), { ALPNProtocols: ['aspen/client/1'] })
    handshake.socket.resume().end('GET / HTTP/1.1\r\n\r\n')
    const frames = [
      'GET / HTTP/1.1\r\n\r\n',
      // A frame that says it is larger than any may be.
      Uint8Array.of(0, 0xff, 0xff, 0xff),
      // A message without even a number to answer to.
      Uint8Array.of(0, 0, 0, 1, 1),
    ]
    for (const bytes of frames) {
      const raw = await openLink(node.transport, 0, generateIdentity(), 'aspen/client/1')
      raw.socket.write(bytes)
      await closed(raw.socket)
    }
    await Promise.all([closed(tcp), closed(handshake.socket)])
    assert.equal((await good.read('k'))?.version, 1)
    assert.equal(node.watched.links.size, 1)
  })
})
