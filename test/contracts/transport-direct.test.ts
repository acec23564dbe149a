/** What only real links can get wrong: TLS, handshakes with strangers, damaged bytes, places that run out. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, test } from 'node:test'
import { Prng } from '../../src/lib/index.ts'
import { DirectTransport, generateIdentity, systemClock } from '../../src/net/index.ts'
import type { DirectTransportOptions, NodeIdentity } from '../../src/net/index.ts'
import { LogThrottle, noMetrics, RAFT_CHANNEL, silentLogger } from '../../src/ports/index.ts'
import type { Channel, Logger, Metrics, Transport } from '../../src/ports/index.ts'
import { encodeHello, encodeProof, encodeClaims, FrameDecoder, LINK_VERSIONS } from '../../src/wire/index.ts'
import type { Hello } from '../../src/wire/index.ts'
import { FAST } from './transport-direct-world.ts'
import { eventually, TransportObserver } from './transport-observer.ts'
import { TransportProxy } from './transport-proxy.ts'
import { acknowledging, closed, exchange, listenAsImpostor, openLink, openTcp, openTls } from './transport-raw-peer.ts'

interface Node {
  readonly transport: DirectTransport
  readonly channel: Channel
  readonly observer: TransportObserver
  readonly identity: NodeIdentity
  /** Metric name with its labels' values, to its count. */
  readonly counts: Map<string, number>
}

const cleanups: (() => void | Promise<void>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

function counting(counts: Map<string, number>): Metrics {
  return {
    counter: (name, labels = {}) => {
      const key = [name, ...Object.values(labels)].join(' ')
      return { add: (amount = 1) => void counts.set(key, (counts.get(key) ?? 0) + amount) }
    },
    histogram: () => ({ observe: () => undefined }),
  }
}

function create(options: Partial<DirectTransportOptions> = {}): Node {
  const identity = options.identity ?? generateIdentity()
  const counts = new Map<string, number>()
  const transport = new DirectTransport({
    ...FAST,
    cookie: 'cookie',
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    metrics: counting(counts),
    random: new Prng(1),
    ...options,
    identity,
  })
  cleanups.push(() => transport.close())
  const observer = new TransportObserver()
  return { transport, channel: transport.attach(RAFT_CHANNEL, observer), observer, identity, counts }
}

async function start(options: Partial<DirectTransportOptions> = {}, nodeId = 1): Promise<Node> {
  const node = create(options)
  await node.transport.start({ nodeId, clusterId: null, addresses: [], languageVersion: 1 })
  return node
}

/** Two linked nodes; the first dials. */
async function startPair(): Promise<[Node, Node]> {
  const [a, b] = [await start({}, 1), await start({}, 2)]
  a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
  await Promise.all([a.observer.seen('opened'), b.observer.seen('opened')])
  return [a, b]
}

/** The pair still has its first link, and it works. */
async function assertUnharmed(a: Node, b: Node): Promise<void> {
  const before = b.observer.count('message')
  assert.ok(a.channel.send(b.transport.endpointId, [Uint8Array.of(1)], 'bulk'))
  await b.observer.seen('message', before + 1)
  assert.equal(a.observer.count('closed lost') + a.observer.count('closed graceful'), 0)
}

function hello(from: string, to: string, versions = LINK_VERSIONS): Hello {
  return { versions, features: 0, from, to, nonce: randomBytes(32), instance: '07'.repeat(16), more: new Uint8Array(0) }
}

test('DirectTransport: many windows of volume pass over one link, with windows of a few messages', async () => {
  const windows = { bytes: 1_000, bulkBytes: 500, ackBytes: 200 }
  const [a, b] = [await start({ windows }, 1), await start({ windows }, 2)]
  a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
  await Promise.all([a.observer.seen('opened'), b.observer.seen('opened')])
  for (let i = 0; i < 200; i++) {
    assert.ok(a.channel.send(b.transport.endpointId, [new Uint8Array(300)], i % 2 === 0 ? 'bulk' : 'normal'))
  }
  await b.observer.seen('message', 200)
})

describe('DirectTransport: strangers', () => {
  test('DirectTransport: drops noise, before TLS and after it, and keeps its links', async () => {
    const [a, b] = await startPair()
    const noise = await openTcp(b.transport)
    // What is not read keeps a socket from closing; and no noise must pass for the head of a record that is still to come.
    noise.resume()
    noise.write(Buffer.concat([Buffer.of(0xff, 0xff, 0xff), randomBytes(5_000)]))
    await closed(noise)
    const { socket } = await openTls(b.transport)
    socket.resume()
    socket.write(Buffer.concat([Buffer.of(0xff), randomBytes(5_000)]))
    await closed(socket)
    await assertUnharmed(a, b)
    assert.equal(b.counts.get('aspen_link_rejected_connections_total TLS_FAILED'), 1)
    assert.equal(b.counts.get('aspen_link_failures_total MALFORMED'), 1)
  })

  test('DirectTransport: takes nobody without a certificate or without the protocol', async () => {
    const node = await start()
    const bare = await openTls(node.transport, generateIdentity(), { secureContext: undefined })
    bare.socket.resume()
    await closed(bare.socket)
    assert.equal(node.counts.get('aspen_link_rejected_connections_total NO_KEY'), 1)
    const unnamed = await openTls(node.transport, generateIdentity(), { ALPNProtocols: undefined })
    unnamed.socket.resume()
    await closed(unnamed.socket)
    assert.equal(node.counts.get('aspen_link_rejected_connections_total NO_PROTOCOL'), 1)
    await assert.rejects(openTls(node.transport, generateIdentity(), { ALPNProtocols: ['aspen/raft/9'] }), {
      code: /NO_APPLICATION_PROTOCOL/,
    })
  })

  test('DirectTransport: names its version to a peer of another one', async () => {
    const node = await start()
    const { socket, identity } = await openTls(node.transport)
    const said = hello(identity.endpointId, node.transport.endpointId, { min: 3, max: 7 })
    const records = await exchange(socket, encodeHello(said), 2)
    const refusal = { code: 'VERSION_MISMATCH', detail: 'version 2 and versions 3 to 7' } as const
    assert.deepEqual(records.at(-1), { type: 'refusal', refusal })
    assert.equal(node.counts.get('aspen_link_failures_total VERSION_MISMATCH'), 1)
  })

  test('DirectTransport: says on both sides which versions have none in common', async () => {
    const logged: string[] = []
    const logger = {
      log: (_level: string, message: string, facts?: object): void => void logged.push(`${message} ${JSON.stringify(facts)}`),
    }
    const [a, b] = [await start({ versions: { min: 3, max: 4 }, logger }, 1), await start({ versions: { min: 5, max: 5 } }, 2)]
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      from.transport.connect({ endpointId: to.transport.endpointId, addresses: to.transport.addresses(), relay: null })
    }
    const lastError = (of: Node): string => of.transport.peers()[0]?.lastError ?? ''
    const named = /^VERSION_MISMATCH: .*versions? [345 to]+ and versions? [345 to]+/
    await eventually(() => named.test(lastError(a)) && named.test(lastError(b)), 'both name both ranges')
    assert.match(lastError(a), /versions 3 to 4/)
    assert.match(lastError(a), /version 5/)
    assert.ok(logged.some((line) => line.includes('VERSION_MISMATCH') && line.includes('versions 3 to 4')))
  })

  test('DirectTransport: refuses a peer from before there were ranges by its version', async () => {
    const node = await start()
    const { socket, identity } = await openTls(node.transport)
    // The hello of the release at commit 8936bd9, recorded there, with these two keys in it.
    const old = `0100754153504e01${identity.endpointId}${node.transport.endpointId}${'01'.repeat(32)}${'02'.repeat(16)}`
    const [record] = await exchange(socket, Uint8Array.fromHex(old), 1)
    const refusal = { code: 'VERSION_MISMATCH', detail: 'version 2 and version 1' } as const
    assert.deepEqual(record, { type: 'refusal', refusal })
  })

  test('DirectTransport: refuses a hello that names another key than TLS has proven, or another receiver', async () => {
    const node = await start()
    const other = generateIdentity().endpointId
    const { endpointId } = node.transport
    for (const [from, to, code] of [
      [other, endpointId, 'KEY_MISMATCH'],
      [undefined, other, 'KEY_MISMATCH'],
      [endpointId, endpointId, 'SELF'],
    ] as const) {
      const { socket, identity } = await openTls(node.transport)
      const [record] = await exchange(socket, encodeHello(hello(from ?? identity.endpointId, to)), 1)
      assert.ok(record?.type === 'refusal' && record.refusal.code === code, JSON.stringify(record))
    }
  })

  test('DirectTransport: refuses a copy of itself', async () => {
    const node = await start()
    const { socket } = await openTls(node.transport, node.identity)
    const [record] = await exchange(socket, new Uint8Array(0), 1)
    assert.ok(record?.type === 'refusal' && record.refusal.code === 'SELF')
  })

  test('DirectTransport: says nothing that depends on the cookie to a dialer that has not proven it', async () => {
    const node = await start()
    const { socket, identity } = await openTls(node.transport)
    const first = await exchange(socket, encodeHello(hello(identity.endpointId, node.transport.endpointId)), 1)
    assert.deepEqual(
      first.map(({ type }) => type),
      ['hello'],
    )
    const proof = encodeProof({
      mac: new Uint8Array(32),
      said: encodeClaims({ nodeId: 9, clusterId: null, addresses: [], languageVersion: 1 }),
    })
    const rest = await exchange(socket, proof, 9)
    assert.deepEqual(rest, [{ type: 'refusal', refusal: { code: 'COOKIE_MISMATCH', detail: '' } }])
    assert.deepEqual(node.observer.events, [])
  })

  test('DirectTransport: drops whoever does not finish the handshake, and links others meanwhile', async () => {
    const b = await start({ handshakeTimeoutMs: 300 }, 2)
    const silent = await openTcp(b.transport)
    const slow = await openTls(b.transport)
    slow.socket.resume()
    const a = await start()
    a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    await a.observer.seen('opened')
    await Promise.all([closed(silent), closed(slow.socket)])
    assert.equal(b.counts.get('aspen_link_rejected_connections_total TIMEOUT'), 2)
    await assertUnharmed(a, b)
  })

  test('DirectTransport: gives the places of the longest unproven to newcomers', async () => {
    const b = await start({ maxPendingConnections: 3 }, 2)
    const crowd = await Promise.all(Array.from({ length: 8 }, () => openTcp(b.transport)))
    const a = await start()
    a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    await a.observer.seen('opened')
    await Promise.all(crowd.slice(0, 5).map(closed))
    crowd.forEach((socket) => socket.destroy())
  })

  test('DirectTransport: takes no more connections than its bound', async () => {
    const b = await start({ maxConnections: 2 }, 2)
    const held = [await openTcp(b.transport), await openTcp(b.transport)]
    const surplus = await openTcp(b.transport)
    await closed(surplus)
    assert.equal(b.counts.get('aspen_link_rejected_connections_total OVERLOADED'), 1)
    held.forEach((socket) => socket.destroy())
    const a = await start()
    a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    await a.observer.seen('opened')
  })

  test('DirectTransport: the bound may be another one while it runs; whom it has stays', async () => {
    const b = await start({ maxConnections: 3 }, 2)
    const { incoming } = b.transport
    assert.deepEqual(incoming.limits, { min: 1, max: 3 })
    const held = [await openTcp(b.transport), await openTcp(b.transport)]
    incoming.limit(1)
    await closed(await openTcp(b.transport))
    assert.deepEqual([incoming.stats.open, incoming.stats.max, incoming.stats.refused], [2, 1, 1])
    assert.ok(held.every((socket) => !socket.destroyed))
    incoming.limit(3)
    held.push(await openTcp(b.transport))
    await eventually(() => incoming.stats.open === 3, 'one more is taken')
    assert.equal(incoming.stats.accepted, 3)
    held.forEach((socket) => socket.destroy())
  })
})

describe('DirectTransport: links', () => {
  test('DirectTransport: ends only the link that a malformed frame came from', async () => {
    const [a, b] = await startPair()
    const raw = await openLink(b.transport, 3)
    await b.observer.seen('opened', 2)
    raw.socket.write(Uint8Array.fromHex('0000000200aa' + '7fffffff'))
    await b.observer.seen('closed lost')
    await closed(raw.socket)
    assert.deepEqual(
      b.observer.messages().map((bytes) => bytes.toHex()),
      ['aa'],
    )
    assert.equal(b.counts.get('aspen_link_failures_total MALFORMED'), 1)
    await assertUnharmed(a, b)
  })

  test('DirectTransport: ends a link whose claims or goodbye are malformed', async () => {
    for (const frame of ['11000001ff', '04000002ff01']) {
      const node = await start()
      const raw = await openLink(node.transport, 3)
      raw.socket.write(Uint8Array.fromHex(frame))
      await node.observer.seen('closed lost')
    }
  })

  test('DirectTransport: answers a ping, and lets a priority message overtake a bulk message on its way', async () => {
    const node = await start({ keepAliveMs: 10_000 })
    const raw = await openLink(node.transport, 3)
    raw.socket.pause()
    const seen: string[] = []
    const decoder = new FrameDecoder({
      message: (lane, bytes) => seen.push(`${lane} ${bytes.length}`),
      control: (kind) => seen.push(kind),
      counted: acknowledging(raw.socket),
    })
    const bulk = new Uint8Array(10 * 1024 * 1024)
    await node.observer.seen('opened')
    for (let i = 0; i < 2; i++) assert.ok(node.channel.send(raw.identity.endpointId, [bulk], 'bulk'))
    // The window is full, and the first bulk message is cut in two by what comes now.
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(node.channel.send(raw.identity.endpointId, [Uint8Array.of(1)], 'priority'))
    raw.socket.write(Uint8Array.fromHex('12000000'))
    const { promise, resolve } = Promise.withResolvers<void>()
    raw.socket.on('data', (chunk: Buffer) => {
      assert.equal(decoder.push(chunk), undefined)
      if (seen.length === 4) resolve()
    })
    raw.socket.resume()
    await promise
    assert.deepEqual(
      seen.filter((each) => each !== 'pong'),
      ['priority 2', `bulk ${bulk.length + 1}`, `bulk ${bulk.length + 1}`],
    )
    assert.ok(seen.indexOf('pong') < seen.lastIndexOf(`bulk ${bulk.length + 1}`), seen.join())
    raw.socket.destroy()
  })

  test('DirectTransport: reports the end of the old link and a new one when a peer comes back in another life', async () => {
    const b = await start({ keepAliveMs: 60_000 }, 2)
    const proxy = new TransportProxy(Number(b.transport.addresses()[0]?.split(':')[1]))
    await proxy.listen()
    cleanups.push(() => proxy.stop())
    const a = await start({ keepAliveMs: 60_000 })
    a.transport.connect({ endpointId: b.transport.endpointId, addresses: [proxy.address], relay: null })
    await b.observer.seen('opened')
    // The first life falls silent without b noticing; the second dials past the proxy.
    proxy.stall(true)
    const second = await start({ identity: a.identity })
    second.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    await Promise.all([b.observer.seen('opened', 2), second.observer.seen('opened')])
    assert.deepEqual(b.observer.linkHistory, ['opened', 'closed lost', 'opened'])
    await assertUnharmed(second, b)
  })

  test('DirectTransport: takes the dial of a peer in another life for the link it dialled to the one before', async () => {
    // The lower id, which refuses dials that merely cross its own.
    const [lower, higher] = [generateIdentity(), generateIdentity()].toSorted((x, y) => (x.endpointId < y.endpointId ? -1 : 1))
    const first = await start({ keepAliveMs: 60_000, identity: higher as NodeIdentity }, 2)
    const proxy = new TransportProxy(Number(first.transport.addresses()[0]?.split(':')[1]))
    await proxy.listen()
    cleanups.push(() => proxy.stop())
    const b = await start({ keepAliveMs: 60_000, identity: lower as NodeIdentity })
    b.transport.connect({ endpointId: first.transport.endpointId, addresses: [proxy.address], relay: null })
    await b.observer.seen('opened')
    proxy.stall(true)
    const second = await start({ identity: higher as NodeIdentity }, 2)
    second.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    await Promise.all([b.observer.seen('opened', 2), second.observer.seen('opened')])
    assert.deepEqual(b.observer.linkHistory, ['opened', 'closed lost', 'opened'])
  })

  test('DirectTransport: tells nobody that a peer is gone which has said goodbye, though nobody listens there', async () => {
    const [a, b] = await startPair()
    await b.transport.close()
    const refused = (): boolean => a.transport.peers()[0]?.lastError?.startsWith('ECONNREFUSED: ') === true
    await eventually(refused, 'a dial that is refused')
    assert.deepEqual(a.observer.linkHistory, ['opened', 'closed graceful'])
  })

  test('DirectTransport: dials at once when a link is lost, whatever the backoff', async () => {
    const b = await start({}, 2)
    const proxy = new TransportProxy(Number(b.transport.addresses()[0]?.split(':')[1]))
    await proxy.listen()
    cleanups.push(() => proxy.stop())
    const a = await start({ backoff: { minMs: 600_000, maxMs: 600_000 } })
    a.transport.connect({ endpointId: b.transport.endpointId, addresses: [proxy.address], relay: null })
    await a.observer.seen('opened')
    proxy.reset()
    await a.observer.seen('opened', 2)
    assert.deepEqual(a.observer.linkHistory, ['opened', 'closed lost', 'opened'])
  })

  test('DirectTransport: believes TLS about the peer\u2019s key, not the peer', async () => {
    const victim = generateIdentity().endpointId
    const impostor = await listenAsImpostor(victim)
    cleanups.push(() => impostor.close())
    const a = await start()
    a.transport.connect({ endpointId: victim, addresses: [impostor.address], relay: null })
    await eventually(() => a.transport.peers()[0]?.lastError?.startsWith('KEY_MISMATCH: ') === true, 'a refusal')
    assert.deepEqual(a.observer.events, [])
  })

  test('DirectTransport: makes one link however two dials cross', async () => {
    const random = new Prng(7)
    for (let round = 0; round < 25; round++) {
      const [a, b] = [await start({}, 1), await start({}, 2)]
      const dials = [
        () => a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null }),
        () => b.transport.connect({ endpointId: a.transport.endpointId, addresses: a.transport.addresses(), relay: null }),
      ]
      dials[0]?.()
      // From none to more turns of the event loop than a handshake takes.
      for (let turn = random.nextUint32() % 16; turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
      dials[1]?.()
      await Promise.all([a.observer.seen('opened'), b.observer.seen('opened')])
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        assert.ok(from.channel.send(to.transport.endpointId, [Uint8Array.of(round)], 'bulk'))
        await to.observer.seen('message')
      }
      for (const { observer } of [a, b]) assert.deepEqual(observer.history, ['opened', 'message'])
      await Promise.all([a.transport.close(), b.transport.close()])
    }
  })

  test('DirectTransport: gives up a dial that nobody completes, in time', async () => {
    const silent = new TransportProxy(1)
    await silent.listen()
    cleanups.push(() => silent.stop())
    silent.stall(true)
    const a = await start({ handshakeTimeoutMs: 50 })
    const peer = generateIdentity().endpointId
    a.transport.connect({ endpointId: peer, addresses: [silent.address], relay: null })
    await eventually(() => a.transport.peers()[0]?.lastError !== null, 'a failure')
  })
})

describe('DirectTransport: start', () => {
  test('start: rejects with the system\u2019s code when the port is taken', async () => {
    const first = await start()
    const port = Number(first.transport.addresses()[0]?.split(':')[1])
    const second = create({ port })
    await assert.rejects(second.transport.start({ nodeId: 2, clusterId: null, addresses: [], languageVersion: 1 }), {
      code: 'EADDRINUSE',
    })
  })

  test('connect: before start is remembered', async () => {
    const b = await start({}, 2)
    const a = create()
    const transport: Transport = a.transport
    transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    assert.deepEqual(transport.addresses(), [])
    await transport.start({ nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 })
    await a.observer.seen('opened')
  })

  test('start: agrees on the cookie at the cost that nodes run with', async () => {
    const cost = { scryptCost: 2 ** 15 }
    const [a, b] = [await start(cost, 1), await start(cost, 2)]
    a.transport.connect({ endpointId: b.transport.endpointId, addresses: b.transport.addresses(), relay: null })
    await a.observer.seen('opened')
  })
})

test('two processes with one identity: the second is kept, the first is refused, and each side says so once and loudly', async (t) => {
  const lines: string[] = []
  const logger = (who: string): Logger => {
    const own: Logger = { log: (level, message) => void (level === 'error' && lines.push(`${who}: ${message}`)) }
    const throttle = new LogThrottle(own, noMetrics, systemClock)
    t.after(() => throttle.close())
    return throttle
  }
  const peer = await start({ logger: logger('peer') }, 1)
  const identity = generateIdentity()
  const connect = async (who: string): Promise<Node> => {
    const node = await start({ identity, logger: logger(who) }, 2)
    node.transport.connect({ endpointId: peer.transport.endpointId, addresses: peer.transport.addresses(), relay: null })
    await node.observer.seen('opened')
    return node
  }
  const first = await connect('first')
  const second = await connect('second')
  // The first dials again and again, more and more slowly, and takes the link from nobody.
  const refused = (): number => peer.counts.get('aspen_link_failures_total IDENTITY_IN_USE') ?? 0
  await eventually(() => refused() >= 5, 'the first is refused')
  assert.deepEqual([peer.observer.count('opened'), first.observer.count('opened'), second.observer.count('opened')], [2, 1, 1])
  assert.deepEqual(lines.toSorted(), [
    "first: another process has this node's identity",
    'peer: two processes have the identity of one peer',
  ])
  const before = peer.observer.count('message')
  assert.ok(second.channel.send(peer.transport.endpointId, [Uint8Array.of(1)], 'bulk'))
  await peer.observer.seen('message', before + 1)
  // When the second ends, the first is who has the identity.
  await second.transport.close()
  await first.observer.seen('opened', 2)
})
