/** What is looked up when, what is made of it, and how much at most: names and nodes that are made up, in virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../src/api/index.ts'
import type { Address } from '../../src/api/index.ts'
import { DnsDiscovery, parseDnsName } from '../../src/discovery/dns/index.ts'
import type { NameService } from '../../src/discovery/dns/name-service.ts'
import { recordName } from '../../src/discovery/record/index.ts'
import { Prng } from '../../src/lib/index.ts'
import type { Candidate, SelfDescription } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'

const keyOf = (id: number): string => id.toString(16).padStart(64, '0')
const SELF: SelfDescription = { endpointId: keyOf(1), nodeId: 1, clusterId: null, addresses: ['10.0.0.1:26000'], relay: null }
const MINUTE = 60_000

class World implements NameService {
  readonly clock = new ManualClock()
  readonly heard: Candidate[] = []
  readonly logged: string[] = []
  /** What is asked, and of whom. */
  readonly asked: string[] = []
  readonly doors: string[] = []
  readonly hosts = new Map<string, readonly string[]>()
  readonly srv = new Map<string, readonly Address[]>()
  readonly txt = new Map<string, readonly string[]>()
  /** Who listens, by address. */
  readonly listeners = new Map<string, string>()
  broken: Error | null = null
  answersAfterMs = 0
  mostDoors = 0
  #openDoors = 0
  isClosed = false
  readonly dns: DnsDiscovery

  constructor(...names: string[]) {
    this.dns = new DnsDiscovery({
      clock: this.clock,
      random: new Prng(1),
      logger: { log: (_level, message) => this.logged.push(message) },
      names: names.map((name) => parseDnsName(name) ?? assert.fail(name)),
      open: () => this,
      whoListens: (address) => this.#knock(address),
    })
  }

  start(self = SELF): this {
    this.dns.start(self, (candidate) => this.heard.push(candidate))
    return this
  }

  addresses(host: string): Promise<readonly string[]> {
    return this.#answer(`A ${host}`, this.hosts.get(host))
  }

  services(name: string): Promise<readonly Address[]> {
    return this.#answer(`SRV ${name}`, this.srv.get(name))
  }

  texts(name: string): Promise<readonly string[]> {
    return this.#answer(`TXT ${name}`, this.txt.get(name))
  }

  close(): void {
    this.isClosed = true
  }

  /** Everything that is under way comes to its end, and so much time passes. */
  async pass(ms = 0): Promise<void> {
    for (const step of [0, ...Array.from({ length: Math.ceil(ms / 500) }, () => 500)]) {
      this.clock.advance(step)
      for (let i = 0; i < 60; i++) await Promise.resolve()
    }
  }

  keys(): string[] {
    return [...new Set(this.heard.map(({ endpointId }) => endpointId))].toSorted()
  }

  async #answer<T>(question: string, answer: T | undefined): Promise<T> {
    this.asked.push(question)
    if (this.answersAfterMs > 0) await new Promise<void>((resolve) => this.clock.setTimer(this.answersAfterMs, resolve))
    if (this.broken !== null) throw this.broken
    if (answer === undefined) throw Object.assign(new Error(`nothing: ${question}`), { code: 'ENOTFOUND' })
    return answer
  }

  async #knock({ host, port }: Address): Promise<string | undefined> {
    const address = formatAddress(host, port)
    this.doors.push(address)
    this.mostDoors = Math.max(this.mostDoors, ++this.#openDoors)
    await Promise.resolve()
    this.#openDoors--
    return this.listeners.get(address)
  }
}

test('DnsDiscovery: whoever listens at the addresses of a host is heard of, by the key that it shows', async () => {
  const world = new World('aspen:26000')
  world.hosts.set('aspen', ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.2'])
  world.listeners.set('10.0.0.2:26000', keyOf(2))
  world.listeners.set('10.0.0.3:26000', keyOf(2))
  world.listeners.set('10.0.0.4:26000', SELF.endpointId)
  await world.start().pass()
  const other = { endpointId: keyOf(2), nodeId: null, clusterId: null, relay: null }
  assert.deepEqual(world.heard, [{ ...other, addresses: ['10.0.0.2:26000', '10.0.0.3:26000'] }])
  // Its own address is not asked, and its own key, that another address leads to, is nobody's.
  assert.deepEqual(world.doors, ['10.0.0.2:26000', '10.0.0.3:26000', '10.0.0.4:26000'])
  assert.deepEqual(world.dns.report(), { source: 'dns', detail: 'of aspen:26000', lastError: null })
  assert.deepEqual(world.logged, [])
})

test('DnsDiscovery: services lead to their hosts and ports', async () => {
  const world = new World('_aspen._tcp.aspen')
  world.srv.set('_aspen._tcp.aspen', [
    { host: 'a.aspen', port: 1 },
    { host: 'b.aspen', port: 2 },
    { host: '', port: 3 },
    { host: 'c.aspen', port: 0 },
    { host: 'd e\0', port: 4 },
    { host: 'gone.aspen', port: 5 },
  ])
  world.hosts.set('a.aspen', ['10.0.0.2'])
  world.hosts.set('b.aspen', ['fd00::2'])
  world.listeners.set('10.0.0.2:1', keyOf(2))
  world.listeners.set('[fd00::2]:2', keyOf(3))
  await world.start().pass()
  assert.deepEqual(world.keys(), [keyOf(2), keyOf(3)])
  assert.deepEqual(world.asked, ['SRV _aspen._tcp.aspen', 'A a.aspen', 'A b.aspen', 'A gone.aspen'])
})

test('DnsDiscovery: keys that are missed are looked up in a zone; others are not', async () => {
  const world = new World('z.example')
  await world.start().pass(MINUTE)
  assert.deepEqual(world.asked, [])
  world.txt.set(recordName(keyOf(2), 'z.example'), [
    'relay=https://r.example/',
    'addr=10.0.0.2:1 127.0.0.1:2',
    'addr=h.example:3',
  ])
  world.txt.set(recordName(keyOf(3), 'z.example'), ['relay=', 'v=spf1', 'x'.repeat(5_000)])
  world.dns.seek([keyOf(2), keyOf(3), keyOf(4)])
  await world.pass(2_000)
  assert.deepEqual(world.heard, [
    { endpointId: keyOf(2), nodeId: null, clusterId: null, addresses: ['10.0.0.2:1'], relay: 'https://r.example/' },
  ])
  assert.match(world.dns.report().lastError ?? '', /^z\.example: the record of 0+3 says no address, or too many$/)
  assert.deepEqual(world.doors, [])
  // That there is nothing of a key is no failure.
  world.dns.seek([keyOf(4)])
  await world.pass(MINUTE)
  assert.equal(world.dns.report().lastError, null)
  // Of however many, each has its turn.
  world.asked.length = 0
  world.dns.seek(Array.from({ length: 100 }, (_, i) => keyOf(100 + i)))
  await world.pass(2_000)
  assert.equal(world.asked.length, 32)
  await world.pass(2 * MINUTE)
  assert.equal(new Set(world.asked).size, 100)
})

test('DnsDiscovery: a name is looked up twice a minute; soon again when somebody is missed, less often while that lasts', async () => {
  const world = new World('aspen:26000')
  world.hosts.set('aspen', ['10.0.0.2'])
  world.listeners.set('10.0.0.2:26000', keyOf(2))
  await world.start().pass()
  const during = async (ms: number): Promise<number> => {
    const before = world.asked.length
    await world.pass(ms)
    return world.asked.length - before
  }
  const atRest = await during(10 * MINUTE)
  assert.ok(atRest >= 15 && atRest <= 20, `${atRest}`)
  // Gone, and another one is at its place: the key that is missed is not taken to be there still.
  world.listeners.set('10.0.0.2:26000', keyOf(3))
  world.dns.seek([keyOf(2)])
  assert.equal(await during(1_000), 1)
  assert.ok(world.keys().includes(keyOf(3)))
  world.hosts.set('aspen', ['10.0.0.2', '10.0.0.9'])
  world.listeners.set('10.0.0.9:26000', keyOf(2))
  await world.pass(5_000)
  assert.deepEqual(world.heard.at(-1)?.addresses, ['10.0.0.9:26000'])
  await world.pass(MINUTE)
  const later = await during(10 * MINUTE)
  assert.ok(later >= 15 && later <= 20, `${later}`)
  // The same are missed: nothing is new.
  world.dns.seek([keyOf(2)])
  world.dns.seek([])
  assert.ok((await during(1_000)) <= 1)
})

test('DnsDiscovery: an address is asked again each minute whose it is, and when nobody answered', async () => {
  const world = new World('aspen:26000')
  world.hosts.set('aspen', ['10.0.0.2'])
  await world.start().pass()
  assert.equal(world.dns.report().lastError, 'aspen:26000: no node answers at 10.0.0.2:26000')
  world.listeners.set('10.0.0.2:26000', keyOf(2))
  await world.pass(3_000)
  assert.deepEqual(world.keys(), [keyOf(2)])
  assert.equal(world.dns.report().lastError, null)
  world.doors.length = 0
  await world.pass(10 * MINUTE)
  assert.ok(world.doors.length >= 6 && world.doors.length <= 11, `${world.doors.length}`)
})

test('DnsDiscovery: a server that is down at the start and comes up later, or never answers: said once, and asked again', async () => {
  const world = new World('aspen:26000', '_aspen._tcp.aspen')
  world.broken = new Error('nothing listens there')
  await world.start().pass(5 * MINUTE)
  assert.equal(world.logged.length, 2)
  assert.equal(world.dns.report().lastError, 'aspen:26000: nothing listens there')
  assert.ok(world.asked.length > 20 && world.asked.length < 40, `${world.asked.length}`)
  world.broken = null
  world.hosts.set('aspen', ['10.0.0.2'])
  world.listeners.set('10.0.0.2:26000', keyOf(2))
  await world.pass(MINUTE)
  assert.deepEqual(world.keys(), [keyOf(2)])
  // The other name is not there, which is said of it still.
  assert.equal(world.dns.report().lastError, '_aspen._tcp.aspen: nothing: SRV _aspen._tcp.aspen')
  assert.equal(world.logged.length, 2)
})

test('DnsDiscovery: however much is answered, so much is taken', async () => {
  const world = new World('_aspen._tcp.aspen', 'aspen:26000')
  const many = Array.from({ length: 4_000 }, (_, i) => `10.${i >> 8}.${i & 255}.7`)
  world.hosts.set('aspen', many)
  world.srv.set(
    '_aspen._tcp.aspen',
    many.map((_, i) => ({ host: `h${i}`, port: 1 + (i % 3) })),
  )
  for (let i = 0; i < 4_000; i++) world.hosts.set(`h${i}`, many)
  await world.start().pass()
  assert.equal(world.asked.length, 2 + 16)
  assert.equal(world.doors.length, 2 * 32)
  assert.ok(world.mostDoors <= 2 * 8, `${world.mostDoors} at a time`)
  // One key at many addresses is one candidate, with as many as a node may say.
  for (const address of world.doors) world.listeners.set(address, keyOf(2))
  await world.pass(3_000)
  assert.deepEqual([...new Set(world.heard.map(({ addresses }) => addresses.length))], [16])
})

test('DnsDiscovery: nobody is led to what else runs on this machine', async () => {
  const rebinding = ['127.0.0.1', '::1', '169.254.169.254', '0.0.0.0', '::ffff:127.0.0.1']
  const world = new World('aspen:6379')
  world.hosts.set('aspen', rebinding)
  await world.start().pass(MINUTE)
  assert.deepEqual(world.doors, [])
  assert.match(world.dns.report().lastError ?? '', /aspen leads to no address that this node may be sent to$/)
  // A node that is on loopback itself may go there, and to its neighbours.
  const near = new World('aspen:6379')
  near.hosts.set('aspen', rebinding)
  await near.start({ ...SELF, addresses: ['127.0.0.1:26000'] }).pass()
  assert.deepEqual(near.doors, ['127.0.0.1:6379', '[::1]:6379', '[::ffff:127.0.0.1]:6379'])
})

test('DnsDiscovery: hosts of a service that answer slowly do not keep the others for ever', async () => {
  const world = new World('_aspen._tcp.aspen')
  world.answersAfterMs = 5_000
  world.srv.set(
    '_aspen._tcp.aspen',
    Array.from({ length: 16 }, (_, i) => ({ host: `h${i}`, port: 1 })),
  )
  world.hosts.set('h0', ['10.0.0.2'])
  world.listeners.set('10.0.0.2:1', keyOf(2))
  await world.start().pass(25_000)
  assert.deepEqual(world.keys(), [keyOf(2)])
  assert.ok(world.asked.length <= 5, world.asked.join())
})

test('DnsDiscovery: once it is stopped it asks nothing and says nothing; without a name it never does', async () => {
  const world = new World('aspen:26000')
  world.answersAfterMs = 1_000
  world.hosts.set('aspen', ['10.0.0.2'])
  world.listeners.set('10.0.0.2:26000', keyOf(2))
  await world.start().pass()
  await world.dns.stop()
  assert.equal(world.isClosed, true)
  await world.pass(MINUTE)
  assert.deepEqual([world.asked.length, world.heard.length, world.logged.length], [1, 0, 0])
  world.dns.seek([keyOf(2)])
  await world.pass(MINUTE)
  assert.equal(world.asked.length, 1)
  const none = new World().start()
  none.dns.seek([keyOf(2)])
  await none.pass(MINUTE)
  assert.deepEqual(none.asked, [])
  assert.deepEqual(none.dns.report(), { source: 'dns', detail: 'of no name: dns_discovery_url is not given', lastError: null })
})
