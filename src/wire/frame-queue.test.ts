import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LINK_BULK_WINDOW_BYTES, LINK_WINDOW_BYTES, MAX_FRAME_SIZE } from '../limits.ts'
import { FrameDecoder, MAX_FRAME_PAYLOAD } from './frame.ts'
import { FrameQueue } from './frame-queue.ts'

function createQueue(maxBytes = 1024 * 1024): FrameQueue {
  return new FrameQueue(maxBytes, (size) => new Uint8Array(size))
}

/** What a peer would see of these bytes: 'p' or 'b' and a size for messages, the kind for the rest. */
function read(chunks: readonly Uint8Array[]): string[] {
  const seen: string[] = []
  const decoder = new FrameDecoder({
    message: (lane, bytes) => seen.push(`${lane[0]}${bytes.length}`),
    control: (kind, bytes) => seen.push(`${kind}${bytes.length}`),
  })
  for (const chunk of chunks) assert.equal(decoder.push(chunk), undefined)
  return seen
}

function takeAll(queue: FrameQueue): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let chunk = queue.take(1); chunk !== undefined; chunk = queue.take(1)) chunks.push(chunk)
  return chunks
}

test('FrameQueue: puts all that waits into one buffer of exactly its size', () => {
  const queue = createQueue()
  queue.push('bulk', [new Uint8Array(3), new Uint8Array(4)])
  queue.push('bulk', [])
  queue.push('priority', [Uint8Array.of(9)])
  const bytes = queue.take(MAX_FRAME_SIZE)
  assert.equal(bytes?.toHex(), '1000000109' + '4000000700000000000000' + '40000000')
  assert.equal(queue.take(MAX_FRAME_SIZE), undefined)
  assert.ok(queue.isEmpty)
})

test('FrameQueue: lets a priority message go between two frames of a bulk one', () => {
  const queue = createQueue()
  queue.push('bulk', [new Uint8Array(3 * MAX_FRAME_PAYLOAD)])
  const first = queue.take(1) as Uint8Array
  queue.push('priority', [new Uint8Array(5)])
  assert.deepEqual(read([first, ...takeAll(queue)]), ['p5', `b${3 * MAX_FRAME_PAYLOAD}`])
})

test('FrameQueue: refuses what does not fit and takes it once there is room', () => {
  const queue = createQueue(10_000)
  assert.ok(queue.push('bulk', [new Uint8Array(5_000)]))
  assert.ok(!queue.push('bulk', [new Uint8Array(5_000)]))
  assert.deepEqual(read(takeAll(queue)), ['b5000'])
  assert.ok(queue.push('bulk', [new Uint8Array(5_000)]))
})

test('FrameQueue: bounds messages without bytes', () => {
  const queue = createQueue(10_000)
  let accepted = 0
  while (queue.push('bulk', []) && accepted < 1_000) accepted++
  assert.ok(accepted > 0 && accepted < 1_000, `${accepted}`)
})

test('FrameQueue: keeps room for the priority lane when bulk has filled its own', () => {
  const queue = createQueue(16_000)
  while (queue.push('bulk', [new Uint8Array(100)]));
  assert.ok(queue.push('priority', [new Uint8Array(100)]))
  assert.ok(queue.pushControl('ping', new Uint8Array(0)))
})

test('FrameQueue: says goodbye after everything queued, and takes nothing more', () => {
  const queue = createQueue()
  queue.push('bulk', [new Uint8Array(MAX_FRAME_PAYLOAD + 1)])
  queue.push('priority', [new Uint8Array(2)])
  queue.finish(new Uint8Array(3))
  queue.finish(new Uint8Array(4))
  assert.ok(!queue.push('priority', []))
  assert.ok(!queue.pushControl('ping', new Uint8Array(0)))
  assert.deepEqual(read(takeAll(queue)), ['p2', `b${MAX_FRAME_PAYLOAD + 1}`, 'goodbye3'])
})

test('FrameQueue: refuses to carry a message that no peer would take', () => {
  assert.throws(() => createQueue(64 * 1024 * 1024).push('bulk', [new Uint8Array(11 * 1024 * 1024)]), /at most/)
})

test('FrameQueue: takes normal before bulk, and lets bulk through once in a while', () => {
  const queue = createQueue()
  for (let i = 0; i < 20; i++) {
    queue.push('bulk', [new Uint8Array(i)])
    queue.push('normal', [new Uint8Array(i)])
  }
  queue.push('priority', [new Uint8Array(1)])
  const seen = read(takeAll(queue))
  assert.equal(seen[0], 'p1')
  assert.deepEqual(
    seen.slice(1, 19).map((each) => each[0]),
    Array.from('nnnnnnnnbnnnnnnnnb'),
  )
  assert.equal(seen.length, 41)
})

test('FrameQueue: lets nobody fill more than a share of it, and gives room back when it is taken', () => {
  const queue = createQueue()
  const share = { id: 3, maxQueueBytes: 1_000 }
  assert.ok(queue.push('normal', [new Uint8Array(600)], share))
  assert.ok(!queue.push('normal', [new Uint8Array(600)], share))
  assert.ok(queue.push('normal', [new Uint8Array(600)], { id: 4, maxQueueBytes: 1_000 }))
  assert.ok(queue.push('normal', [new Uint8Array(600)]))
  takeAll(queue)
  assert.ok(queue.push('normal', [new Uint8Array(600)], share))
})

/** An acknowledgement of so many bytes, as the peer's queue would send it. */
function ack(total: number): Uint8Array {
  const queue = createQueue()
  queue.acknowledge(total)
  return (queue.take(1) as Uint8Array).subarray(4)
}

function sizeOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

test('FrameQueue: keeps no more of bulk under way than its window, normal goes on in the rest of it, and priority always', () => {
  const queue = createQueue(16 * 1024 * 1024)
  for (let i = 0; i < 4; i++) queue.push('bulk', [new Uint8Array(1024 * 1024)])
  const bulk = sizeOf(takeAll(queue))
  assert.ok(bulk >= LINK_BULK_WINDOW_BYTES && bulk < LINK_BULK_WINDOW_BYTES + MAX_FRAME_SIZE, `${bulk}`)
  for (let i = 0; i < 2; i++) queue.push('normal', [new Uint8Array(1024 * 1024)])
  const all = bulk + sizeOf(takeAll(queue))
  assert.ok(all >= LINK_WINDOW_BYTES && all < LINK_WINDOW_BYTES + MAX_FRAME_SIZE, `${all}`)
  queue.push('priority', [new Uint8Array(100_000)])
  queue.pushControl('ping', new Uint8Array(0))
  assert.deepEqual(read(takeAll(queue)), ['p100000', 'ping0'])
  assert.ok(!queue.isEmpty)
  // What the peer has read makes room for as much.
  queue.acknowledged(ack(bulk))
  const more = sizeOf(takeAll(queue))
  assert.ok(more > 0 && more <= bulk + MAX_FRAME_SIZE, `${more}`)
  queue.acknowledged(ack(all + more))
  assert.ok(sizeOf(takeAll(queue)) > 0)
})

test('FrameQueue: refuses acknowledgements of what was not sent, and those that go back', () => {
  const queue = createQueue()
  queue.push('normal', [new Uint8Array(1000)])
  queue.push('priority', [new Uint8Array(1000)])
  takeAll(queue)
  assert.throws(() => queue.acknowledged(ack(1005)), /acknowledged 1005 bytes, of 1004 sent/)
  queue.acknowledged(ack(1004))
  assert.throws(() => queue.acknowledged(ack(1003)), /acknowledged 1003 bytes/)
  assert.throws(() => queue.acknowledged(Uint8Array.of(1, 1)), { name: 'WireError' })
})

test('FrameQueue: sends one acknowledgement, the last, ahead of everything else', () => {
  const queue = createQueue()
  queue.push('priority', [Uint8Array.of(9)])
  queue.acknowledge(300)
  queue.acknowledge(70_000)
  assert.equal(queue.take(1)?.toHex(), '15000003f0a204' + '1000000109')
  assert.equal(queue.take(1), undefined)
})

test('FrameQueue: lets all leave when it ends: nothing is to come that could be held up', () => {
  const queue = createQueue(16 * 1024 * 1024)
  for (const lane of ['bulk', 'normal'] as const) queue.push(lane, [new Uint8Array(2 * 1024 * 1024)])
  queue.finish(new Uint8Array(0))
  assert.deepEqual(read(takeAll(queue)), ['n2097152', 'b2097152', 'goodbye0'])
  assert.ok(queue.isEmpty)
})
