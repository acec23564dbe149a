/** When something is published and looked for, and what of it is believed: in virtual time, at places that are made up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePlaces } from '../../src/discovery/pkarr/endpoint-packet.ts'
import { PkarrDiscovery, PlaceError } from '../../src/discovery/pkarr/index.ts'
import type { RecordPlace } from '../../src/discovery/pkarr/index.ts'
import { signRecord } from '../../src/discovery/pkarr/signed-record.ts'
import type { SignedRecord } from '../../src/discovery/pkarr/signed-record.ts'
import { Prng } from '../../src/lib/index.ts'
import { generateIdentity, signaturesOf } from '../../src/net/index.ts'
import type { Candidate, SelfDescription } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'

const MINUTE = 60_000
const EPOCH = Date.UTC(2026, 0, 1)
const own = signaturesOf(generateIdentity())
const other = signaturesOf(generateIdentity())
const self = (addresses: readonly string[], clusterId: string | null = null): SelfDescription => ({
  endpointId: own.endpointId,
  nodeId: 1,
  clusterId,
  addresses,
  relay: null,
})
const sequenceAt = (ms: number): number => (EPOCH + ms) * 1_000
const saidBy = (signatures: typeof own, sequence: number, address = '10.0.0.2:2'): SignedRecord =>
  signRecord(signatures, sequence, encodePlaces(signatures.endpointId, { addresses: [address], relay: null }))

class Place implements RecordPlace {
  readonly name: string
  readonly concurrency = 2
  readonly puts: { readonly at: number; readonly sequence: number; readonly replaces: number | null; readonly value: Buffer }[] =
    []
  readonly asked: { readonly at: number; readonly endpointId: string }[] = []
  readonly records = new Map<string, SignedRecord>()
  refusal: PlaceError | null = null
  silent = false
  closed = 0
  readonly #clock: ManualClock

  constructor(clock: ManualClock, name = 'a place') {
    this.#clock = clock
    this.name = name
  }

  async put({ sequence, value }: SignedRecord, replaces: number | null): Promise<void> {
    this.puts.push({ at: this.#clock.now(), sequence, replaces, value: Buffer.from(value) })
    if (this.refusal !== null) throw this.refusal
    const there = this.records.get(own.endpointId)
    if (there !== undefined && there.sequence >= sequence) throw new PlaceError('newer', { isConflict: true })
  }

  async get(endpointId: string): Promise<SignedRecord | null> {
    this.asked.push({ at: this.#clock.now(), endpointId })
    if (this.silent) return new Promise(() => undefined)
    return this.records.get(endpointId) ?? null
  }

  async close(): Promise<void> {
    this.closed++
  }
}

function world({ places = 1, epoch = EPOCH } = {}) {
  const clock = new ManualClock()
  const heard: Candidate[] = []
  const logged: string[] = []
  const all = Array.from({ length: places }, (_, i) => new Place(clock, `place ${i}`))
  const pkarr = new PkarrDiscovery({
    clock,
    wallClock: () => epoch + clock.now(),
    random: new Prng(7),
    logger: { log: (_level, message) => logged.push(message) },
    signatures: own,
    places: all,
  })
  const pass = async (ms: number, stepMs = 1_000): Promise<void> => {
    for (let left = ms; left >= 0; left -= stepMs) {
      clock.advance(left === 0 ? 0 : Math.min(left, stepMs))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return {
    clock,
    heard,
    logged,
    pkarr,
    pass,
    place: all[0] as Place,
    places: all,
    start: () => pkarr.start(self(['10.0.0.1:1']), (one) => heard.push(one)),
  }
}

test('PkarrDiscovery: publishes at once, again every few minutes, and at each place', async () => {
  const { places, pass, start, pkarr } = world({ places: 2 })
  start()
  await pass(60 * MINUTE, 10_000)
  for (const { puts } of places) {
    assert.ok(puts.length >= 10 && puts.length <= 16, `${puts.length} times in an hour`)
    const gaps = puts.slice(1).map(({ at }, i) => at - (puts[i]?.at ?? 0))
    assert.ok(gaps.every((gap) => gap >= 4 * MINUTE && gap <= 6 * MINUTE))
    assert.ok(new Set(gaps).size > 3, 'nodes that were started together do not publish together for ever')
  }
  const sequences = places.flatMap(({ puts }) => puts.map(({ sequence }) => sequence))
  assert.equal(new Set(sequences).size, sequences.length)
  await pkarr.stop()
  await pass(60 * MINUTE, 10_000)
  assert.equal(
    places.reduce((sum, { puts }) => sum + puts.length, 0),
    sequences.length,
  )
  assert.deepEqual(
    places.map(({ closed }) => closed),
    [1, 1],
  )
})

test('PkarrDiscovery: a change is published once in five seconds, and nothing else is one', async () => {
  const { place, pass, start, pkarr } = world()
  start()
  await pass(1_000)
  for (let i = 0; i < 100; i++) {
    pkarr.announce(self([`10.0.0.1:${i + 1}`], 'c'))
    await pass(100, 100)
  }
  await pass(10_000)
  const gaps = place.puts.slice(1).map(({ at }, i) => at - (place.puts[i]?.at ?? 0))
  assert.ok(place.puts.length >= 3 && gaps.every((gap) => gap >= 5_000), String(gaps))
  assert.match(place.puts.at(-1)?.value.toString('latin1') ?? '', /addr=10\.0\.0\.1:100$/)
  const before = place.puts.length
  pkarr.announce(self(['10.0.0.1:100'], 'another'))
  await pass(60_000)
  assert.equal(place.puts.length, before, 'a cluster is no address')
  assert.ok(place.puts.every(({ sequence }, i) => sequence > (place.puts[i - 1]?.sequence ?? 0)))
})

test('PkarrDiscovery: sequences go on after a restart, also with a clock that went back a little', async () => {
  const first = world()
  first.start()
  await first.pass(10 * MINUTE)
  const last = first.place.puts.at(-1)?.sequence ?? 0
  assert.ok(last > sequenceAt(0))
  const second = world({ epoch: EPOCH + 5 * MINUTE })
  second.place.records.set(own.endpointId, saidBy(own, last))
  second.start()
  await second.pass(20_000)
  const [refused, taken] = second.place.puts
  assert.ok(refused !== undefined && refused.sequence < last)
  assert.ok(taken !== undefined && taken.sequence > last)
  assert.equal(taken.replaces, last)
  assert.equal(second.pkarr.report().lastError, null)
})

test('PkarrDiscovery: a record of this node from far ahead is said, and not gone above', async () => {
  const { place, pass, start, pkarr, logged } = world()
  place.records.set(own.endpointId, saidBy(own, sequenceAt(60 * MINUTE)))
  start()
  await pass(30_000)
  assert.match(
    pkarr.report().lastError ?? '',
    /^place 0: a record of this node from 2026-01-01T01:00:00\.000Z stands there: its clock/,
  )
  assert.ok(place.puts.every(({ sequence }) => sequence < sequenceAt(MINUTE)))
  assert.equal(logged.filter((line) => line.startsWith('this node is not found by pkarr')).length, 1)
  await pass(70 * MINUTE, 10_000)
  assert.equal(pkarr.report().lastError, null)
})

test('PkarrDiscovery: a place that refuses is tried less and less often, and not before it allows', async () => {
  const { place, pass, start, pkarr, logged } = world()
  const times = (): number => place.puts.length
  place.refusal = new PlaceError('too many', { retryAfterMs: 120_000 })
  start()
  await pass(2 * MINUTE - 1_000)
  pkarr.announce(self(['10.0.0.1:9']))
  assert.equal(times(), 1)
  await pass(2_000)
  assert.equal(times(), 2)
  assert.equal(pkarr.report().lastError, 'place 0: too many')
  place.refusal = new PlaceError('broken')
  await pass(60 * MINUTE, 10_000)
  assert.ok(times() < 25, `${times()} times in an hour`)
  assert.equal(logged.length, 1)
  place.refusal = null
  await pass(7 * MINUTE, 10_000)
  assert.equal(pkarr.report().lastError, null)
})

test('PkarrDiscovery: whoever is missed is looked for at once, then less often, until it is there', async () => {
  const { place, pass, start, pkarr, heard } = world()
  start()
  await pass(10 * MINUTE, 10_000)
  assert.equal(place.asked.length, 0)
  pkarr.seek([other.endpointId])
  await pass(0)
  assert.deepEqual(
    place.asked.map(({ endpointId }) => endpointId),
    [other.endpointId],
  )
  await pass(10 * MINUTE)
  assert.ok(place.asked.length >= 15 && place.asked.length <= 25, `${place.asked.length} times in ten minutes`)
  assert.deepEqual(heard, [])
  place.records.set(other.endpointId, saidBy(other, sequenceAt(20 * MINUTE)))
  await pass(MINUTE)
  assert.deepEqual(heard[0], {
    endpointId: other.endpointId,
    nodeId: null,
    clusterId: null,
    addresses: ['10.0.0.2:2'],
    relay: null,
  })
  pkarr.seek([])
  const before = place.asked.length
  await pass(10 * MINUTE)
  assert.equal(place.asked.length, before)
})

test('PkarrDiscovery: a thousand that are missed are looked for four a second, two at a time', async () => {
  const { place, pass, start, pkarr } = world()
  start()
  const keys = Array.from({ length: 1_200 }, (_, i) => i.toString(16).padStart(64, '0'))
  pkarr.seek(keys)
  await pass(10 * MINUTE, 50)
  const first = place.asked.findIndex(({ endpointId }, i) => place.asked.slice(0, i).some((one) => one.endpointId === endpointId))
  assert.equal(first, 1_000, 'each has its turn, and so many are looked for')
  assert.ok(place.asked.length <= 4 * 10 * 60 + 8 && place.asked.length > 2_200, `${place.asked.length} in ten minutes`)
  place.silent = true
  await pass(2 * MINUTE)
  const before = place.asked.length
  await pass(10 * MINUTE)
  assert.equal(place.asked.length, before, 'nobody answers, and more are asked')
})

test('PkarrDiscovery: what was said before, long ago, in the future, or makes no sense leads nowhere', async () => {
  const { place, pass, start, pkarr, heard, clock } = world()
  start()
  await pass(180 * MINUTE, MINUTE)
  pkarr.seek([other.endpointId])
  const hear = async (record: SignedRecord): Promise<string | null> => {
    heard.length = 0
    place.records.set(other.endpointId, record)
    await pass(40_000)
    return pkarr.report().lastError
  }
  const places = (): string[] => heard.flatMap(({ addresses }) => addresses)
  const now = (): number => sequenceAt(clock.now())
  assert.match((await hear(saidBy(other, now() - 121 * MINUTE * 1_000))) ?? '', /12\d minutes old/)
  assert.deepEqual(places(), [])
  assert.match((await hear(saidBy(other, now() + 15 * MINUTE * 1_000))) ?? '', /minutes ahead of the clock/)
  assert.deepEqual(places(), [])
  assert.equal(await hear(saidBy(other, now())), null)
  assert.ok(places().includes('10.0.0.2:2'))
  assert.match((await hear(saidBy(other, now() - MINUTE * 60_000, '10.0.0.9:9'))) ?? '', /older than one that was found before/)
  assert.deepEqual(places(), [])
  assert.match((await hear(signRecord(other, now(), Buffer.from('odd')))) ?? '', /says no address/)
  assert.deepEqual(places(), [])
  assert.equal(await hear(saidBy(other, now(), '10.0.0.3:3')), null)
  assert.ok(places().includes('10.0.0.3:3'))
})

test('PkarrDiscovery: without a place nothing is published, and that is said', async () => {
  const { pkarr, logged, start, pass } = world({ places: 0 })
  start()
  pkarr.seek([other.endpointId])
  await pass(10 * MINUTE)
  assert.deepEqual(logged, [])
  assert.match(pkarr.report().detail, /^nowhere: /)
  await pkarr.stop()
})
