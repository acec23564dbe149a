import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_DIALLED_STRANGERS, MAX_MISSED_STRANGERS, MISSED_EXPIRY_MS, STRANGER_EXPIRY_MS } from '../limits.ts'
import { Prng } from '../lib/index.ts'
import type { Clock, DialTarget, PeerReport } from '../ports/index.ts'
import { DialPolicy } from './dial-policy.ts'
import { PeerBook } from './peer-book.ts'
import type { PeerHint } from './peer-book.ts'

const idOf = (number: number): string => number.toString(16).padStart(64, '0')
const hintOf = (number: number): PeerHint => ({
  endpointId: idOf(number),
  nodeId: number,
  addresses: [`10.0.0.${number % 250}:1`],
})
const SELF = idOf(1)

/** A policy over a book, a transport that writes down whom it is to reach, and a clock that a test moves. */
class Stage {
  readonly dialled = new Map<string, readonly string[]>()
  readonly linked = new Set<string>()
  readonly refused: string[] = []
  readonly book: PeerBook
  readonly policy: DialPolicy
  #now = 0
  #timers: { readonly at: number; readonly run: () => void }[] = []

  constructor(capacity = 100, prepare: (book: PeerBook) => void = () => undefined) {
    this.book = new PeerBook({ now: () => this.#now, capacity })
    prepare(this.book)
    const clock: Clock = {
      now: () => this.#now,
      setTimer: (delayMs, run) => {
        const timer = { at: this.#now + delayMs, run }
        this.#timers.push(timer)
        return { cancel: () => void (this.#timers = this.#timers.filter((one) => one !== timer)) }
      },
      defer: (run) => run(),
    }
    const report = (endpointId: string): PeerReport => ({
      endpointId,
      state: 'connected',
      claims: null,
      lastError: null,
      path: 'direct',
    })
    const transport = {
      endpointId: SELF,
      connect: ({ endpointId, addresses }: DialTarget) => void this.dialled.set(endpointId, addresses),
      disconnect: (id: string) => void this.dialled.delete(id),
      peers: () => Array.from(this.linked, report),
    }
    const refused = ({ endpointId }: PeerHint): void => void this.refused.push(endpointId)
    this.policy = new DialPolicy({ nodeId: 1, book: this.book, transport, clock, random: new Prng(1), refused })
    this.policy.start()
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Time passes, and what was due meanwhile is late. */
  sleep(ms: number): void {
    this.#now += ms
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > until) break
      this.#timers = this.#timers.filter((one) => one !== next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = until
  }

  dials(...numbers: readonly number[]): void {
    assert.deepEqual([...this.dialled.keys()].toSorted(), numbers.map(idOf).toSorted())
  }
}

test('DialPolicy: dials everybody who is named, at every address, and never itself', () => {
  const { book, policy, dialled, dials } = bound(new Stage())
  book.add(hintOf(2), 'peers')
  book.add({ ...hintOf(2), addresses: ['moved:1'] }, 'link')
  policy.follow([hintOf(1), hintOf(3)])
  dials(2, 3)
  assert.deepEqual(dialled.get(idOf(2)), ['moved:1', '10.0.0.2:1'])
})

test('DialPolicy: a member that was removed is let go, however it was once named; the configuration of the node keeps it', () => {
  const { book, policy, advance, dials } = bound(new Stage())
  book.add(hintOf(2), 'add-peer')
  book.add(hintOf(3), 'peers')
  book.add(hintOf(4), 'link')
  policy.follow([2, 3, 4, 5].map(hintOf))
  policy.follow([])
  dials(3, 4)
  advance(2 * STRANGER_EXPIRY_MS)
  dials(3)
  assert.deepEqual(
    book.entries().map(({ nodeId }) => nodeId),
    [3],
  )
})

test('DialPolicy: members of before the start that are none any more are let go at the first configuration', () => {
  const { policy, dials } = bound(new Stage(100, (book) => [2, 3].forEach((id) => book.add(hintOf(id), 'membership'))))
  dials(2, 3)
  policy.follow([hintOf(3)])
  dials(3)
})

test('DialPolicy: dials a few strangers, and forgets one that stays away; one that is linked stays', () => {
  const { book, linked, advance, dialled } = bound(new Stage())
  for (let i = 2; i < MAX_DIALLED_STRANGERS + 12; i++) book.add(hintOf(i), 'gossip')
  assert.equal(dialled.size, MAX_DIALLED_STRANGERS)
  linked.add(idOf(2)).add(idOf(40))
  advance(2 * STRANGER_EXPIRY_MS)
  assert.deepEqual(
    book.entries().map(({ nodeId }) => nodeId),
    [2, 40],
  )
  assert.deepEqual([...dialled.keys()], [idOf(2), idOf(40)])
})

test('DialPolicy: some of those that were linked once are dialled for days, those that were known first; a member that was removed is not', () => {
  const { stage, book, policy, linked, advance, dialled } = bound(new Stage(1_000))
  const many = Array.from({ length: MAX_MISSED_STRANGERS + 20 }, (_, i) => i + 100)
  for (const id of [...many, 2]) linked.add(idOf(id))
  for (const id of many) book.add(hintOf(id), 'link')
  policy.follow([hintOf(2)])
  book.add(hintOf(2), 'link')
  policy.follow([])
  linked.clear()
  advance(2 * STRANGER_EXPIRY_MS)
  assert.deepEqual(
    book.entries().map(({ nodeId }) => nodeId),
    many.slice(0, MAX_MISSED_STRANGERS),
  )
  const tried = new Set<string>()
  for (let i = 0; i < 60; i++) {
    advance(10_000)
    for (const endpointId of dialled.keys()) tried.add(endpointId)
    assert.ok(dialled.size <= MAX_DIALLED_STRANGERS)
  }
  assert.equal(tried.size, MAX_MISSED_STRANGERS, 'each has its turn')
  stage.sleep(MISSED_EXPIRY_MS)
  advance(2 * 60_000)
  assert.deepEqual(book.entries(), [])
})

test('DialPolicy: who has enough links looks for nobody that it hears of, and for whom it misses it makes room', () => {
  const { book, linked, advance, dialled } = bound(new Stage(1_000))
  const here = Array.from({ length: MAX_DIALLED_STRANGERS }, (_, i) => i + 100)
  const heard = Array.from({ length: 10 }, (_, i) => i + 300)
  for (const id of here) {
    linked.add(idOf(id))
    book.add(hintOf(id), 'link')
  }
  for (let i = 0; i < 20; i++) {
    for (const id of heard) book.add(hintOf(id), 'gossip')
    advance(10_000)
  }
  assert.deepEqual([...dialled.keys()], here.map(idOf))
  advance(130_000)
  const sought = [...dialled.keys()].filter((endpointId) => !linked.has(endpointId))
  assert.equal(sought.length, 1)
  assert.ok(heard.some((id) => idOf(id) === sought[0]))
})

test('DialPolicy: whoever invents peers does not keep a node from dialling those that were linked once', () => {
  const { book, advance, dialled } = bound(new Stage(1_000))
  for (let id = 1_000; id < 1_800; id++) book.add(hintOf(id), 'gossip')
  advance(20_000)
  const real = [5, 6, 7, 8]
  for (const id of real) book.add(hintOf(id), 'link')
  advance(14_000)
  for (let i = 0; i < 20; i++) {
    for (const id of real) assert.ok(dialled.has(idOf(id)), `${id} is not dialled`)
    advance(1_000)
  }
  // And those that were linked leave places to others.
  for (let id = 100; id < 200; id++) book.add(hintOf(id), 'link')
  advance(30_000)
  const kinds = [...dialled.keys()].filter((endpointId) => book.get(endpointId)?.hints.has('gossip') ?? false)
  assert.equal(kinds.length, MAX_DIALLED_STRANGERS / 2)
})

test('DialPolicy: a key that lost its id to another is forgotten, also where the configuration of this node names it', () => {
  const { book, linked, policy, dials } = bound(new Stage())
  book.add(hintOf(2), 'peers')
  policy.follow([hintOf(2)])
  const successor = { ...hintOf(20), nodeId: 2 }
  linked.add(successor.endpointId)
  book.add(successor, 'link')
  dials(2)
  policy.follow([hintOf(2)])
  assert.ok(book.get(successor.endpointId) !== undefined, 'it is here, and may be about to take the place of the other')
  policy.follow([successor])
  dials(20)
  assert.equal(book.get(idOf(2)), undefined)
  book.add(hintOf(2), 'gossip')
  dials(20)
})

test('DialPolicy: former lives of this node itself are not dialled: its own address would answer', () => {
  const { book, policy, dials } = bound(new Stage())
  book.add({ ...hintOf(9), nodeId: 1 }, 'peers')
  policy.follow([{ ...hintOf(10), nodeId: 1 }, hintOf(2)])
  dials(2)
  assert.deepEqual(
    book.entries().map(({ nodeId }) => nodeId),
    [2],
  )
})

test('DialPolicy: a person who asks for a key gets it dialled, whoever has its id', () => {
  const { book, policy, dials } = bound(new Stage())
  policy.follow([hintOf(2)])
  book.add({ ...hintOf(20), nodeId: 2 }, 'add-peer')
  dials(2, 20)
})

test('DialPolicy: a member finds a place in a book full of strangers, and is said to have none among members', () => {
  const { book, policy, refused, dials } = bound(new Stage(2))
  for (const id of [2, 3]) book.add(hintOf(id), 'gossip')
  policy.follow([4, 5, 6].map(hintOf))
  dials(4, 5)
  assert.deepEqual(refused, [idOf(6)])
})

test('DialPolicy: stopped, it dials nobody new and waits for nothing', () => {
  const { stage, book, policy, dials } = bound(new Stage())
  policy.stop()
  book.add(hintOf(2), 'peers')
  dials()
  assert.equal(stage.timers, 0)
})

function bound(stage: Stage): Pick<Stage, 'book' | 'policy' | 'dialled' | 'linked' | 'refused'> & {
  readonly stage: Stage
  readonly advance: (ms: number) => void
  readonly dials: (...numbers: readonly number[]) => void
} {
  const { book, policy, dialled, linked, refused } = stage
  const advance = (ms: number): void => stage.advance(ms)
  const dials = (...numbers: readonly number[]): void => stage.dials(...numbers)
  return { stage, book, policy, dialled, linked, refused, advance, dials }
}
