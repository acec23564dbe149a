/** Looking names up while no thread of libuv's pool is to be had: what the log's sync waits for is never what a name server keeps waiting. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, open, openSync, rmSync, stat } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { DnsNameService } from '../../src/discovery/dns/name-service.ts'
import { readSearchList } from '../../src/discovery/dns/search-list.ts'
import { systemClock } from '../../src/net/index.ts'
import { DnsServer } from './dns-server.ts'

const POOL_SIZE = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)

/** Every thread waits for somebody to write into a pipe. @returns what lets them go */
function takeAllThreads(t: TestContext): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-test-'))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const waiting = Array.from({ length: POOL_SIZE }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    open(pipe, 'r', (error, descriptor) => (error === null ? resolve(descriptor) : reject(error)))
    return promise
  })
  t.after(() => rmSync(folder, { recursive: true }))
  return async () => {
    const writer = openSync(pipe, 'w')
    for (const descriptor of await Promise.all(waiting)) closeSync(descriptor)
    closeSync(writer)
  }
}

test('DnsNameService: takes no thread of the pool', { skip: process.platform === 'win32' && 'there is no mkfifo' }, async (t) => {
  const dns = new DnsServer()
  const server = await dns.listen()
  t.after(() => dns.close())
  dns.say('SRV', 's.test', [dns.srv('s.test', 'h.test', 1)])
  dns.say('A', 'h.test', [dns.a('h.test', '10.0.0.1')])
  dns.say('TXT', 't.test', dns.txt('t.test', 'x'))
  const names = new DnsNameService({ clock: systemClock, servers: [server], resolve: null, searchList: readSearchList })
  t.after(() => names.close())
  const letGo = takeAllThreads(t)
  let isFree = false
  stat('/', () => (isFree = true))
  // Whole names: no domain of this machine's is asked for.
  assert.deepEqual(await names.services('s.test.'), [{ host: 'h.test', port: 1 }])
  assert.deepEqual(await names.addresses('h.test.'), ['10.0.0.1'])
  assert.deepEqual(await names.texts('t.test.'), ['x'])
  assert.equal(isFree, false, 'the pool was not taken')
  await letGo()
})
