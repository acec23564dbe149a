import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { PeerBook } from '../../peers/index.ts'
import { PeerBookFile, PeerBookFileError } from './peer-book-file.ts'

const ID = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
let folder = ''
let path = ''

const fail = (error: Error): never => assert.fail(error)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aspen-peers-'))
  path = join(folder, 'peers.json')
})

interface Kept {
  readonly book: PeerBook
  readonly file: PeerBookFile
}

/** A book that is kept in the file. Its clock stands at `now`. */
function open(now = 0, where = path, onError: (error: Error) => void = fail): Kept {
  const file = new PeerBookFile(where, onError)
  const book: PeerBook = new PeerBook({
    now: () => now,
    entries: file.load(now),
    changed: () =>
      file.save(
        () => book.entries(),
        () => now,
      ),
  })
  return { book, file }
}

afterEach(() => rmSync(folder, { recursive: true }))

test('PeerBookFile: finds again what was in the book, in the same order', async () => {
  const { book, file } = open()
  book.add({ endpointId: ID, nodeId: 2, addresses: ['a:1', '[::1]:2'], relay: 'https://relay' }, 'add-peer')
  book.add({ endpointId: ID, nodeId: null, addresses: ['b:1'] }, 'link')
  book.add({ endpointId: OTHER, nodeId: null, addresses: [] }, 'gossip')
  book.remove(OTHER)
  await file.saved()
  assert.deepEqual(readdirSync(folder), ['peers.json'])
  assert.deepEqual(open().book.entries(), book.entries())
})

test('PeerBookFile: what was heard is as old in the next life as it was in this one, whatever its clock says', async () => {
  let now = 1000
  const file = new PeerBookFile(path, fail)
  const book = new PeerBook({ now: () => now })
  book.add({ endpointId: ID, nodeId: 2, addresses: ['a:1'] }, 'link')
  now = 1700
  file.save(
    () => book.entries(),
    () => now,
  )
  await file.saved()
  assert.equal(open(50).book.get(ID)?.hints.get('link')?.heardAt, 50 - 700)
})

test('PeerBookFile: hearsay is not kept', async () => {
  const { book, file } = open()
  book.add({ endpointId: ID, nodeId: 2, addresses: ['a:1'] }, 'link')
  book.add({ endpointId: ID, nodeId: 2, addresses: ['lie:1'] }, 'hearsay')
  book.add({ endpointId: OTHER, nodeId: 3, addresses: ['lie:1'] }, 'hearsay')
  await file.saved()
  const again = open().book.entries()
  assert.deepEqual(
    again.map(({ endpointId, addresses }) => [endpointId, addresses]),
    [[ID, ['a:1']]],
  )
})

test('PeerBookFile: writes what changes during a write', async () => {
  const { book, file } = open()
  for (let i = 1; i <= 50; i++) {
    book.add({ endpointId: ID, nodeId: 2, addresses: [`h:${i}`] }, 'link')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await file.saved()
  assert.deepEqual(open().book.get(ID)?.addresses, ['h:50'])
})

test('PeerBookFile: reports a write that fails and goes on in memory', async () => {
  const errors: Error[] = []
  const { book, file } = open(0, join(folder, 'none', 'peers.json'), (error) => errors.push(error))
  book.add({ endpointId: ID, nodeId: 2, addresses: ['h:1'] }, 'link')
  await file.saved()
  assert.equal((errors[0] as NodeJS.ErrnoException).code, 'ENOENT')
  assert.deepEqual(book.get(ID)?.addresses, ['h:1'])
})

test('PeerBookFile: refuses a file that is no peer book, names it, and leaves it as it is', () => {
  const peer = { endpointId: ID, nodeId: 2, relay: null, hints: { link: { addresses: ['h:1'], ageMs: 5 } } }
  const file = (peers: unknown, version = 2): string => JSON.stringify({ version, peers })
  const damaged: [string, RegExp][] = [
    ['', /JSON/],
    ['[]', /not a JSON object/],
    [file([], 1), /version is 1/],
    [file({}), /"peers" is not a list/],
    [file([5]), /peer 0 is not/],
    [file(Array.from({ length: 1001 }, () => peer)), /at most 1000/],
    [file([peer, { ...peer, endpointId: 'x' }]), /peer 1: an endpoint id/],
    [file([{ ...peer, nodeId: 'x' }]), /peer 0: a node id/],
    [file([{ ...peer, nodeId: undefined }]), /peer 0: a node id/],
    [file([{ ...peer, relay: 5 }]), /"relay"/],
    [file([{ ...peer, hints: { link: { addresses: 'h:1', ageMs: 5 } } }]), /addresses of peer 0/],
    [file([{ ...peer, hints: { link: { addresses: ['h'], ageMs: 5 } } }]), /"h" is not an address/],
    [file([{ ...peer, hints: { rumour: { addresses: ['h:1'], ageMs: 5 } } }]), /"rumour"/],
    [file([{ ...peer, hints: { link: { addresses: ['h:1'] } } }]), /"ageMs" of peer 0/],
    [file([{ ...peer, hints: { link: ['h:1'] } }]), /hint of link of peer 0 is not/],
    [file([{ ...peer, hints: {} }]), /no hints/],
  ]
  for (const [text, problem] of damaged) {
    writeFileSync(path, text)
    assert.throws(
      () => open(),
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
