import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KeyValue } from '../../api/index.ts'
import { SPACES } from '../../commands/index.ts'
import { SnapshotDecoder } from './snapshot-decoder.ts'
import { encodeSnapshot } from './snapshot-encoder.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { StateError } from '../state/index.ts'

interface Content {
  header: SnapshotHeader
  rows: KeyValue[]
  system: KeyValue[]
}

const bytesOf = (rows: readonly KeyValue[]): number => rows.reduce((sum, row) => sum + row.key.length + row.value.length, 0)

/** `system` are rows of the space of sessions. */
function contentOf(rows: KeyValue[], system: KeyValue[]): Content {
  const members = [{ id: 1, endpointId: 'ab'.repeat(32), addresses: ['127.0.0.1:26001'] }]
  const header = {
    clusterId: '0123456789abcdef0123456789abcdef',
    clusterVersion: 2,
    last: { term: 3, index: 2 ** 40 },
    membership: { voters: [1], outgoing: [], learners: [], members },
    membershipIndex: 1,
    keys: rows.length,
    bytes: bytesOf(rows),
    systemRows: system.length,
    systemBytes: bytesOf(system),
  }
  return { header, rows, system }
}

function rowsIn({ rows, system }: Pick<Content, 'rows' | 'system'>): (space: number) => KeyValue[] {
  return (space) => (space === SPACES.user ? rows : space === SPACES.sessions ? system : [])
}

function encode(content: Content): Buffer {
  return Buffer.concat([...encodeSnapshot(content.header, rowsIn(content))])
}

function decode(file: Uint8Array, chunkSize: number): Content {
  const content = contentOf([], [])
  const decoder = new SnapshotDecoder('test', {
    row: (space, row) => rowsIn(content)(space).push({ ...row, key: new Uint8Array(row.key), value: new Uint8Array(row.value) }),
  })
  for (let at = 0; at < file.length; at += chunkSize) decoder.push(file.subarray(at, at + chunkSize))
  return { ...content, header: decoder.end() }
}

const revision = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const row = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  value: fc.uint8Array({ maxLength: 200 }),
  createRevision: revision,
  modRevision: revision,
  version: revision,
})
const rows = fc
  .uniqueArray(row, { maxLength: 20, selector: ({ key }) => Buffer.from(key).toString('hex') })
  .map((list) => list.map((one) => ({ ...one })).toSorted((a, b) => Buffer.compare(a.key, b.key)))
test('SnapshotDecoder: reads what encodeSnapshot wrote, however it is cut into chunks', () => {
  const property = fc.property(rows, rows, fc.integer({ min: 1, max: 400 }), (someRows, system, chunkSize) => {
    const content = contentOf(someRows, system)
    assert.deepEqual(decode(encode(content), chunkSize), content)
  })
  fc.assert(property, { numRuns: 200 })
})

test('encodeSnapshot: makes chunks of bounded size', () => {
  const large = Array.from({ length: 40 }, (_, i) => ({
    key: Uint8Array.of(i),
    value: new Uint8Array(i === 20 ? 1024 * 1024 : 30_000),
    createRevision: 1,
    modRevision: 1,
    version: 1,
  }))
  const { header } = contentOf(large, [])
  const sizes = [...encodeSnapshot(header, rowsIn({ rows: large, system: [] }))].map((chunk) => chunk.length)
  assert.ok(sizes.length > 4, String(sizes))
  assert.ok(Math.max(...sizes) < 1024 * 1024 + 256 * 1024 + 100)
})

test('encodeSnapshot: throws when the rows are not those the header counts', () => {
  const content = contentOf(
    [{ key: Uint8Array.of(1), value: Uint8Array.of(2), createRevision: 1, modRevision: 1, version: 1 }],
    [],
  )
  assert.throws(() => encode({ ...content, rows: [] }), /a cut of 1 keys/)
  assert.throws(() => encode({ ...content, header: { ...content.header, bytes: 3 } }), /a cut of 1 keys, 3 bytes/)
  assert.throws(() => encode({ ...content, header: { ...content.header, systemRows: 1 } }), /beside 1 rows/)
})

const sample = encode(
  contentOf(
    ['a', 'b', 'c'].map((key) => ({
      key: Buffer.from(key),
      value: Buffer.from('value'),
      createRevision: 1,
      modRevision: 2,
      version: 3,
    })),
    [{ key: Buffer.from('client'), value: Uint8Array.of(1, 2), createRevision: 0, modRevision: 0, version: 0 }],
  ),
)

const isCorrupt = (error: unknown): boolean => error instanceof StateError && error.code === 'CORRUPT' && error.file === 'test'

test('SnapshotDecoder: refuses a file that was cut anywhere, or that goes on', () => {
  for (let length = 0; length < sample.length; length++)
    assert.throws(() => decode(sample.subarray(0, length), 64), isCorrupt, `cut at ${length}`)
  assert.throws(() => decode(Buffer.concat([sample, Buffer.alloc(1)]), 64), isCorrupt)
})

test('SnapshotDecoder: answers any damage with a typed error, or with rows the digest will tell from the true ones', () => {
  const property = fc.property(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
    const damaged = Buffer.from(sample)
    damaged[at] = (damaged[at] as number) ^ mask
    try {
      decode(damaged, 100)
    } catch (error) {
      assert.ok(error instanceof StateError, String(error))
    }
  })
  fc.assert(property, { numRuns: 500 })
})

test('SnapshotDecoder: refuses rows out of order, and sizes beyond the limits', () => {
  const at = sample.indexOf('bvalue')
  const disordered = Buffer.from(sample)
  disordered.write('a', at)
  assert.throws(() => decode(disordered, 1000), isCorrupt)
  const huge = Buffer.from(sample)
  huge.writeUInt32BE(0xffff_ffff, at - 28)
  assert.throws(() => decode(huge, 1000), isCorrupt)
})

test('encodeSnapshot: writes the format that version 4 has for ever', () => {
  const text = sample.toString('hex')
  assert.equal(text.slice(0, 24), '415350454e534e5000000004')
  assert.ok(text.endsWith('02000600000002' + '00'.repeat(24) + '636c69656e740102' + '415350454e454e44'))
  assert.ok(text.includes('00000100000005000000000000000100000000000000020000000000000003' + '6176616c7565'))
})
