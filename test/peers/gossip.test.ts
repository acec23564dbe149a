import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, murmur64, Prng, utf8Encode } from '../../src/lib/index.ts'
import { MAX_PEERS_BY_NEIGHBOUR } from '../../src/limits.ts'
import type { ChannelHandler, LinkedPeer, Signatures } from '../../src/ports/index.ts'
import {
  announcementInput,
  decodeAnnouncement,
  decodeGossip,
  encodeAnnouncement,
  encodeGossip,
  shortIdOf,
} from '../../src/wire/index.ts'
import type { GossipMessage, PeerAnnouncement, SignedAnnouncement } from '../../src/wire/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { GossipDiscovery } from '../../src/peers/index.ts'
import type { GossipHost, PeerHint, Self } from '../../src/peers/index.ts'

const EPOCH = 1_700_000_000_000
const TOPIC = new Uint8Array(32).fill(1)
const CLUSTER = 'c'.repeat(32)
/** Where the digits that tell one from the other are matters to nobody. */
const idOf = (node: number): string => node.toString(16).padStart(16, '0').repeat(4)
const NOTHING: GossipMessage = { announcements: [], digest: [], wanted: [] }

const sign = (endpointId: string, bytes: Uint8Array): Uint8Array => {
  const hash = murmur64(concatBytes([utf8Encode(endpointId), bytes]))
  return concatBytes(Array.from({ length: 8 }, () => hash))
}

function announced(node: number, change: Partial<PeerAnnouncement> = {}, signer = idOf(node), topic = TOPIC): SignedAnnouncement {
  const sequence = change.sequence ?? EPOCH
  const said = { endpointId: idOf(node), nodeId: node, clusterId: null, addresses: [`10.0.0.${node % 250}:1`], relay: null }
  const body = encodeAnnouncement({ ...said, sequence, changed: sequence, time: EPOCH, ...change })
  return { body, signature: sign(signer, announcementInput(topic, body)) }
}

/** Node 1, whose links and time a test holds in its hands. */
class Bench implements GossipHost {
  readonly clock = new ManualClock()
  readonly hints: PeerHint[] = []
  readonly gone: string[] = []
  readonly named = new Set<string>()
  readonly warnings: string[] = []
  wallOffset = EPOCH
  clusterId: string | null = null
  addresses: readonly string[] = ['me:1']
  isSound = true
  capacity = 1_000
  checks = 0
  said: { readonly to: number; readonly message: GossipMessage }[] = []
  readonly gossip: GossipDiscovery
  #handler: ChannelHandler | null = null

  constructor() {
    const { clock } = this
    const signatures: Signatures = {
      endpointId: idOf(1),
      sign: (bytes) => sign(idOf(1), bytes),
      verify: (endpointId, bytes, signature) => {
        this.checks++
        return sign(endpointId, bytes).toHex() === signature.toHex()
      },
    }
    const send = (to: string, [bytes]: readonly Uint8Array[]): boolean => {
      this.said.push({ to: Number.parseInt(to.slice(-16), 16), message: decodeGossip(bytes as Uint8Array) })
      return true
    }
    this.gossip = new GossipDiscovery({
      nodeId: 1,
      links: {
        endpointId: idOf(1),
        peers: () => [],
        attach: (_kind, handler) => {
          this.#handler = handler
          return { send, detach: () => undefined }
        },
      },
      clock,
      random: new Prng(1),
      signatures,
      topic: TOPIC,
      wallClock: () => this.wallOffset + clock.now(),
      host: this,
    })
    this.gossip.start()
  }

  self(): Self {
    return { clusterId: this.clusterId, addresses: this.addresses, relay: null }
  }

  heard(hint: PeerHint): void {
    this.hints.push(hint)
  }

  displaced(endpointId: string): void {
    this.gone.push(endpointId)
  }

  isNamed(endpointId: string): boolean {
    return this.named.has(endpointId)
  }

  warn(cause: string): void {
    this.warnings.push(cause)
  }

  open(...nodes: readonly number[]): void {
    for (const node of nodes) this.#handler?.opened(peer(node))
  }

  close(node: number): void {
    this.#handler?.closed(idOf(node), 'lost')
  }

  hear(from: number, message: Partial<GossipMessage> | Uint8Array): void {
    const bytes = message instanceof Uint8Array ? message : encodeGossip({ ...NOTHING, ...message })
    this.#handler?.message(idOf(from), bytes)
  }

  /** One announcement, over its own link or another's. */
  tell(from: number, signed: SignedAnnouncement): void {
    this.hear(from, { announcements: [signed] })
  }

  get outcomes(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.gossip.report.heard).filter(([, count]) => count > 0))
  }

  /** Who was told what since the last look: whose announcements, or of a digest, or asked for. */
  get news(): string[] {
    const { said } = this
    this.said = []
    return said.flatMap(({ to, message: { announcements, digest, wanted } }) => [
      ...announcements.map(({ body }) => `${to} hears of ${decodeAnnouncement(body).nodeId}`),
      ...(digest.length > 0 ? [`${to} is told of ${digest.length}`] : []),
      ...wanted.map((shortId) => `${to} is asked for ${Number.parseInt(shortId, 16)}`),
    ])
  }

  get own(): readonly PeerAnnouncement[] {
    const announcements = this.said.flatMap(({ message }) => message.announcements.map(({ body }) => decodeAnnouncement(body)))
    return announcements.filter(({ nodeId }) => nodeId === 1)
  }
}

function peer(node: number): LinkedPeer {
  return { endpointId: idOf(node), claims: { nodeId: node, clusterId: null, addresses: [], languageVersion: 1 } }
}

test('GossipDiscovery: says what it is to whom it is linked with, every ten seconds or so, and at once when that changes', () => {
  const bench = new Bench()
  bench.open(2, 3)
  assert.deepEqual(bench.news, ['2 hears of 1', '3 hears of 1'])
  bench.clock.advance(60_000)
  const times = bench.own.filter((_, at) => at % 2 === 0).map(({ time }) => time - EPOCH)
  assert.ok(times.length >= 5 && times.length <= 7, String(times))
  times.slice(1).forEach((time, at) => assert.ok(Math.abs(time - (times[at] ?? 0) - 10_000) <= 2_000, String(times)))
  void bench.news
  bench.addresses = ['elsewhere:1']
  bench.clock.advance(1_000)
  assert.deepEqual(
    bench.own.map(({ addresses }) => addresses),
    [['elsewhere:1'], ['elsewhere:1']],
  )
  const [last] = bench.own
  assert.equal(last?.changed, last?.sequence)
})

test('GossipDiscovery: what is new is passed on to a few, what is known to nobody', () => {
  const bench = new Bench()
  bench.open(2, 3, 4, 5, 6, 7, 8)
  void bench.news
  bench.tell(2, announced(9))
  const relayed = bench.news
  assert.equal(relayed.length, 4)
  assert.ok(relayed.every((line) => line.endsWith('hears of 9') && !line.startsWith('2 ')))
  bench.tell(3, announced(9))
  bench.tell(3, announced(9, { sequence: EPOCH + 1, changed: EPOCH }))
  assert.deepEqual(bench.news, [], 'it is only still there')
  bench.clock.advance(1_000)
  void bench.news
  bench.tell(3, announced(9, { sequence: EPOCH + 2, addresses: ['moved:1'] }))
  assert.equal(bench.news.length, 4)
  assert.deepEqual(bench.outcomes, { new: 1, changed: 1, fresh: 1, old: 1 })
  assert.deepEqual(
    bench.hints.map(({ addresses }) => addresses[0]),
    ['10.0.0.9:1', '10.0.0.9:1', 'moved:1'],
  )
})

test('GossipDiscovery: one that changes all the time is passed on once a second', () => {
  const bench = new Bench()
  bench.open(2, 3)
  void bench.news
  for (let i = 0; i < 10; i++) bench.tell(2, announced(9, { sequence: EPOCH + i }))
  assert.deepEqual(bench.news, ['3 hears of 9'])
})

test('GossipDiscovery: believes nothing that is replayed: neither what is known, nor what is old', () => {
  const bench = new Bench()
  bench.open(2)
  bench.tell(2, announced(9, { sequence: EPOCH + 10, addresses: ['now:1'] }))
  bench.tell(2, announced(9, { sequence: EPOCH + 9, addresses: ['before:1'] }))
  bench.tell(2, announced(8, { time: EPOCH - 300_001 }))
  bench.tell(2, announced(8, { time: EPOCH + 60_001 }))
  assert.deepEqual(bench.outcomes, { new: 1, old: 1, skewed: 2 })
  assert.deepEqual(
    bench.hints.map(({ addresses }) => addresses),
    [['now:1']],
  )
  assert.equal(bench.checks, 1, 'what is refused anyway costs no check of a signature')
})

test('GossipDiscovery: over its own link a peer is believed whatever its clock says, and is passed on to nobody', () => {
  const bench = new Bench()
  bench.open(2, 3)
  void bench.news
  bench.tell(2, announced(2, { time: EPOCH + 9e9, sequence: EPOCH + 9e9 }))
  assert.deepEqual(
    bench.hints.map(({ nodeId }) => nodeId),
    [2],
  )
  // Its clock was set right, and its sequence went back with it.
  bench.tell(2, announced(2, { addresses: ['right:1'] }))
  assert.deepEqual(bench.hints.at(-1)?.addresses, ['right:1'])
  assert.deepEqual(bench.news, ['3 hears of 2'])
})

test('GossipDiscovery: what nobody signed, or signed for another topic, mutes whoever passes it on, for a minute', () => {
  for (const bad of [announced(9, {}, idOf(2)), announced(9, {}, idOf(9), new Uint8Array(32)), Uint8Array.of(255, 255)]) {
    const bench = new Bench()
    bench.open(2, 3)
    if (bad instanceof Uint8Array) bench.hear(2, bad)
    else bench.tell(2, bad)
    bench.tell(2, announced(8))
    assert.deepEqual(bench.hints, [])
    assert.equal(bench.warnings.length, 1)
    bench.tell(3, announced(8))
    assert.equal(bench.hints.length, 1, 'others are heard')
    bench.clock.advance(60_000)
    bench.tell(2, announced(7, { time: EPOCH + 60_000 }))
    assert.equal(bench.hints.length, 2)
  }
})

test('GossipDiscovery: one that is muted is not heard sooner for another link', () => {
  const bench = new Bench()
  bench.open(2)
  bench.tell(2, announced(9, {}, idOf(2)))
  bench.close(2)
  bench.open(2)
  bench.tell(2, announced(8))
  assert.deepEqual(bench.hints, [])
})

test('GossipDiscovery: a flood costs the flooder: so many signatures in a turn, so many of one neighbour, and no more', () => {
  const bench = new Bench()
  bench.open(2, 3)
  for (let at = 0; at < 1_000; at += 10) {
    bench.hear(2, { announcements: Array.from({ length: 10 }, (_, i) => announced(10_000 + at + i)) })
  }
  assert.equal(bench.checks, 16)
  bench.tell(3, announced(3))
  bench.clock.advance(1_000)
  assert.ok(bench.checks <= 302, `${bench.checks} signatures were checked`)
  assert.ok(
    bench.hints.some(({ nodeId }) => nodeId === 3),
    'who says little is heard',
  )
  assert.ok((bench.outcomes['limited'] ?? 0) >= 600)
})

test('GossipDiscovery: one neighbour fills a part of the room; of what it invents nothing takes the place of a peer that is named or linked', () => {
  const bench = new Bench()
  const [namedPeer, linkedPeer] = [50_000, 50_001]
  bench.capacity = 150
  bench.named.add(idOf(namedPeer))
  bench.open(2, 3)
  const invent = (from: number, first: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      bench.tell(from, announced(first + i, { time: EPOCH + bench.clock.now() }))
      bench.clock.advance(60)
    }
  }
  invent(2, 10_000, MAX_PEERS_BY_NEIGHBOUR - 2)
  // Whatever it spoke of last would go first.
  invent(2, namedPeer, 2)
  bench.open(linkedPeer)
  invent(2, 20_000, 100)
  assert.equal(bench.gossip.report.known, MAX_PEERS_BY_NEIGHBOUR)
  invent(3, 30_000, 400)
  assert.equal(bench.gossip.report.known, 150)
  assert.ok(bench.gone.length > 40, 'who has taken most makes room')
  assert.ok(!bench.gone.includes(idOf(namedPeer)) && !bench.gone.includes(idOf(linkedPeer)))
  assert.ok(!bench.gone.includes(idOf(10_000)), 'the newest go first')
})

test('GossipDiscovery: asks for what a digest has and it has not, each of one neighbour, and of another when that does not give', () => {
  const bench = new Bench()
  bench.open(2, 3)
  void bench.news
  bench.tell(2, announced(8))
  const digest = [5, 6, 7, 8].map((node) => ({ shortId: shortIdOf(idOf(node)), sequence: EPOCH, changed: EPOCH }))
  void bench.news
  bench.hear(2, { digest })
  assert.deepEqual(bench.news, ['2 is asked for 5', '2 is asked for 6', '2 is asked for 7'])
  bench.tell(2, announced(5))
  void bench.news
  bench.hear(3, { digest })
  assert.deepEqual(bench.news, [])
  bench.clock.advance(6_000)
  void bench.news
  bench.hear(2, { digest })
  bench.hear(3, { digest })
  assert.deepEqual(bench.news, ['3 is asked for 6', '3 is asked for 7'])
})

test('GossipDiscovery: of what is only still there it asks once a minute, of what has changed at once', () => {
  const bench = new Bench()
  bench.open(2)
  bench.tell(2, announced(8))
  void bench.news
  const digest = (sequence: number, changed: number): Partial<GossipMessage> => ({
    digest: [{ shortId: shortIdOf(idOf(8)), sequence, changed }],
  })
  bench.hear(2, digest(EPOCH + 59_999, EPOCH))
  assert.deepEqual(bench.news, [])
  bench.hear(2, digest(EPOCH + 60_000, EPOCH))
  assert.deepEqual(bench.news, ['2 is asked for 8'])
  bench.tell(2, announced(8, { sequence: EPOCH + 60_000, changed: EPOCH, time: EPOCH + 60_000 }))
  bench.hear(2, digest(EPOCH + 60_001, EPOCH + 60_001))
  assert.deepEqual(bench.news, ['2 is asked for 8'])
})

test('GossipDiscovery: gives what it is asked for, while it is not old', () => {
  const bench = new Bench()
  bench.open(2, 3)
  bench.tell(2, announced(8))
  void bench.news
  const wanted = [8, 9].map((node) => shortIdOf(idOf(node)))
  bench.hear(3, { wanted })
  assert.deepEqual(bench.news, ['3 hears of 8'])
  bench.wallOffset += 300_001
  bench.hear(3, { wanted })
  assert.deepEqual(bench.news, [])
})

test('GossipDiscovery: forgets a peer of which nothing new is heard for five minutes', () => {
  const bench = new Bench()
  bench.open(2)
  bench.tell(2, announced(8))
  bench.clock.advance(290_000)
  assert.equal(bench.gossip.report.known, 1)
  bench.clock.advance(25_000)
  assert.equal(bench.gossip.report.known, 0)
})

test('GossipDiscovery: a node whose clock went back hears of its former life, and goes on above it', () => {
  const bench = new Bench()
  bench.open(2, 3)
  const former = announced(1, { sequence: EPOCH + 50_000, addresses: ['before:1'] })
  bench.hear(2, { digest: [{ shortId: shortIdOf(idOf(1)), sequence: EPOCH + 50_000, changed: EPOCH }] })
  assert.deepEqual(bench.news.slice(2), ['2 is asked for 1'])
  bench.tell(2, announced(1, { sequence: EPOCH + 90_000 }, idOf(2)))
  assert.deepEqual(bench.news, [], 'nobody else says what it said')
  bench.tell(3, former)
  assert.deepEqual(
    bench.own.map(({ sequence, changed, addresses }) => [sequence > EPOCH + 50_000, changed === sequence, addresses]),
    [
      [true, true, ['me:1']],
      [true, true, ['me:1']],
    ],
  )
  assert.deepEqual(bench.hints, [])
})

test('GossipDiscovery: another cluster is heard of by nodes of none; one with its own id by nobody', () => {
  const bench = new Bench()
  bench.open(2)
  bench.clusterId = CLUSTER
  bench.tell(2, announced(8, { clusterId: 'd'.repeat(32) }))
  bench.tell(2, announced(7, { clusterId: CLUSTER }))
  bench.tell(2, announced(6))
  bench.tell(2, announced(5, { nodeId: 1 }))
  assert.deepEqual(
    bench.hints.map(({ nodeId }) => nodeId),
    [7, 6],
  )
  bench.clusterId = null
  bench.tell(2, announced(8, { clusterId: 'd'.repeat(32) }))
  assert.equal(bench.hints.at(-1)?.nodeId, 8)
})

test('GossipDiscovery: a node that has failed says nothing; stopped, it waits for nothing', () => {
  const bench = new Bench()
  bench.open(2, 3)
  void bench.news
  bench.isSound = false
  bench.tell(2, announced(8))
  bench.clock.advance(30_000)
  assert.deepEqual(bench.news, [])
  bench.isSound = true
  bench.gossip.stop()
  bench.clock.advance(60_000)
  assert.deepEqual(bench.news, [])
})
