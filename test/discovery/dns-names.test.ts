/** Questions to a real name server: what it may answer, and what becomes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { encode } from 'dns-packet'
import type { Answer, Packet } from 'dns-packet'
import { isDomainName } from '../../src/discovery/dns/dns-name.ts'
import { openNameService } from '../../src/discovery/dns/index.ts'
import { DnsNameService, isNothing } from '../../src/discovery/dns/name-service.ts'
import type { NameService } from '../../src/discovery/dns/name-service.ts'
import { Prng } from '../../src/lib/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { volume } from '../volume.ts'
import { DnsServer, SERVFAIL } from './dns-server.ts'

interface Asked {
  readonly dns: DnsServer
  readonly server: string
  readonly clock: ManualClock
  readonly names: NameService
}

async function serve(t: TestContext): Promise<Asked> {
  const dns = new DnsServer()
  const server = await dns.listen()
  t.after(() => dns.close())
  const clock = new ManualClock()
  const names = openNames(clock, server)
  t.after(() => names.close())
  return { dns, server, clock, names }
}

function openNames(clock: ManualClock, server: string | null): NameService {
  return openNameService(server, clock, async (host) => [`system found ${host}`])
}

const failure = async (asking: Promise<unknown>): Promise<Error> =>
  asking.then(
    (answer) => assert.fail(`it was answered: ${JSON.stringify(answer)}`),
    (error: Error) => error,
  )

test('DnsNameService: hosts, services and texts of a server, the one asked and no other', async (t) => {
  const { dns, names, clock } = await serve(t)
  dns.say('SRV', '_a._tcp.x.test', [dns.srv('_a._tcp.x.test', 'two.test', 2, 20), dns.srv('_a._tcp.x.test', 'one.test', 1, 10)])
  dns.say('A', 'one.test', [dns.a('one.test', '10.0.0.1'), dns.a('one.test', '10.0.0.2')])
  dns.say('AAAA', 'one.test', [{ type: 'AAAA', name: 'one.test', ttl: 1, data: 'fd00::1' }])
  dns.say('A', 'two.test', [dns.a('two.test', '10.0.0.3')])
  assert.deepEqual(await names.services('_a._tcp.x.test'), [
    { host: 'one.test', port: 1 },
    { host: 'two.test', port: 2 },
  ])
  assert.deepEqual((await names.addresses('one.test')).toSorted(), ['10.0.0.1', '10.0.0.2', 'fd00::1'])
  assert.deepEqual(await names.addresses('two.test'), ['10.0.0.3'])
  // Some kilobytes come over TCP, a text of more than 255 bytes in parts.
  const texts = Array.from({ length: 20 }, (_, i) => `addr=${String(i).repeat(200)}`)
  dns.say('TXT', 't.test', dns.txt('t.test', ...texts))
  assert.deepEqual((await names.texts('t.test')).toSorted(), texts.toSorted())
  assert.equal(dns.asked.filter((asked) => asked === 'TXT t.test').length, 2)
  // Host names are the system's where no server is given: its hosts file and search domains count.
  assert.deepEqual(await openNames(clock, null).addresses('h'), ['system found h'])
})

test('DnsNameService: nothing of a name is one thing, a server that fails another', async (t) => {
  const { dns, names, server } = await serve(t)
  dns.say('TXT', 'empty.test', [])
  for (const name of ['empty.test', 'none.test']) assert.ok(isNothing(await failure(names.texts(name))), name)
  assert.ok(isNothing(await failure(names.addresses('none.test'))))
  dns.say('TXT', 'bad.test', { rcode: SERVFAIL })
  const failed = await failure(names.texts('bad.test'))
  assert.equal(isNothing(failed), false)
  assert.equal(failed.message, `looking up bad.test at ${server}: it failed`)
  // An address of one family is an answer, whatever becomes of the other.
  dns.say('A', 'half.test', [dns.a('half.test', '10.0.0.1')])
  dns.say('AAAA', 'half.test', { rcode: SERVFAIL })
  assert.deepEqual(await names.addresses('half.test'), ['10.0.0.1'])
  dns.say('A', 'none.half.test', { rcode: SERVFAIL })
  assert.equal(isNothing(await failure(names.addresses('none.half.test'))), false)
})

test('DnsNameService: a server that never answers, or says what is no answer, is given up in time', async (t) => {
  const { dns, names, server, clock } = await serve(t)
  dns.say('TXT', 'silent.test', 'silence')
  const answer = failure(names.texts('silent.test'))
  await asked(dns, 'TXT silent.test')
  clock.advance(6_000)
  assert.equal((await answer).message, `no answer about silent.test from ${server} within 6000 ms`)
  dns.say('TXT', 'garbage.test', { bytes: Buffer.from('no packet of DNS') })
  const garbage = failure(names.texts('garbage.test'))
  await asked(dns, 'TXT garbage.test')
  clock.advance(6_000)
  assert.equal(isNothing(await garbage), false)
  // What is under way ends with it.
  const open = failure(names.texts('silent.test'))
  await asked(dns, 'TXT silent.test', 2)
  names.close()
  await open
  await failure(names.texts('silent.test'))
})

test('DnsNameService: a server that is down is said to be, and is asked again', async (t) => {
  const clock = new ManualClock()
  const before = new DnsServer()
  const server = await before.listen()
  await before.close()
  const names = openNames(clock, server)
  assert.equal((await failure(names.texts('a.test'))).message, `looking up a.test at ${server}: nothing listens there`)
  const dns = new DnsServer()
  await dns.listen(Number(server.split(':')[1]))
  t.after(() => dns.close())
  dns.say('TXT', 'a.test', dns.txt('a.test', 'x'))
  assert.deepEqual(await names.texts('a.test'), ['x'])
})

test('DnsNameService: services and texts are looked up in the search domains too, in order', async (t) => {
  const { dns, server, clock } = await serve(t)
  const searchList = (): { domains: string[]; ndots: number } => ({ domains: ['one.test', 'two.test'], ndots: 5 })
  const names = new DnsNameService({ clock, servers: [server], resolve: null, searchList })
  dns.say('SRV', '_a._tcp.x.two.test', [dns.srv('_a._tcp.x.two.test', 'h.test', 7)])
  assert.deepEqual(await names.services('_a._tcp.x'), [{ host: 'h.test', port: 7 }])
  assert.deepEqual(dns.asked, ['SRV _a._tcp.x.one.test', 'SRV _a._tcp.x.two.test'])
  // A server that fails has not said that there is nothing.
  dns.say('SRV', '_a._tcp.x.one.test', { rcode: SERVFAIL })
  assert.match((await failure(names.services('_a._tcp.x'))).message, /it failed$/)
})

test('DnsNameService: answers that make no sense, or go in circles, are of no use and do no harm', async (t) => {
  const { dns, names, clock } = await serve(t)
  const loop = (name: string, to: string): Answer => ({ type: 'CNAME', name, ttl: 1, data: to })
  dns.say('A', 'loop.test', [loop('loop.test', 'pool.test'), loop('pool.test', 'loop.test')])
  dns.say('AAAA', 'loop.test', [loop('loop.test', 'loop.test')])
  dns.say('A', 'other.test', [dns.a('nobody.asked.for.this.test', '10.0.0.1')])
  for (const host of ['loop.test', 'other.test']) {
    const answer = await names.addresses(host).catch((error: Error) => error)
    assert.ok(answer instanceof Error || answer.every((one) => one === '10.0.0.1'), String(answer))
  }
  const odd = ['.', 'a b.test', 'a\0b.test', 'ä.test', '10.0.0.1', `${'x'.repeat(63)}.test`]
  dns.say(
    'SRV',
    'odd.test',
    odd.map((target, i) => dns.srv('odd.test', target, i)),
  )
  const services = await names.services('odd.test').catch((error: Error) => error)
  const usable = services instanceof Error ? [] : services.filter(({ host, port }) => isDomainName(host) && port > 0)
  assert.ok(usable.every(({ host }) => host === odd.at(-1)))
  // As much as a packet holds.
  const many = Array.from({ length: 1_500 }, (_, i) => dns.srv('many.test', 'h.test', 1 + i))
  dns.say('SRV', 'many.test', many)
  assert.equal((await names.services('many.test')).length, 1_500)
  // Bytes of an answer that were changed on the way, anywhere.
  let understood = 0
  const random = new Prng(1)
  const whole: Packet = { type: 'response', id: 0, questions: [{ type: 'SRV', name: 'f.test' }], answers: many.slice(0, 3) }
  for (let i = 0; i < volume(500, 50); i++) {
    const bytes = Buffer.from(encode(whole))
    for (let n = 0; n < 3; n++) bytes[2 + (random.nextUint32() % (bytes.length - 2))] = random.nextUint32() & 255
    dns.say('SRV', 'f.test', { bytes })
    const asking = names.services('f.test').catch((error: Error) => error)
    await asked(dns, 'SRV f.test', i + 1)
    // c-ares drops some as no answer to its question, and goes on waiting.
    await Promise.race([asking, turns(50)])
    clock.advance(6_000)
    const answer = await asking
    if (answer instanceof Error) continue
    understood++
    assert.ok(answer.every(({ host, port }) => typeof host === 'string' && port >= 0))
  }
  assert.ok(understood > 0, 'not one was looked into')
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function asked(dns: DnsServer, what: string, times = 1): Promise<void> {
  while (dns.asked.filter((one) => one === what).length < times) await new Promise((resolve) => setImmediate(resolve))
}
