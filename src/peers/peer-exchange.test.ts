import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel, ChannelHandler, Claims, Clock, LinkedPeer } from '../ports/index.ts'
import { decodePeerNews, encodePeerNews } from '../wire/index.ts'
import type { PeerNews } from '../wire/index.ts'
import { PeerBook } from './peer-book.ts'
import { PeerExchange } from './peer-exchange.ts'

const REPEAT_MS = 60_000
const idOf = (nodeId: number): string => nodeId.toString(16).padStart(64, '0')
const claimsOf = (nodeId: number, change: Partial<Claims> = {}): Claims => ({
  nodeId,
  clusterId: 'c1',
  addresses: [`10.0.0.${nodeId}:1`],
  languageVersion: 1,
  ...change,
})
const peer = (nodeId: number, change: Partial<Claims> = {}): LinkedPeer => ({
  endpointId: idOf(nodeId),
  claims: claimsOf(nodeId, change),
})

/** Node 1, whose links and time a test holds in its hands. */
class Bench {
  readonly book = new PeerBook({ now: () => this.now })
  /** Who was told what: of whom and where, or that it is absent. */
  said: string[] = []
  readonly told: number[] = []
  readonly absent = new Map<string, number>()
  clusterId: string | null = 'c1'
  isSound = true
  now = 0
  readonly exchange: PeerExchange
  #handler: ChannelHandler | null = null
  #timers: { readonly at: number; readonly run: () => void }[] = []

  constructor() {
    const clock: Clock = {
      now: () => this.now,
      setTimer: (delayMs, run) => {
        const timer = { at: this.now + delayMs, run }
        this.#timers.push(timer)
        return { cancel: () => void (this.#timers = this.#timers.filter((one) => one !== timer)) }
      },
      defer: (run) => run(),
    }
    const channel: Channel = {
      send: (to, [bytes]) => this.#note(to, decodePeerNews(bytes as Uint8Array)),
      detach: () => undefined,
    }
    this.exchange = new PeerExchange({
      nodeId: 1,
      book: this.book,
      heard: (hint) => void this.book.add(hint, 'gossip'),
      links: {
        endpointId: idOf(1),
        attach: (_kind, handler) => {
          this.#handler = handler
          return channel
        },
        peers: () => [],
      },
      clock,
      isSound: () => this.isSound,
      clusterId: () => this.clusterId,
      absentSince: ({ endpointId }) => this.absent.get(endpointId) ?? null,
      toldAbsent: (since) => void this.told.push(since),
    })
    this.exchange.start()
  }

  open(...peers: readonly LinkedPeer[]): void {
    for (const one of peers) this.#handler?.opened(one)
  }

  close(nodeId: number): void {
    this.#handler?.closed(idOf(nodeId), 'lost')
  }

  hear(from: number, news: Partial<PeerNews> | Uint8Array): void {
    const bytes = news instanceof Uint8Array ? news : encodePeerNews({ facts: [], absentSince: null, ...news })
    this.#handler?.message(idOf(from), bytes)
  }

  /** What was said since the last look. */
  get news(): string[] {
    const { said } = this
    this.said = []
    return said
  }

  advance(ms: number): void {
    const until = this.now + ms
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > until) break
      this.#timers = this.#timers.filter((one) => one !== next)
      this.now = next.at
      next.run()
    }
    this.now = until
  }

  get timers(): number {
    return this.#timers.length
  }

  #note(to: string, { facts, absentSince }: PeerNews): boolean {
    const whom = Number.parseInt(to, 16)
    for (const { nodeId, addresses } of facts) this.said.push(`${whom} hears of ${nodeId} at ${addresses.join()}`)
    if (absentSince !== null) this.said.push(`${whom} is absent since ${absentSince}`)
    return true
  }
}

test('PeerExchange: who is linked hears of all others, and they of it, once', () => {
  const bench = new Bench()
  bench.open(peer(2), peer(3))
  assert.deepEqual(bench.news, ['3 hears of 2 at 10.0.0.2:1', '2 hears of 3 at 10.0.0.3:1'])
  bench.open(peer(3))
  assert.deepEqual(bench.news, ['3 hears of 2 at 10.0.0.2:1'], 'it may have forgotten; the others have not')
})

test('PeerExchange: a member that has moved is said to be where it says it is', () => {
  const bench = new Bench()
  bench.open(peer(2), peer(3))
  bench.close(3)
  void bench.news
  bench.open(peer(3, { addresses: ['moved:1'] }))
  assert.ok(bench.news.includes('2 hears of 3 at moved:1'))
})

test('PeerExchange: a person who tells one node of a peer has told all; hearsay is not passed on', () => {
  const bench = new Bench()
  bench.open(peer(2), peer(3))
  void bench.news
  bench.book.add({ endpointId: idOf(9), nodeId: 9, addresses: ['nine:1'] }, 'add-peer')
  assert.deepEqual(bench.news, ['2 hears of 9 at nine:1', '3 hears of 9 at nine:1'])
  bench.hear(2, { facts: [{ endpointId: idOf(8), nodeId: 8, addresses: ['eight:1'] }] })
  assert.deepEqual(bench.book.get(idOf(8))?.addresses, ['eight:1'])
  bench.advance(REPEAT_MS)
  const again = bench.news
  assert.ok(again.includes('2 hears of 9 at nine:1') && again.includes('3 hears of 2 at 10.0.0.2:1'))
  assert.ok(!again.some((line) => line.includes('of 8')))
})

test('PeerExchange: what a peer says of itself on its own link is not learned from others, nor this node of itself', () => {
  const bench = new Bench()
  bench.open(peer(2), peer(3))
  const facts = [1, 3].map((nodeId) => ({ endpointId: idOf(nodeId), nodeId, addresses: ['lie:1'] }))
  bench.hear(2, { facts: [...facts, { endpointId: idOf(7), nodeId: 1, addresses: ['former:1'] }] })
  assert.deepEqual(bench.book.entries(), [])
})

test('PeerExchange: members hear of members only; a node of no cluster hears of everybody it is linked with', () => {
  for (const [own, theirs, isHeard] of [
    ['c1', null, false],
    ['c1', 'c1', true],
    [null, null, true],
    [null, 'c1', true],
  ] as const) {
    const bench = new Bench()
    bench.clusterId = own
    bench.open(peer(2, { clusterId: theirs }))
    bench.hear(2, { facts: [{ endpointId: idOf(8), nodeId: 8, addresses: ['eight:1'] }], absentSince: 5 })
    assert.equal(bench.book.get(idOf(8)) !== undefined, isHeard)
    assert.equal(bench.told.length > 0, isHeard)
  }
})

test('PeerExchange: nonsense is nothing', () => {
  const bench = new Bench()
  bench.open(peer(2))
  bench.hear(2, Uint8Array.of(255, 255))
  bench.hear(9, { absentSince: 3 })
  assert.deepEqual([bench.book.entries(), bench.told], [[], []])
})

test('PeerExchange: a linked key of this cluster or of none that is no member is told so, at once and again', () => {
  const bench = new Bench()
  bench.absent.set(idOf(3), 7).set(idOf(4), 7).set(idOf(5), 7)
  bench.open(peer(2), peer(3), peer(4, { clusterId: null }), peer(5, { clusterId: 'c2' }))
  assert.deepEqual(
    bench.news.filter((line) => line.includes('absent')),
    ['3 is absent since 7', '4 is absent since 7'],
  )
  bench.advance(5_000)
  assert.deepEqual(bench.news, ['3 is absent since 7', '4 is absent since 7'])
  bench.exchange.stop()
  assert.equal(bench.timers, 0)
})

test('PeerExchange: a node that has failed says nothing', () => {
  const bench = new Bench()
  bench.absent.set(idOf(3), 7)
  bench.open(peer(2), peer(3))
  void bench.news
  bench.isSound = false
  bench.open(peer(4))
  bench.advance(REPEAT_MS)
  assert.deepEqual(bench.news, [])
})
