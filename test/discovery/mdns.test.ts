/** Nodes on networks that are made up, in virtual time: who finds whom, what is said where, and how much of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MdnsDiscovery } from '../../src/discovery/mdns/index.ts'
import type { Interface, Multicast, MulticastListener } from '../../src/discovery/mdns/index.ts'
import { decodePacket, encodeAnnouncement, encodeQuery, heardIn } from '../../src/discovery/mdns/announcement.ts'
import { Prng } from '../../src/lib/index.ts'
import type { Candidate, SelfDescription } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'

type Said = { readonly from: string; readonly bytes: Buffer; readonly at: number }

/** Interfaces are on one network if their addresses begin alike. */
const netOf = (address: string): string => address.slice(0, address.lastIndexOf('.'))

class World {
  readonly clock = new ManualClock()
  readonly said: Said[] = []
  readonly #hosts = new Set<Host>()

  add(host: Host): void {
    this.#hosts.add(host)
  }

  say(from: string, bytes: Buffer): void {
    this.said.push({ from, bytes, at: this.clock.now() })
    for (const host of this.#hosts) this.clock.defer(() => host.hear(from, bytes))
  }

  async pass(ms: number): Promise<void> {
    for (let i = 0; i < 5; i++) await Promise.resolve()
    this.clock.advance(ms)
  }

  /** What was said on one network that names somebody. */
  answersOn(net: string): Said[] {
    return this.said.filter(({ from, bytes }) => {
      const packet = decodePacket(bytes)
      return netOf(from) === net && packet !== null && heardIn(packet, from).length > 0
    })
  }
}

/** Keys differ at their beginning, by which they are named. */
const keyOf = (id: number): string => id.toString(16).padStart(8, '0').padEnd(64, '0')

function interfaceOf(address: string, name = 'eth0', more: readonly string[] = []): Interface {
  return { name, address, addresses: [address, ...more], networks: [`${address}/24`, ...more.map((one) => `${one}/64`)] }
}

/** A machine with one node. */
class Host implements Multicast {
  readonly world: World
  readonly heard: Candidate[] = []
  readonly logged: string[] = []
  readonly mdns: MdnsDiscovery
  readonly key: string
  interfaces: Interface[]
  #listener: MulticastListener | null = null
  #used: readonly Interface[] = []
  broken: Error | null = null
  rests = 0

  constructor(world: World, id: number, addresses: readonly string[], scope = 'beef') {
    this.world = world
    this.key = keyOf(id)
    this.interfaces = addresses.map((address, i) => interfaceOf(address, `eth${i}`))
    this.mdns = new MdnsDiscovery({
      clock: world.clock,
      random: new Prng(id),
      logger: { log: (_level, message) => this.logged.push(message) },
      interfaces: () => this.interfaces,
      open: (listener) => {
        this.#listener = listener
        return this
      },
      scope: () => Promise.resolve(scope),
    })
    world.add(this)
  }

  self(id = 1): SelfDescription {
    const addresses = this.interfaces.map(({ address }) => `${address}:26000`)
    return { endpointId: this.key, nodeId: id, clusterId: null, addresses, relay: null }
  }

  start(self = this.self()): void {
    this.mdns.start(self, (candidate) => this.heard.push(candidate))
  }

  // --- Its sockets ---

  use(interfaces: readonly Interface[]): void {
    const before = new Set(this.#used.map(({ address }) => address))
    this.#used = interfaces
    if (this.broken === null && interfaces.length > 0) this.#listener?.works(null)
    for (const { address } of interfaces) {
      if (this.broken !== null) this.#listener?.failed(address, this.broken)
      else if (!before.has(address)) this.#listener?.works(address)
    }
  }

  say(address: string, bytes: Uint8Array): void {
    if (this.broken === null) this.world.say(address, Buffer.from(bytes))
  }

  hear(from: string, bytes: Buffer): void {
    if (this.#used.some(({ address }) => netOf(address) === netOf(from))) this.#listener?.heard(bytes, from)
  }

  rest(): void {
    this.rests++
    this.#used = []
  }

  async close(): Promise<void> {
    this.#used = []
  }
}

const keys = (host: Host): string[] => [...new Set(host.heard.map(({ endpointId }) => endpointId))].toSorted()

describe('MdnsDiscovery', () => {
  test('whoever comes later is found within a quarter of a second, and finds the others', async () => {
    const world = new World()
    const [a, b, c] = [new Host(world, 1, ['10.0.0.1']), new Host(world, 2, ['10.0.0.2']), new Host(world, 3, ['10.0.0.3'])]
    a.start()
    b.start()
    await world.pass(60_000)
    c.start()
    await world.pass(250)
    assert.deepEqual(keys(c), [a.key, b.key])
    for (const other of [a, b]) assert.ok(keys(other).includes(c.key))
    assert.deepEqual(c.heard[0]?.addresses, [`10.0.0.${c.heard[0]?.endpointId === a.key ? 1 : 2}:26000`])
  })

  test('on each network a node says the addresses that it has there and listens on, and no others', async () => {
    const world = new World()
    const two = new Host(world, 1, ['10.0.0.1', '10.1.1.1', '10.2.2.1'])
    two.start({ ...two.self(), addresses: ['10.0.0.1:26000', '10.1.1.1:26000', '203.0.113.5:9'] })
    const [left, right, third] = [
      new Host(world, 2, ['10.0.0.2']),
      new Host(world, 3, ['10.1.1.2']),
      new Host(world, 4, ['10.2.2.2']),
    ]
    for (const host of [left, right, third]) host.start()
    await world.pass(5_000)
    assert.deepEqual([...new Set(left.heard.flatMap(({ addresses }) => addresses))], ['10.0.0.1:26000'])
    assert.deepEqual([...new Set(right.heard.flatMap(({ addresses }) => addresses))], ['10.1.1.1:26000'])
    assert.deepEqual(third.heard, [], 'it is told on a network on which the node does not listen')
  })

  test('who has another cookie is not heard, nor is a node told of itself', async () => {
    const world = new World()
    const [a, b] = [new Host(world, 1, ['10.0.0.1']), new Host(world, 2, ['10.0.0.2'], 'dead')]
    a.start()
    b.start()
    await world.pass(5_000)
    assert.deepEqual([a.heard, b.heard], [[], []])
  })

  test('an address that changes is said at once, and an interface that comes is used', async () => {
    const world = new World()
    const [a, b] = [new Host(world, 1, ['10.0.0.1']), new Host(world, 2, ['10.0.0.2'])]
    a.start()
    b.start()
    await world.pass(5_000)
    a.interfaces = [interfaceOf('10.0.0.77')]
    a.mdns.announce(a.self())
    await world.pass(50)
    assert.deepEqual(b.heard.at(-1)?.addresses, ['10.0.0.77:26000'])
    // The node listened on it before the machine had it.
    const late = new Host(world, 3, ['10.0.0.3'])
    const self = late.self()
    late.interfaces = []
    late.start(self)
    await world.pass(3_000)
    assert.match(late.mdns.report().detail, /on no interface/)
    late.interfaces = [interfaceOf('10.0.0.3')]
    await world.pass(2_500)
    assert.ok(keys(b).includes(late.key))
    assert.deepEqual(late.mdns.report(), { source: 'mdns', detail: 'on eth0 (10.0.0.3)', lastError: null })
  })

  test('however many ask, it answers once a second, and those who know it get no answer', async () => {
    const world = new World()
    const a = new Host(world, 1, ['10.0.0.1'])
    a.start()
    await world.pass(10_000)
    world.said.length = 0
    for (let i = 0; i < 1_000; i++) {
      world.say('10.0.0.9', encodeQuery([]))
      await world.pass(10)
    }
    const answers = world.answersOn('10.0.0')
    assert.ok(answers.length >= 8 && answers.length <= 11, `${answers.length} answers in 10 s`)
    await world.pass(10_000)
    world.said.length = 0
    for (let i = 0; i < 10; i++) {
      world.say('10.0.0.9', encodeQuery([a.key]))
      await world.pass(1_000)
    }
    assert.deepEqual(world.answersOn('10.0.0'), [])
  })

  test('who invents nodes is believed up to a bound, and keeps nobody else from being heard', async () => {
    const world = new World()
    const a = new Host(world, 1, ['10.0.0.1'])
    a.start()
    await world.pass(5_000)
    let named = 10
    const invent = (count: number, from: string): void => {
      const common = { nodeId: 5, clusterId: null, addresses: [`${from}:1`], relay: null }
      for (let i = 0; i < count; i++) {
        const self: SelfDescription = { ...common, endpointId: keyOf(named++) }
        a.mdns.heard(encodeAnnouncement({ self, scope: 'beef' }, 120), from)
      }
    }
    invent(1_000, '10.0.0.9')
    assert.equal(a.heard.length, 128)
    invent(1, '10.0.0.2')
    assert.equal(a.heard.length, 129)
    // Whatever many say, no more is remembered than there is room for, and no more than so much is looked into.
    await world.pass(10_000)
    a.heard.length = 0
    for (let i = 20; i < 220; i++) invent(5, `10.0.0.${i}`)
    assert.equal(a.heard.length, 800)
    // Those that are not heard of any more make room.
    await world.pass(700_000)
    a.heard.length = 0
    invent(10, '10.0.0.9')
    assert.equal(a.heard.length, 10)
  })

  test('a flood of anything is not listened to for a moment, and then it hears again', async () => {
    const world = new World()
    const [a, b] = [new Host(world, 1, ['10.0.0.1']), new Host(world, 2, ['10.0.0.2'])]
    a.start()
    await world.pass(5_000)
    for (let i = 0; i < 100_000 && a.rests === 0; i++) a.mdns.heard(Buffer.alloc(4), '10.0.0.9')
    assert.equal(a.rests, 1)
    assert.match(a.mdns.report().lastError ?? '', /more than 10000 things a second/)
    await world.pass(3_000)
    assert.equal(a.mdns.report().lastError, null)
    b.start()
    await world.pass(250)
    assert.deepEqual(keys(a), [b.key])
    // Who speaks a lot for long is not much.
    for (let ms = 0; ms < 10_000; ms += 10) {
      for (let i = 0; i < 90; i++) a.mdns.heard(Buffer.alloc(4), '10.0.0.9')
      await world.pass(10)
    }
    assert.equal(a.rests, 1)
  })

  test('what is said again is passed on every few seconds', async () => {
    const world = new World()
    const a = new Host(world, 1, ['10.0.0.1'])
    a.start()
    await world.pass(5_000)
    const self: SelfDescription = { endpointId: keyOf(9), nodeId: 9, clusterId: null, addresses: ['10.0.0.9:1'], relay: null }
    const again = encodeAnnouncement({ self, scope: 'beef' }, 120)
    for (let i = 0; i < 100; i++) a.mdns.heard(again, '10.0.0.9')
    assert.equal(a.heard.length, 1)
    await world.pass(5_000)
    a.mdns.heard(again, '10.0.0.9')
    assert.equal(a.heard.length, 2)
  })

  test('what is said from beyond the networks that a node listens on is not heard, nor that a neighbour is beyond them', async () => {
    const world = new World()
    const a = new Host(world, 1, ['10.0.0.1'])
    a.interfaces = [interfaceOf('10.0.0.1', 'eth0', ['2001:db8::1'])]
    a.start()
    await world.pass(5_000)
    const says = (addresses: readonly string[]): Buffer => {
      const self: SelfDescription = { endpointId: keyOf(7), nodeId: 7, clusterId: null, addresses, relay: null }
      return encodeAnnouncement({ self, scope: 'beef' }, 120)
    }
    // The system hands over what came in where other programs listen.
    for (const from of ['10.0.1.9', '127.0.0.1', '::1', '']) a.mdns.heard(says(['10.0.0.9:26000']), from)
    a.mdns.heard(says(['203.0.113.5:26000', '127.0.0.1:26000', '[2001:db8:1::9]:26000']), '10.0.0.9')
    assert.deepEqual(a.heard, [])
    a.mdns.heard(says(['203.0.113.5:26000', '10.0.0.9:26000', '[2001:db8::9]:26000']), '10.0.0.9')
    assert.deepEqual(
      a.heard.map(({ addresses }) => addresses),
      [['10.0.0.9:26000', '[2001:db8::9]:26000']],
    )
  })

  test('a question is answered on the network that it comes from', async () => {
    const world = new World()
    const two = new Host(world, 1, ['10.0.0.1', '10.1.1.1'])
    two.start()
    await world.pass(10_000)
    world.said.length = 0
    two.mdns.heard(encodeQuery([]), '10.1.1.9')
    await world.pass(1_000)
    assert.deepEqual([world.answersOn('10.0.0').length, world.answersOn('10.1.1').length], [0, 1])
  })

  test('of very many interfaces some are used, and it says so', async () => {
    const world = new World()
    const a = new Host(
      world,
      1,
      Array.from({ length: 40 }, (_, i) => `10.0.${i}.1`),
    )
    a.start()
    await world.pass(5_000)
    assert.equal(new Set(world.said.map(({ from }) => from)).size, 16)
    assert.match(a.mdns.report().detail, /^on eth0 \(10\.0\.0\.1\), .*, and not on 24 more$/)
  })

  test('however much is said of other services, and on other networks, nodes hear each other', async () => {
    const question = encodeQuery([])
    const printer = Buffer.from(question.toString('latin1').replaceAll('aspen', 'print'), 'latin1')
    const world = new World()
    const [a, b] = [new Host(world, 1, ['10.0.0.1']), new Host(world, 2, ['10.0.0.2'])]
    a.start()
    await world.pass(5_000)
    for (let i = 10; i < 40; i++) {
      for (let n = 0; n < 100; n++) {
        a.mdns.heard(printer, `10.0.0.${i}`)
        a.mdns.heard(question, `10.9.9.${i}`)
      }
    }
    a.mdns.heard(encodeAnnouncement({ self: b.self(), scope: 'beef' }, 120), '10.0.0.2')
    assert.deepEqual(keys(a), [b.key])
  })

  test('it asks less and less often, and at once when somebody is missed; at the end it says that it goes', async () => {
    const world = new World()
    const a = new Host(world, 1, ['10.0.0.1'])
    a.start()
    await world.pass(1_000_000)
    const asked = (): number =>
      world.said.filter(({ from, bytes }) => from === '10.0.0.1' && bytes.equals(encodeQuery([a.key]))).length
    assert.ok(asked() >= 9 && asked() <= 11, `${asked()} questions in 1,000 s`)
    const before = asked()
    for (let i = 0; i < 10; i++) a.mdns.seek([keyOf(100 + i)])
    await world.pass(150)
    assert.equal(asked(), before + 1)
    world.said.length = 0
    await a.mdns.stop()
    await world.pass(100_000)
    assert.equal(world.said.length, 1)
    const [goodbye] = world.said
    assert.ok(
      goodbye !== undefined &&
        decodePacket(goodbye.bytes)?.answers?.every(
          ({ type, ...rest }) => type === 'OPT' || (rest as { ttl?: number }).ttl === 0,
        ),
    )
  })

  test('what is wrong is said once, goes on being tried, and is over when it works', async () => {
    const world = new World()
    const [a, b] = [new Host(world, 1, ['10.0.0.1']), new Host(world, 2, ['10.0.0.2'])]
    a.broken = Object.assign(new Error('no such device'), { code: 'ENODEV' })
    a.start()
    b.start()
    await world.pass(60_000)
    assert.equal(a.logged.length, 1)
    assert.equal(a.mdns.report().lastError, 'ENODEV: no such device')
    a.broken = null
    a.use([])
    await world.pass(3_000)
    assert.equal(a.mdns.report().lastError, null)
    assert.ok(keys(b).includes(a.key))
  })
})
