/** What arrives on a link, as bytes: frames cut anywhere, and the records of a handshake. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { chance, concatBytes, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import {
  decodeClaims,
  decodeHandshake,
  decodeReason,
  encodeClaims,
  encodeHello,
  encodeProof,
  encodeReason,
  encodeRefusal,
  FrameDecoder,
  FrameQueue,
  MAX_FRAME_PAYLOAD,
  WireError,
} from '../../src/wire/index.ts'
import type { Claims } from '../../src/ports/index.ts'
import { flood, Tally } from './flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

const ENDPOINTS = ['ab', 'cd'].map((byte) => byte.repeat(32)) as [string, string]
export const CLAIMS: Claims = { nodeId: 2, clusterId: 'c'.repeat(32), addresses: ['127.0.0.1:1', 'memory:x'], languageVersion: 1 }

/** Valid records of a handshake; each may stand in any place. */
export function handshakeRecords(from: string = ENDPOINTS[0], to: string = ENDPOINTS[1]): readonly Uint8Array[] {
  const terms = { versions: { min: 2, max: 2 }, features: 0, more: Uint8Array.of(2, 1, 9) }
  const hello = { ...terms, from, to, nonce: new Uint8Array(32).fill(7), instance: '01'.repeat(16) }
  return [
    encodeHello(hello),
    encodeHello({ ...hello, versions: { min: 3, max: 9 } }),
    encodeHello({ ...hello, from: to, to: from }),
    encodeProof({ mac: new Uint8Array(32), said: encodeClaims(CLAIMS) }),
    encodeProof({
      mac: new Uint8Array(32).fill(255),
      said: encodeClaims({ nodeId: 0, clusterId: null, addresses: [], languageVersion: 1 }),
    }),
    encodeRefusal({ code: 'COOKIE_MISMATCH', detail: 'why' }),
  ]
}

/** A stream of valid frames: messages of all sizes on both lanes, and control frames. */
export function validFrames(random: Random, messages: readonly Uint8Array[]): Uint8Array {
  const queue = new FrameQueue(4 * 1024 * 1024, (size) => new Uint8Array(size))
  for (let left = randomBetween(random, 1, 4); left > 0; left--) {
    const lane = pick(random, ['bulk', 'priority'] as const)
    if (chance(random, 0.02))
      queue.push(lane, [new Uint8Array(randomBetween(random, MAX_FRAME_PAYLOAD - 1, 3 * MAX_FRAME_PAYLOAD))])
    else if (chance(random, 0.7)) queue.push(lane, [pick(random, messages)])
    else if (chance(random, 0.5)) queue.pushControl(pick(random, ['ping', 'pong'] as const), new Uint8Array())
    else queue.pushControl('claims', encodeClaims(CLAIMS))
  }
  const parts: Uint8Array[] = []
  for (let part = queue.take(1 << 20); part !== undefined; part = queue.take(1 << 20)) parts.push(part.slice())
  return concatBytes(parts)
}

interface Delivered {
  readonly frames: readonly string[]
  readonly error: string | undefined
}

function deliver(chunks: readonly Uint8Array[]): Delivered {
  const frames: string[] = []
  const decoder = new FrameDecoder({
    message: (lane, bytes) => frames.push(`${lane} ${Buffer.from(bytes).toString('base64')}`),
    control: (kind, bytes) => frames.push(`${kind} ${Buffer.from(bytes).toString('base64')}`),
  })
  let error: WireError | undefined
  for (const chunk of chunks) {
    const count = frames.length
    const result = decoder.push(chunk)
    if (error !== undefined) assert.equal(frames.length, count, 'something was delivered behind an error')
    error ??= result
  }
  return { frames, error: error?.message }
}

function cut(random: Random, bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + (chance(random, 0.3) ? randomBetween(random, 1, 5) : randomBetween(random, 1, bytes.length))
    chunks.push(bytes.slice(at, end))
    at = end
  }
  return chunks
}

function checkFrames(random: Random, tally: Tally): void {
  const valid = validFrames(random, [randomBytes(random, 100), randomBytes(random, 5)])
  const bytes = chance(random, 0.1) ? randomBytes(random, 200) : chance(random, 0.9) ? mutateBytes(random, valid, valid) : valid
  const whole = deliver([bytes])
  // However the stream is cut, it says the same; and a damaged stream is cut off for good.
  assert.deepEqual(deliver(cut(random, bytes)), whole)
  tally.add(whole.error === undefined ? 'frames delivered' : 'frames refused')
}

function decodeOr<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T | WireError {
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
}

function checkRecord(random: Random, records: readonly Uint8Array[], tally: Tally): void {
  const record = pick(random, records)
  const bytes = chance(random, 0.1) ? randomBytes(random, 80) : mutateBytes(random, record, pick(random, records))
  const decoded = decodeOr(decodeHandshake, bytes)
  if (decoded instanceof WireError) return tally.add('record refused')
  if (decoded === undefined) return tally.add('record incomplete')
  tally.add(`record ${decoded.record.type}`)
  const same = decodeHandshake(bytes.slice(0, decoded.size))
  assert.deepEqual(same, decoded)
  assert.equal(decodeOr(decodeHandshake, bytes.slice(0, decoded.size - 1)), undefined, 'part of a record is a record')
  if (decoded.record.type === 'proof') assert.deepEqual(encodeProof(decoded.record.proof), bytes.slice(0, decoded.size))
  if (decoded.record.type === 'hello') assert.deepEqual(encodeHello(decoded.record.hello), bytes.slice(0, decoded.size))
}

function checkControl(random: Random): void {
  const [claims, reason] = [encodeClaims(CLAIMS), encodeReason({ code: 'STOPPING', detail: 'why' })]
  const decodedClaims = decodeOr(decodeClaims, mutateBytes(random, claims, reason))
  if (!(decodedClaims instanceof WireError)) assert.deepEqual(decodeClaims(encodeClaims(decodedClaims)), decodedClaims)
  const decodedReason = decodeOr(decodeReason, mutateBytes(random, reason, claims))
  if (!(decodedReason instanceof WireError)) assert.ok(decodedReason.detail.length <= 512)
}

export async function floodFrames(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  const records = handshakeRecords()
  await flood(context, {
    inputs,
    perRound: 1000,
    round: (random, count) => {
      for (let i = 0; i < count; i++) {
        if (i % 2 === 0) checkFrames(random, tally)
        else checkRecord(random, records, tally)
        if (i % 10 === 0) checkControl(random)
      }
      const sound = validFrames(random, [Uint8Array.of(1, 2, 3)])
      assert.equal(deliver([sound]).error, undefined)
      for (const record of records) assert.equal(decodeHandshake(record)?.size, record.length)
    },
  })
  context.diagnostic(String(tally))
  for (const what of ['frames delivered', 'frames refused', 'record refused', 'record hello', 'record proof']) {
    assert.ok(tally.count(what) > inputs / 200, `the inputs are one-sided: ${String(tally)}`)
  }
}
