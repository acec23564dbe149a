import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { openPeerBook, PeerBookFileError } from './peer-book-file.ts'

const ID = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
let folder = ''
let path = ''

const fail = (error: Error): never => assert.fail(error)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aspen-peers-'))
  path = join(folder, 'peers.json')
})

afterEach(() => rmSync(folder, { recursive: true }))

test('openPeerBook: finds again what was in the book, in the same order', async () => {
  const { book, saved } = openPeerBook(path, fail)
  book.add({ endpointId: ID, nodeId: 2, addresses: ['a:1', '[::1]:2'], relay: 'https://relay' }, 'add-peer')
  book.add({ endpointId: ID, nodeId: null, addresses: ['b:1'] }, 'link')
  book.add({ endpointId: OTHER, nodeId: null, addresses: [] }, 'gossip')
  book.remove(OTHER)
  await saved()
  assert.deepEqual(readdirSync(folder), ['peers.json'])
  assert.deepEqual(openPeerBook(path, fail).book.entries(), book.entries())
})

test('openPeerBook: writes what changes during a write', async () => {
  const { book, saved } = openPeerBook(path, fail)
  for (let i = 1; i <= 50; i++) {
    book.add({ endpointId: ID, nodeId: 2, addresses: [`h:${i}`] }, 'link')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await saved()
  assert.deepEqual(openPeerBook(path, fail).book.get(ID)?.addresses, ['h:50'])
})

test('openPeerBook: reports a write that fails and goes on in memory', async () => {
  const errors: Error[] = []
  const { book, saved } = openPeerBook(join(folder, 'none', 'peers.json'), (error) => errors.push(error))
  book.add({ endpointId: ID, nodeId: 2, addresses: ['h:1'] }, 'link')
  await saved()
  assert.equal((errors[0] as NodeJS.ErrnoException).code, 'ENOENT')
  assert.deepEqual(book.get(ID)?.addresses, ['h:1'])
})

test('openPeerBook: keeps a book in memory when there is no path', async () => {
  const { book, saved } = openPeerBook(null, fail)
  book.add({ endpointId: ID, nodeId: 2, addresses: ['h:1'] }, 'link')
  await saved()
  assert.equal(book.entries().length, 1)
  assert.deepEqual(readdirSync(folder), [])
})

test('openPeerBook: refuses a file that is no peer book, names it, and leaves it as it is', () => {
  const peer = { endpointId: ID, nodeId: 2, relay: null, hints: { link: ['h:1'] } }
  const file = (peers: unknown, version = 1): string => JSON.stringify({ version, peers })
  const damaged: [string, RegExp][] = [
    ['', /JSON/],
    ['[]', /not a JSON object/],
    [file([], 2), /version is 2/],
    [file({}), /"peers" is not a list/],
    [file([5]), /peer 0 is not/],
    [file(Array.from({ length: 1001 }, () => peer)), /at most 1000/],
    [file([peer, { ...peer, endpointId: 'x' }]), /peer 1: an endpoint id/],
    [file([{ ...peer, nodeId: 'x' }]), /peer 0: a node id/],
    [file([{ ...peer, nodeId: undefined }]), /peer 0: a node id/],
    [file([{ ...peer, relay: 5 }]), /"relay"/],
    [file([{ ...peer, hints: { link: 'h:1' } }]), /addresses of peer 0/],
    [file([{ ...peer, hints: { link: ['h'] } }]), /"h" is not an address/],
    [file([{ ...peer, hints: { rumour: ['h:1'] } }]), /"rumour"/],
    [file([{ ...peer, hints: {} }]), /no hints/],
  ]
  for (const [text, problem] of damaged) {
    writeFileSync(path, text)
    assert.throws(
      () => openPeerBook(path, fail),
      (error) => {
        assert.ok(error instanceof PeerBookFileError, String(error))
        assert.match(error.message, problem)
        assert.ok(error.message.includes(path))
        return true
      },
    )
    assert.equal(readFileSync(path, 'utf8'), text)
  }
})
