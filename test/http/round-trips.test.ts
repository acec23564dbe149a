/**
 * What is written comes back, whatever it is and however it was spelt: every shape of a command, every encoding of its keys and
 * values, every encoding of the answer, and both branches of a transaction.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { volume } from '../volume.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

type Encoding = 'text' | 'base64' | undefined
const ENCODINGS: readonly Encoding[] = [undefined, 'text', 'base64']

interface Content {
  readonly name: string
  readonly bytes: Buffer
}

const KEYS: readonly Content[] = [
  { name: 'ascii', bytes: Buffer.from('key') },
  { name: 'unicode', bytes: Buffer.from('ключ 😀') },
  { name: 'controls', bytes: Buffer.from('\0\n"\\\u2028') },
  { name: 'bytes', bytes: Buffer.from([0xff, 0x00, 0x80]) },
]
/** CI goes through every pair of a key and a value in every spelling. */
const STRIDE = volume(1, 3)

const VALUES: readonly Content[] = [...KEYS, { name: 'nothing', bytes: Buffer.alloc(0) }]

const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes)
const spell = (bytes: Buffer, encoding: Encoding): string => bytes.toString(encoding === 'base64' ? 'base64' : 'utf8')
/** Whether a request can hold it so. */
const holds = (bytes: Buffer, encoding: Encoding): boolean => encoding === 'base64' || isText(bytes)

/** The bytes of a key or value in an answer, which is marked when it is not in the encoding that was asked for. */
function bytesOf(text: string, asked: Encoding, mark: unknown): Buffer {
  assert.ok(mark === undefined || (mark === 'base64' && asked !== 'base64'), `the mark is ${String(mark)}`)
  const bytes = Buffer.from(text, asked === 'base64' || mark === 'base64' ? 'base64' : 'utf8')
  if (mark === 'base64') assert.ok(!isText(bytes), 'what is text comes as text')
  return bytes
}

/** Commands that leave `value` at `key`, or nothing. */
const SHAPES: Readonly<Record<string, (key: string, value: string) => object>> = {
  Set: (key, value) => ({ Set: { key, value } }),
  SetMulti: (key, value) => ({ SetMulti: { pairs: [[key, value]] } }),
  'Txn then': (key, value) => ({ Txn: { compare: [{ key, absent: true }], then: [{ Set: { key, value } }, { Get: { key } }] } }),
  'Txn else': (key, value) => ({
    Txn: { compare: [{ key, absent: false }], then: [{ Delete: { key } }], else: [{ Set: { key, value } }, { Get: { key } }] },
  }),
}
const DELETIONS: Readonly<Record<string, (key: string, value: string) => object>> = {
  Delete: (key) => ({ Delete: { key } }),
  DeleteMulti: (key) => ({ DeleteMulti: { keys: [key] } }),
  'Txn by value': (key, value) => ({ Txn: { compare: [{ key, value }], then: [{ Delete: { key } }] } }),
  'Txn else': (key, value) => ({
    Txn: {
      compare: [
        { key, value },
        { key, mod_revision: 0 },
      ],
      then: [],
      else: [{ Delete: { key } }],
    },
  }),
}

/** Every encoding of an answer to /read, /scan, and the Gets of both branches of a Txn. */
async function assertStored({ post }: Fixture, key: Buffer, value: Buffer): Promise<void> {
  for (const keys of ENCODINGS) {
    for (const values of ENCODINGS) {
      const page = await post('/scan', { keys, values })
      assert.equal(page.status, 200, page.text)
      assert.equal(page.body.entries.length, 1)
      assertEntry(page.body.entries[0], { keys, values }, { key, value })
      if (!holds(key, keys)) continue
      const spelt = spell(key, keys)
      for (const metadata of [false, true]) {
        const { body } = await post('/read', { key: spelt, keys, values, metadata })
        assert.deepEqual(bytesOf(body.value, values, body.encoding), value)
      }
      const get = [{ Get: { key: spelt } }]
      for (const absent of [false, true]) {
        const command = { Txn: { compare: [{ key: spelt, absent }], then: absent ? [] : get, else: absent ? get : [] } }
        const { status, body } = await post('/write', { command, keys, values })
        assert.deepEqual([status, body.succeeded], [200, !absent])
        assertEntry(body.results[0].Get.entry, { keys, values }, { key, value })
      }
    }
  }
}

interface Entry {
  readonly key: string
  readonly key_encoding?: string
  readonly value: string
  readonly encoding?: string
}

function assertEntry(
  entry: Entry,
  asked: { readonly keys: Encoding; readonly values: Encoding },
  wanted: { readonly key: Buffer; readonly value: Buffer },
): void {
  assert.deepEqual(bytesOf(entry.key, asked.keys, entry.key_encoding), wanted.key)
  assert.deepEqual(bytesOf(entry.value, asked.values, entry.encoding), wanted.value)
}

async function assertRoundTrip(fixture: Fixture, spelling: { keys: Encoding; values: Encoding }, key: Buffer, value: Buffer) {
  const parts = [spell(key, spelling.keys), spell(value, spelling.values)] as const
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (const [ending, deletion] of Object.entries(DELETIONS)) {
      const written = await fixture.post('/write', { command: shape(...parts), ...spelling })
      assert.equal(written.status, 200, `${name}: ${written.text}`)
      const found = written.body.results?.at(-1).Get.entry
      if (found !== undefined) assertEntry(found, spelling, { key, value })
      // The answers are the same whatever wrote it: looking once for each shape is enough.
      if (ending === 'Delete') await assertStored(fixture, key, value)
      const deleted = await fixture.post('/write', { command: deletion(...parts), ...spelling })
      assert.equal(deleted.status, 200, `${ending}: ${deleted.text}`)
      assert.deepEqual((await fixture.post('/scan', {})).body.entries, [], `${name} is gone after ${ending}`)
    }
  }
}

describe('round trips over HTTP', () => {
  let pair = 0
  for (const keys of ENCODINGS) {
    for (const values of ENCODINGS) {
      test(`keys ${keys ?? 'as they are'}, values ${values ?? 'as they are'}: every shape of a command`, async () => {
        const fixture = await createFixture()
        for (const key of KEYS.filter(({ bytes }) => holds(bytes, keys))) {
          for (const value of VALUES.filter(({ bytes }) => holds(bytes, values))) {
            if (pair++ % STRIDE !== 0) continue
            await assertRoundTrip(fixture, { keys, values }, key.bytes, value.bytes)
          }
        }
      })
    }
  }

  test('a transaction in text that meets a value that is none: took effect, and says what it found', async () => {
    const { post } = await createFixture()
    await post('/write', { command: { Set: { key: 'k', value: '/w==' } }, values: 'base64' })
    const command = { Txn: { compare: [], then: [{ Set: { key: 'done', value: 'yes' } }, { Get: { key: 'k' } }] } }
    const body = { command, client_id: 'c', sequence: 1 }
    const first = await post('/write', body)
    assert.equal(first.status, 200)
    const { entry } = first.body.results[1].Get
    assert.deepEqual([entry.value, entry.encoding], ['/w==', 'base64'])
    assert.equal((await post('/write', body)).text, first.text, 'a repeat is answered alike')
    assert.equal((await post('/read', { key: 'done' })).body.value, 'yes')
  })
})
