/** Records on a DHT: of nodes of another maker on loopback; and of nodes that lie, are silent or lead astray, in virtual time. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { decodeBencode, encodeBencode } from '../../src/discovery/pkarr/bencode.ts'
import type { Bencoded, BencodedDictionary } from '../../src/discovery/pkarr/bencode.ts'
import { DhtPlace, udpOn } from '../../src/discovery/pkarr/index.ts'
import type { Contact, PlaceError, UdpListener } from '../../src/discovery/pkarr/index.ts'
import { signRecord } from '../../src/discovery/pkarr/signed-record.ts'
import type { SignedRecord } from '../../src/discovery/pkarr/signed-record.ts'
import { Prng } from '../../src/lib/index.ts'
import { generateIdentity, signaturesOf, systemClock } from '../../src/net/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { startDht } from './dht-nodes.ts'

const signatures = signaturesOf(generateIdentity())
const { endpointId } = signatures
const KEY = Buffer.from(endpointId, 'hex')
const TARGET = createHash('sha1').update(KEY).digest()
const record = (sequence: number, text = 'hello'): SignedRecord => signRecord(signatures, sequence, Buffer.from(text))

/** On a busy machine nodes do not answer in time now and then. */
async function eventually(probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) if (await probe().catch(() => false)) return
  assert.fail('it did not come to pass')
}

function placeOn(t: TestContext, bootstrap: readonly string[], seed: number): DhtPlace {
  const place = new DhtPlace({
    bootstrap,
    open: udpOn('127.0.0.1'),
    clock: systemClock,
    random: new Prng(seed),
    signatures,
    resolve: async (host) => [host === 'router.test' ? '127.0.0.1' : host],
  })
  t.after(() => place.close())
  return place
}

test('DhtPlace: what is put is kept by nodes of another maker, and found by whoever begins elsewhere', async (t) => {
  const { addresses, nodes, stop } = await startDht(t)
  const writer = placeOn(t, [addresses[0]?.replace('127.0.0.1', 'router.test') ?? ''], 1)
  const reader = placeOn(t, [addresses[4] ?? ''], 2)
  const put = (one: SignedRecord): Promise<void> =>
    eventually(() =>
      writer.put(one).then(
        () => true,
        ({ isConflict }: PlaceError) => isConflict,
      ),
    )
  const finds = (one: SignedRecord): Promise<void> =>
    eventually(async () => {
      const found = await reader.get(endpointId)
      return found !== null && Buffer.from(found.value).equals(one.value) && found.sequence === one.sequence
    })
  await eventually(async () => (await reader.get(endpointId)) === null)
  await put(record(5_000_000))
  await finds(record(5_000_000))
  // They hand it to each other as what it is.
  await eventually(async () => {
    const theirs = await new Promise((resolve) =>
      nodes[2]?.get(TARGET, (_error, got) => resolve(got && `${got.seq} ${Buffer.from(got.v).toString()}`)),
    )
    return theirs === '5000000 hello'
  })
  await eventually(() =>
    writer.put(record(4_000_000, 'old')).then(
      () => false,
      ({ isConflict }: PlaceError) => isConflict,
    ),
  )
  await put(record(6_000_000, 'x'.repeat(995)))
  await finds(record(6_000_000, 'x'.repeat(995)))
  // Where both began is gone.
  await Promise.all([stop(0), stop(4)])
  await put(record(7_000_000))
  await finds(record(7_000_000))
})

test('DhtPlace: nobody there, and nothing that can be reached: it says so', async (t) => {
  const silent = createSocket('udp4')
  t.after(() => silent.close())
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
  const nobody = placeOn(t, [`127.0.0.1:${silent.address().port}`], 3)
  await assert.rejects(nobody.get(endpointId), /none of its nodes answers/)
  // The system refuses it to a socket that was not made for broadcasts, whatever it is bound to: nothing leaves this machine, with no bug that there may be.
  const unsendable = placeOn(t, ['255.255.255.255:6881'], 4)
  await assert.rejects(unsendable.get(endpointId), /^PlaceError: .*EACCES/)
})

test('udpOn: is bound where the node listens, and to loopback for one that listens on loopback of the other family', async (t) => {
  for (const [host, from] of [
    ['127.0.0.2', '127.0.0.2'],
    ['::1', '127.0.0.1'],
    ['localhost', '127.0.0.1'],
  ] as const) {
    const ear = createSocket('udp4')
    const heard = new Promise<string>((resolve) => ear.on('message', (_bytes, { address }) => resolve(address)))
    await new Promise<void>((resolve) => ear.bind(0, '127.0.0.1', resolve))
    const udp = udpOn(host)({ heard: () => undefined, failed: (error) => assert.fail(error) })
    t.after(async () => {
      ear.close()
      await udp.close()
    })
    udp.send(Buffer.from('x'), { host: '127.0.0.1', port: ear.address().port })
    assert.equal(await heard, from)
  }
})

// --- Made-up nodes ---

type Facts = Record<string, Bencoded>
type Behaviour = (facts: BencodedDictionary, name: string) => Facts | { readonly error: readonly [number, string] } | null

const idOf = (text: string): Buffer => createHash('sha1').update(text).digest()
/** Ids that are close to the target, the smaller the closer. */
const nearId = (distance: number): Buffer => {
  const id = Buffer.from(TARGET)
  id.writeUInt32BE((id.readUInt32BE(16) ^ distance) >>> 0, 16)
  return id
}
const compact = (...nodes: readonly (readonly [id: Buffer, host: string, port: number])[]): Buffer =>
  Buffer.concat(
    nodes.map(([id, host, port]) =>
      Buffer.concat([id, Buffer.from(host.split('.').map(Number)), Buffer.of(port >> 8, port & 255)]),
    ),
  )

const textOf = (value: Bencoded | undefined): string => Buffer.from(value as Uint8Array).toString()

class Net {
  readonly clock = new ManualClock()
  readonly sent: {
    readonly to: string
    readonly name: string
    readonly facts: BencodedDictionary
    readonly message: BencodedDictionary
  }[] = []
  readonly nodes = new Map<string, Behaviour>()
  readonly place: DhtPlace
  listener: UdpListener | null = null
  opened = 0

  constructor(bootstrap: readonly string[]) {
    this.place = new DhtPlace({
      bootstrap,
      clock: this.clock,
      random: new Prng(9),
      signatures,
      resolve: async (host) => [host],
      open: (listener) => {
        this.opened++
        this.listener = listener
        return { send: (bytes, to) => this.#deliver(Buffer.from(bytes), to), close: async () => undefined }
      },
    })
  }

  #deliver(bytes: Buffer, to: Contact): void {
    const key = `${to.host}:${to.port}`
    const message = decodeBencode(bytes) as BencodedDictionary
    const facts = message.get('a') as BencodedDictionary
    const name = textOf(message.get('q'))
    this.sent.push({ to: key, name, facts, message })
    const said = this.nodes.get(key)?.(facts, name) ?? null
    if (said !== null) this.reply(to, message.get('t') as Bencoded, said)
  }

  reply(from: Contact, transaction: Bencoded, said: Exclude<ReturnType<Behaviour>, null>): void {
    const { error } = said as { error?: readonly [number, string] }
    const body: [string, Bencoded][] =
      error === undefined
        ? [
            ['y', Buffer.from('r')],
            ['r', new Map(Object.entries(said as Facts))],
          ]
        : [
            ['y', Buffer.from('e')],
            ['e', [error[0], Buffer.from(error[1])]],
          ]
    const bytes = encodeBencode(new Map([['t', transaction], ...body]))
    this.clock.defer(() => this.listener?.heard(bytes, from))
  }

  /** Time passes until it is done. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const watched = work.finally(() => (isDone = true))
    watched.catch(() => undefined)
    for (let turns = 0; !isDone; turns++) {
      assert.ok(turns < 10_000, 'it does not end')
      await new Promise((resolve) => setImmediate(resolve))
      this.clock.advance(50)
    }
    return watched
  }
}

const item = ({ sequence, value, signature }: SignedRecord, k: Uint8Array = KEY): Facts => ({
  k,
  v: value,
  seq: sequence,
  sig: signature,
})
const BEGIN = '10.0.0.1:1'

test('DhtPlace: nothing is sent before something is looked for; and each question asks not to be asked back', async () => {
  const net = new Net([BEGIN])
  await net.until(Promise.resolve())
  assert.deepEqual([net.sent, net.opened], [[], 0])
  net.nodes.set(BEGIN, () => ({ id: idOf('a') }))
  assert.equal(await net.until(net.place.get(endpointId)), null)
  assert.deepEqual(
    net.sent.map(({ name, message, facts }) => [name, message.get('ro'), Buffer.from(facts.get('target') as Uint8Array)]),
    [['get', 1, TARGET]],
  )
  await net.place.close()
})

test('DhtPlace: the newest that the key has signed counts, whatever others say', async () => {
  const net = new Net([BEGIN])
  const other = signaturesOf(generateIdentity())
  const forged = { ...record(9_000_000), signature: record(8_000_000).signature }
  const says: readonly Facts[] = [
    item(record(5_000_000, 'right')),
    item(record(4_000_000, 'older')),
    item(forged),
    // Of another key, as if it were an answer; and under the name of this one.
    item(signRecord(other, 9_000_000, Buffer.from('another')), Buffer.from(other.endpointId, 'hex')),
    item(signRecord(other, 9_000_000, Buffer.from('another'))),
    { ...item(record(9_000_000)), v: 7 },
    { ...item(record(9_000_000)), v: record(9_000_000).value, sig: Buffer.alloc(3) },
    { ...item(record(9_000_000)), v: Buffer.alloc(1_001) },
  ]
  const nodes = says.map((_said, i) => [nearId(i + 1), '10.0.1.1', i + 1] as const)
  net.nodes.set(BEGIN, () => ({ id: idOf('a'), nodes: compact(...nodes) }))
  says.forEach((said, i) => net.nodes.set(`10.0.1.1:${i + 1}`, () => ({ id: nearId(i + 1), ...said })))
  const found = await net.until(net.place.get(endpointId))
  assert.equal(net.sent.length, 9)
  assert.deepEqual(found && [found.sequence, Buffer.from(found.value).toString()], [5_000_000, 'right'])
})

test('DhtPlace: replies of whom was not asked, to what was not asked, and odd ones are not heard', async () => {
  const net = new Net([BEGIN])
  const said = { id: idOf('a'), ...item(record(5_000_000)) }
  const found = net.place.get(endpointId)
  await new Promise((resolve) => setImmediate(resolve))
  const transaction = net.sent[0]?.message.get('t') as Bencoded
  net.reply({ host: '10.0.0.2', port: 1 }, transaction, said)
  net.reply({ host: '10.0.0.1', port: 2 }, transaction, said)
  net.reply({ host: '10.0.0.1', port: 1 }, Buffer.from('none'), said)
  net.reply({ host: '10.0.0.1', port: 1 }, transaction, { ...said, id: Buffer.alloc(19) })
  for (const bytes of ['', 'de', 'i1e', 'd1:y1:re', 'x'.repeat(60_000), 'l'.repeat(1_000)])
    net.listener?.heard(Buffer.from(bytes), { host: '10.0.0.1', port: 1 })
  await assert.rejects(net.until(found), /none of its nodes answers/)
})

test('DhtPlace: whoever names nodes without end, ever closer ones, has this one ask 64, for ten seconds', async () => {
  for (const silentOfEight of [0, 7]) {
    const net = new Net([BEGIN])
    let port = 0
    const lie: Behaviour = () => {
      const named = Array.from({ length: 50 }, () => [nearId(1_000_000 - ++port), '10.0.2.2', 1 + (port % 65_535)] as const)
      named.forEach(([id, host, its], i) => {
        if (i % 8 < 8 - silentOfEight) net.nodes.set(`${host}:${its}`, (...asked) => ({ ...lie(...asked), id }))
      })
      return { id: idOf('a'), nodes: compact(...named) }
    }
    net.nodes.set(BEGIN, lie)
    assert.equal(await net.until(net.place.get(endpointId)), null)
    assert.equal(new Set(net.sent.map(({ to }) => to)).size, net.sent.length)
    assert.ok(net.clock.now() < 13_000, `${net.clock.now()} ms`)
    if (silentOfEight === 0) assert.equal(net.sent.length, 64)
    else assert.ok(net.sent.length > 10 && net.sent.length < 50, `${net.sent.length} packets`)
  }
})

test('DhtPlace: a node on the internet leads to no private network; one beside this node does', async () => {
  const inside = ['127.0.0.1', '10.1.1.1', '192.168.0.1', '172.16.0.1', '169.254.169.254', '224.0.0.1', '0.0.0.0']
  const nodes = [...inside, '198.51.100.7'].map((host, i) => [nearId(i + 1), host, 99] as const)
  for (const [begin, expected] of [
    ['203.0.113.1:1', 2],
    [BEGIN, 9],
  ] as const) {
    const net = new Net([begin])
    net.nodes.set(begin, () => ({ id: idOf('a'), nodes: compact(...nodes) }))
    assert.equal(await net.until(net.place.get(endpointId)), null)
    assert.equal(net.sent.length, expected)
  }
})

test('DhtPlace: a record goes to the eight closest, with their tokens; one that takes it is enough', async () => {
  const net = new Net([BEGIN])
  const nodes = Array.from({ length: 12 }, (_, i) => [nearId(i + 1), '10.0.1.1', i + 1] as const)
  net.nodes.set(BEGIN, () => ({ id: idOf('far'), token: Buffer.from('far'), nodes: compact(...nodes.slice(4)) }))
  const taken: string[] = []
  const answer =
    (i: number): Behaviour =>
    (facts, name) => {
      if (name === 'get') return { id: nearId(i), token: Buffer.from(`t${i}`), nodes: compact(...nodes.slice(0, 4)) }
      if (i !== 3) return { error: [203, 'bad token'] }
      taken.push(textOf(facts.get('token')))
      return { id: nearId(i) }
    }
  for (let i = 1; i <= 12; i++) net.nodes.set(`10.0.1.1:${i}`, answer(i))
  await net.until(net.place.put(record(5_000_000)))
  assert.deepEqual(taken, ['t3'])
  const puts = net.sent.filter(({ name }) => name === 'put')
  assert.deepEqual(
    puts.map(({ to }) => Number(to.split(':')[1])).sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8],
  )
  assert.deepEqual(
    puts.map(({ facts }) => facts.get('seq')),
    Array.from({ length: 8 }, () => 5_000_000),
  )

  net.nodes.set('10.0.1.1:3', (_facts, name) =>
    name === 'get' ? { id: nearId(3), token: Buffer.from('t') } : { error: [302, 'older\n\u0007'] },
  )
  await assert.rejects(net.until(net.place.put(record(6_000_000))), { isConflict: true })
})

test('DhtPlace: a newer record of this node is not put over, though nobody would mind', async () => {
  const net = new Net([BEGIN])
  net.nodes.set(BEGIN, () => ({ id: idOf('a'), token: Buffer.from('t'), ...item(record(7_000_000)) }))
  await assert.rejects(net.until(net.place.put(record(6_000_000))), { isConflict: true })
  await net.until(net.place.put(record(8_000_000)))
  assert.deepEqual(
    net.sent.map(({ name }) => name),
    ['get', 'get', 'put'],
  )
})

test('DhtPlace: a socket that breaks is opened again; what waits ends when the node stops', async () => {
  const net = new Net([BEGIN])
  const asked = net.place.get(endpointId)
  await new Promise((resolve) => setImmediate(resolve))
  net.listener?.failed(new Error('bind EADDRNOTAVAIL 10.0.0.9'), null)
  await assert.rejects(net.until(asked), /^PlaceError: bind EADDRNOTAVAIL 10\.0\.0\.9$/)
  net.nodes.set(BEGIN, () => ({ id: idOf('a') }))
  assert.equal(await net.until(net.place.get(endpointId)), null)
  assert.equal(net.opened, 2)
  net.nodes.clear()
  const waits = net.place.get(endpointId)
  await new Promise((resolve) => setImmediate(resolve))
  await net.place.close()
  await assert.rejects(waits, /this node stops/)
  const sent = net.sent.length
  await assert.rejects(net.place.get(endpointId), /this node stops/)
  assert.equal(net.sent.length, sent)
})
