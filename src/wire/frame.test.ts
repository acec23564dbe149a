import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { equalBytes } from '../lib/index.ts'
import type { Lane } from '../ports/index.ts'
import { FRAME_HEADER_SIZE, FrameDecoder, MAX_FRAME_PAYLOAD, MAX_LINK_MESSAGE_SIZE, writeFrameHeader } from './frame.ts'
import type { FrameKind } from './frame.ts'
import { FrameQueue } from './frame-queue.ts'

interface Seen {
  readonly kind: FrameKind
  readonly lane?: Lane
  readonly bytes: Uint8Array
}

function decoder(seen: Seen[] = []): FrameDecoder {
  return new FrameDecoder({
    message: (lane, bytes) => seen.push({ kind: 'message', lane, bytes }),
    control: (kind, bytes) => seen.push({ kind, bytes }),
  })
}

function frame(kind: FrameKind, lane: Lane, more: boolean, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_SIZE + payload.length)
  writeFrameHeader(bytes, 0, { kind, lane, more, length: payload.length })
  bytes.set(payload, FRAME_HEADER_SIZE)
  return bytes
}

function filled(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + seed
  return bytes
}

describe('writeFrameHeader', () => {
  test('writeFrameHeader: keeps its bytes for every kind, lane and continuation', () => {
    const header = (kind: FrameKind, lane: Lane, more: boolean, length: number): string => {
      const bytes = new Uint8Array(FRAME_HEADER_SIZE)
      writeFrameHeader(bytes, 0, { kind, lane, more, length })
      return bytes.toHex()
    }
    assert.equal(header('message', 'normal', false, 200), '000000c8')
    assert.equal(header('message', 'bulk', false, 200), '400000c8')
    assert.equal(header('message', 'priority', false, 1), '10000001')
    assert.equal(header('message', 'bulk', true, MAX_FRAME_PAYLOAD), '6000fffc')
    assert.equal(header('claims', 'priority', false, 0x0102), '11000102')
    assert.equal(header('ping', 'priority', false, 0), '12000000')
    assert.equal(header('pong', 'priority', false, 0), '13000000')
    assert.equal(header('goodbye', 'bulk', false, 0), '44000000')
  })
})

describe('FrameDecoder', () => {
  test('FrameDecoder: gives back what a queue took in when the stream is cut anywhere', () => {
    const message = fc.record({
      lane: fc.constantFrom<Lane>('priority', 'normal', 'bulk'),
      size: fc.oneof(
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(MAX_FRAME_PAYLOAD - 1, MAX_FRAME_PAYLOAD, MAX_FRAME_PAYLOAD + 1, 150_000),
      ),
      parts: fc.integer({ min: 1, max: 4 }),
    })
    const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 90_000 })), {
      minLength: 1,
      maxLength: 20,
    })
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        cuts,
        fc.integer({ min: 1, max: 200_000 }),
        (messages, sizes, takeBytes) => {
          const queue = new FrameQueue(32 * 1024 * 1024, (size) => new Uint8Array(size))
          const sent = messages.map(({ lane, size, parts }, i) => {
            const bytes = filled(size, i)
            const step = Math.ceil(size / parts)
            assert.ok(
              queue.push(
                lane,
                Array.from({ length: parts }, (_, p) => bytes.subarray(p * step, (p + 1) * step)),
              ),
            )
            return { kind: 'message' as const, lane, bytes }
          })
          // A queue that ends lets all leave, whatever its window.
          queue.finish(new Uint8Array(0))
          const stream: Uint8Array[] = []
          for (let bytes = queue.take(takeBytes); bytes !== undefined; bytes = queue.take(takeBytes)) stream.push(bytes)
          const seen: Seen[] = []
          const reader = decoder(seen)
          const all = Buffer.concat(stream)
          for (let at = 0, i = 0; at < all.length; i++) {
            const size = sizes[i % sizes.length] as number
            assert.equal(reader.push(Uint8Array.from(all.subarray(at, at + size))), undefined)
            at += size
          }
          for (const lane of ['priority', 'normal', 'bulk'] as const) {
            const received = seen.filter((each) => each.lane === lane)
            const expected = sent.filter((each) => each.lane === lane)
            assert.equal(received.length, expected.length)
            received.forEach(({ bytes }, i) => assert.ok(equalBytes(bytes, expected[i]?.bytes ?? bytes.subarray(1))))
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('FrameDecoder: delivers a message that arrives in one chunk without a copy', () => {
    const seen: Seen[] = []
    const bytes = frame('message', 'bulk', false, filled(100, 1))
    decoder(seen).push(bytes)
    assert.equal(seen[0]?.bytes.buffer, bytes.buffer)
  })

  test('FrameDecoder: keeps lanes apart when a priority message comes between frames of a bulk one', () => {
    const seen: Seen[] = []
    const reader = decoder(seen)
    reader.push(frame('message', 'bulk', true, filled(MAX_FRAME_PAYLOAD, 1)))
    reader.push(frame('message', 'priority', false, filled(10, 2)))
    reader.push(frame('claims', 'priority', false, filled(3, 3)))
    reader.push(frame('message', 'bulk', false, filled(5, 4)))
    assert.deepEqual(
      seen.map(({ kind, lane, bytes }) => [kind, lane, bytes.length]),
      [
        ['message', 'priority', 10],
        ['claims', undefined, 3],
        ['message', 'bulk', MAX_FRAME_PAYLOAD + 5],
      ],
    )
  })

  test('FrameDecoder: refuses unknown kinds and flags, oversize frames, and short or control frames that continue', () => {
    const malformed = ['06000000', '0f000000', '50000000', '80000000', '0000fffd', '00ffffff', '20000001', '2100fffc', '32000000']
    for (const hex of malformed) {
      const seen: Seen[] = []
      const reader = decoder(seen)
      assert.match(reader.push(Uint8Array.fromHex(hex))?.message ?? 'accepted', /^the peer sent /, hex)
      assert.ok(reader.push(frame('message', 'bulk', false, filled(1, 1))), 'it stays refused')
      assert.deepEqual(seen, [])
    }
  })

  test('FrameDecoder: refuses a message that grows past the largest one allowed, before taking the bytes', () => {
    const reader = decoder()
    const full = frame('message', 'bulk', true, new Uint8Array(MAX_FRAME_PAYLOAD))
    const frames = Math.floor(MAX_LINK_MESSAGE_SIZE / MAX_FRAME_PAYLOAD)
    for (let i = 0; i < frames; i++) assert.equal(reader.push(full), undefined)
    assert.match(reader.push(full.subarray(0, FRAME_HEADER_SIZE))?.message ?? 'accepted', /a message of more than/)
  })

  test('FrameDecoder: delivers nothing more once stopped, not even from the chunk at hand', () => {
    const seen: Seen[] = []
    const reader: FrameDecoder = new FrameDecoder({
      message: (lane, bytes) => {
        seen.push({ kind: 'message', lane, bytes })
        reader.stop()
      },
      control: () => undefined,
    })
    const one = frame('message', 'bulk', false, filled(1, 1))
    reader.push(Buffer.concat([one, one]))
    assert.equal(seen.length, 1)
  })

  test('FrameDecoder: never throws and never delivers too much when the bytes are noise', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
        const seen: Seen[] = []
        const reader = decoder(seen)
        for (const chunk of chunks) reader.push(chunk)
        const received = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        assert.ok(seen.reduce((sum, { bytes }) => sum + bytes.length, 0) <= received)
      }),
    )
  })
})
