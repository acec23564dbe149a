/** What nodes say to each other of their actors, byte for byte, and what becomes of bytes that nobody would say. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readBatch } from '../../src/actor/remote/read-batch.ts'
import { isMessageName } from '../../src/actor/remote/statements.ts'
import {
  writeAnswer,
  writeBye,
  writeCall,
  writeCast,
  writeClose,
  writeCredit,
  writeGroup,
  writeHello,
  writeLives,
  writeOpen,
  writeRefusal,
  writeWatch,
} from '../../src/actor/remote/write-statements.ts'
import type { Listener } from '../../src/actor/remote/statements.ts'
import { ByteWriter, pick, Prng, randomBetween, WireError } from '../../src/lib/index.ts'
import { volume } from '../volume.ts'

/** Notes what it is told, with the bytes as hexadecimal text. */
function listener(): Listener & { readonly heard: unknown[] } {
  const heard: unknown[] = []
  const note =
    (kind: string) =>
    (...given: unknown[]): void =>
      void heard.push([kind, ...given.map(readable)])
  const kinds = ['hello', 'bye', 'open', 'close', 'cast', 'call', 'answer', 'refusal', 'credit', 'watch', 'lives', 'group']
  const methods = Object.fromEntries(kinds.map((kind) => [kind, note(kind)]))
  return { ...(methods as unknown as Listener), listens: true, heard }
}

function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, readable(part)]))
}

const BODY = Uint8Array.fromHex('040107'.slice(0, 4))
const call = { stream: 1, id: 300, remainingMs: 5000, message: 'echo', body: BODY }
const hello = { talk: 0x01020304, heard: 0, creditMessages: 1000, creditBytes: 0x100000 }

const GOLDEN: readonly (readonly [write: (writer: ByteWriter) => void, hex: string, heard: unknown])[] = [
  [
    (w) => writeHello(w, hello),
    '0114' + '010100' + '04030201' + '00000000' + '0202e807' + '0403808040',
    ['hello', { versions: { min: 1, max: 1 }, features: 0, ...hello }],
  ],
  [(w) => writeBye(w, 'why'), '0303776879', ['bye', 'why']],
  [(w) => writeOpen(w, 1, 'jobs'), '0501046a6f6273', ['open', 1, 'jobs']],
  [(w) => writeClose(w, 1), '0701', ['close', 1]],
  [(w) => writeCast(w, 1, 'echo', BODY), '0901' + '046563686f' + '020401', ['cast', 1, 'echo', '0401']],
  [(w) => writeCall(w, call), '0b01ac028827' + '046563686f' + '020401', ['call', { ...call, body: '0401' }]],
  [(w) => writeAnswer(w, 300, BODY), '0dac02020401', ['answer', 300, '0401']],
  [
    (w) => writeRefusal(w, 300, { code: 'REFUSED', begun: true, words: 'x', facts: BODY }),
    '0fac0200010178020401',
    ['refusal', 300, { code: 'REFUSED', begun: true, words: 'x', facts: '0401' }],
  ],
  [(w) => writeCredit(w, 1, 2, 300), '110102ac02', ['credit', 1, 2, 300]],
  [(w) => writeWatch(w, 1, true), '130101', ['watch', 1, true]],
  [(w) => writeLives(w, 1, null), '150100', ['lives', 1, null]],
  [
    (w) => writeLives(w, 1, { reason: 'unreachable', words: 'x' }),
    '1501050178',
    ['lives', 1, { reason: 'unreachable', words: 'x' }],
  ],
  [(w) => writeGroup(w, 'g', 'n', true), '170167016e01', ['group', 'g', 'n', true]],
]

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.finish()
}

function heardOf(bytes: Uint8Array): unknown[] {
  const to = listener()
  readBatch(bytes, to)
  return to.heard
}

describe('the actor protocol', () => {
  for (const [write, hex, heard] of GOLDEN)
    test(`golden bytes: ${hex.slice(0, 12)}`, () => {
      assert.equal(written(write).toHex(), hex)
      assert.deepEqual(heardOf(Uint8Array.fromHex(hex)), [heard])
    })

  test('a batch is read in order, until its listener has had enough', () => {
    const all = written((writer) => {
      for (const [write] of GOLDEN) write(writer)
    })
    assert.deepEqual(
      heardOf(all),
      GOLDEN.map(([, , heard]) => heard),
    )
    const to = listener()
    readBatch(all, { ...to, listens: false })
    assert.deepEqual(to.heard, [])
  })

  test('what a later version says: even kinds are skipped, odd ones are not, codes are treated alike', () => {
    assert.deepEqual(heardOf(Uint8Array.fromHex('18020102' + '0701')), [['close', 1]])
    assert.throws(
      () => heardOf(Uint8Array.fromHex('0701' + '19')),
      /kind 25, which this version of aspen\/actor\/1 does not know/,
    )
    assert.deepEqual(heardOf(Uint8Array.fromHex('0f016301' + '0000' + '0f016300' + '0000')), [
      ['refusal', 1, { code: 'CRASHED', begun: true, words: '', facts: '' }],
      ['refusal', 1, { code: 'DOWN', begun: false, words: '', facts: '' }],
    ])
    assert.deepEqual(heardOf(Uint8Array.fromHex('15016300')), [['lives', 1, { reason: 'crashed', words: '' }]])
    const [heard] = heardOf(Uint8Array.fromHex('0111' + '010205' + '04030201' + '00000000' + '060101' + '080101')) as [
      [string, object],
    ]
    assert.deepEqual(heard[1], { ...hello, versions: { min: 1, max: 2 }, features: 5, creditMessages: 0, creditBytes: 0 })
  })

  test('names of messages and words are bounded, and valid text', () => {
    const bad = ['', 'x'.repeat(129), '\ud800', 7, null]
    for (const name of bad) assert.equal(isMessageName(name), false)
    const longest = '\u{ffff}'.repeat(128)
    assert.equal(isMessageName(longest), true)
    const [heard] = heardOf(written((w) => writeCast(w, 1, longest, BODY))) as [[string, number, string]]
    assert.equal(heard[2], longest)
    for (const words of ['\ud800', '😀'.repeat(1000), 'x'.repeat(255) + '😀']) {
      const [bye] = heardOf(written((w) => writeBye(w, words))) as [[string, string]]
      assert.ok(bye[1].isWellFormed() && bye[1].length <= 256)
    }
  })

  test('of any bytes, tells what they say, or refuses them', () => {
    const random = new Prng(11)
    let read = 0
    for (let run = 0; run < volume(100_000, 5_000); run++) {
      const bytes = [
        ...written((writer) => {
          for (let left = randomBetween(random, 1, 3); left > 0; left--) pick(random, GOLDEN)[0](writer)
        }),
      ]
      for (let left = randomBetween(random, 1, 3); left > 0; left--)
        bytes.splice(randomBetween(random, 0, bytes.length), randomBetween(random, 0, 2), random.nextUint32() & 0xff)
      try {
        read += heardOf(Uint8Array.from(bytes)).length
      } catch (error) {
        assert.ok(error instanceof WireError, String(error))
      }
    }
    assert.ok(read > 0)
  })
})
