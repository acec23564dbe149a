/** Questions to a real name server: what it may answer, and what becomes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openNameService } from '../../src/discovery/dns/index.ts'
import { DnsNameService, isNothing } from '../../src/discovery/dns/name-service.ts'
import type { NameService } from '../../src/discovery/dns/name-service.ts'
import { ManualClock } from '../manual-clock.ts'
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

async function asked(dns: DnsServer, what: string, times = 1): Promise<void> {
  while (dns.asked.filter((one) => one === what).length < times) await new Promise((resolve) => setImmediate(resolve))
}
