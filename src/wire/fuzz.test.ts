import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, pick, Prng, randomBetween } from '../lib/index.ts'
import { envelope, membership, peerMessage, writeResult } from './arbitraries.test.ts'
import { decodeMembership, decodePeerMessage, encodeMembership, encodePeerMessage, WireError } from './index.ts'
import { decodeEnvelope, decodeWriteResult, encodeEnvelope, encodeWriteResult } from '../commands/index.ts'

/** Inputs for each of the four decoders: half of them random bytes, half damaged encodings. WIRE_FUZZ_RUNS raises it. */
const RUNS = Number(process.env['WIRE_FUZZ_RUNS'] ?? 10_000)
const SEED = Number(process.env['WIRE_FUZZ_SEED'] ?? 20_260_501)
/** Far above what any input takes; a machine that pauses must not fail the test. */
const MAX_DECODE_MS = 10_000

interface Codec<T> {
  readonly name: string
  readonly decode: (bytes: Uint8Array) => T
  readonly encode: (value: T) => Uint8Array
  readonly samples: readonly Uint8Array[]
}

function codec<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
): Codec<T> {
  return { name, decode, encode, samples: fc.sample(values, { numRuns: 300, seed: SEED }).map(encode) }
}

function randomBytes(random: Prng, maxLength: number): Uint8Array {
  return Uint8Array.from({ length: randomBetween(random, 0, maxLength) }, () => random.nextUint32() & 0xff)
}

type Mutation = (random: Prng, bytes: Uint8Array, other: Uint8Array) => Uint8Array

/** Bytes that mean something to a reader: small counts, codes, the ends of varints, the largest number. */
const TELLING: readonly Uint8Array[] = [
  '00',
  '01',
  '02',
  '03',
  '7f',
  '80',
  'ff',
  '8000',
  'ffffffffffffff0f',
  'ffffffffffffff7f',
  'ffffffff0f',
].map((hex) => Uint8Array.fromHex(hex))

function splice(bytes: Uint8Array, position: number, removed: number, inserted: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, position), inserted, bytes.subarray(position + removed)])
}

const MUTATIONS: readonly Mutation[] = [
  (random, bytes) => splice(bytes, randomBetween(random, 0, bytes.length - 1), 1, randomBytes(random, 2)),
  (random, bytes) => splice(bytes, randomBetween(random, 0, bytes.length - 1), 1, pick(random, TELLING)),
  (random, bytes) => splice(bytes, randomBetween(random, 0, Math.min(30, bytes.length - 1)), 1, pick(random, TELLING)),
  (random, bytes) => bytes.slice(0, randomBetween(random, 0, bytes.length)),
  (random, bytes) => concatBytes([bytes, randomBytes(random, 5)]),
  (random, bytes) => splice(bytes, randomBetween(random, 0, bytes.length - 1), randomBetween(random, 1, 8), new Uint8Array()),
  (random, bytes, other) =>
    concatBytes([
      bytes.subarray(0, randomBetween(random, 0, bytes.length)),
      other.subarray(randomBetween(random, 0, other.length)),
    ]),
  (random, bytes) => {
    const flipped = bytes.slice()
    const position = randomBetween(random, 0, bytes.length - 1)
    flipped[position] = (flipped[position] as number) ^ (1 << randomBetween(random, 0, 7))
    return flipped
  },
]

function mutated(random: Prng, samples: readonly Uint8Array[]): Uint8Array {
  let bytes = pick(random, samples)
  for (let i = randomBetween(random, 1, 3); i > 0 && bytes.length > 0; i--)
    bytes = pick(random, MUTATIONS)(random, bytes, pick(random, samples))
  return bytes
}

/** Random bytes behind a plausible head, or nearly all would end at the group. */
function invented(random: Prng): Uint8Array {
  const bytes = randomBytes(random, 80)
  if (bytes.length > 0 && random.nextUint32() % 8 > 0) bytes[0] = 0
  if (bytes.length > 1 && random.nextUint32() % 8 > 0) bytes[1] = randomBetween(random, 0, 50)
  return bytes
}

/** True when the bytes were a value, which then has these bytes and no other. */
function check<T>({ name, decode, encode }: Codec<T>, bytes: Uint8Array): boolean {
  const start = performance.now()
  let value: T
  try {
    value = decode(bytes)
  } catch (error) {
    assert.ok(error instanceof WireError, `${name}: ${bytes.toHex()} throws ${String(error)}`)
    return false
  } finally {
    assert.ok(performance.now() - start < MAX_DECODE_MS, `${name}: ${bytes.toHex()} takes too long`)
  }
  const again = encode(value)
  // The details of an error are JSON, which has many spellings of one value, and values (-0) that it spells as another.
  if (name === 'peer message' && bytes[1] === 34) assert.equal(JSON.stringify(decode(again)), JSON.stringify(value))
  else assert.equal(again.toHex(), bytes.toHex(), `${name}: two encodings of one value`)
  return true
}

function fuzz<T>(target: Codec<T>): void {
  test(`${target.name}: decodes or throws WireError when the bytes are random or damaged`, () => {
    const random = new Prng(SEED)
    let decoded = 0
    for (const sample of target.samples) assert.ok(check(target, sample))
    for (let i = 0; i < RUNS; i++) {
      if (check(target, i % 2 === 0 ? invented(random) : mutated(random, target.samples))) decoded++
    }
    assert.ok(decoded > RUNS / 200, `only ${decoded} of ${RUNS} inputs were decoded: the fuzzing does not reach past the checks`)
    assert.ok(decoded < RUNS / 2, `${decoded} of ${RUNS} inputs were decoded: the fuzzing damages nothing`)
  })
}

fuzz(
  codec(
    'envelope',
    envelope,
    (value) => encodeEnvelope(value),
    (bytes) => decodeEnvelope(bytes),
  ),
)
fuzz(codec('membership', membership, encodeMembership, decodeMembership))
fuzz(
  codec(
    'write result',
    writeResult,
    (value) => encodeWriteResult(value),
    (bytes) => decodeWriteResult(bytes),
  ),
)
fuzz(codec('peer message', peerMessage, (m) => concatBytes(encodePeerMessage(m)), decodePeerMessage))
