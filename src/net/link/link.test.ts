import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import { LINK_ACK_BYTES, LINK_WINDOW_BYTES, MAX_FRAME_SIZE } from '../../limits.ts'
import type { Claims, Clock, LinkEnd } from '../../ports/index.ts'
import { ByteReader, FrameDecoder, FrameQueue } from '../../wire/index.ts'
import { Link } from './link.ts'
import type { LinkOwner } from './link.ts'

const CLAIMS: Claims = { nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 }
const QUEUE_BYTES = 16 * 1024 * 1024

/** Time that passes when a test says so. */
class ManualClock implements Clock {
  readonly timers = new Set<() => void>()
  now = (): number => 0
  defer = (run: () => void): void => void setImmediate(run)
  setTimer(_delayMs: number, run: () => void): { cancel: () => void } {
    this.timers.add(run)
    return { cancel: () => void this.timers.delete(run) }
  }
  /** Until all that waits is due. */
  pass(): void {
    for (const run of [...this.timers]) run()
    this.timers.clear()
  }
}

class Owner implements LinkOwner {
  readonly received: number[] = []
  readonly ends: string[] = []
  message(_link: Link, bytes: Uint8Array): void {
    this.received.push(bytes.length)
  }
  claimed(): void {}
  ended(_link: Link, end: LinkEnd, error: Error | undefined): void {
    this.ends.push(`${end} ${(error as { code?: string } | undefined)?.code ?? ''}`.trim())
  }
}

interface End {
  readonly link: Link
  readonly owner: Owner
  readonly clock: ManualClock
}

function linkOver(socket: Duplex): End {
  const [owner, clock] = [new Owner(), new ManualClock()]
  const terms = { version: 2, features: 0, epoch: '00' }
  const peer = { endpointId: 'peer', instance: '00', claims: CLAIMS, saidClaims: CLAIMS, ...terms }
  return { link: new Link({ socket, peer, outbound: true, owner, clock, maxQueueBytes: QUEUE_BYTES }), owner, clock }
}

/** Turns of the event loop, until streams in memory have nothing more to pass on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await new Promise(setImmediate)
}

function frames(fill: (queue: FrameQueue) => void): Uint8Array {
  const queue = new FrameQueue(QUEUE_BYTES, (size) => new Uint8Array(size))
  fill(queue)
  return queue.take(1_000_000) ?? new Uint8Array(0)
}

test('Link: acknowledges what it read, so that any amount passes in both directions at once', async () => {
  const [near, far] = duplexPair()
  const [a, b] = [linkOver(near), linkOver(far)]
  const size = 100_000
  const count = Math.ceil((4 * LINK_WINDOW_BYTES) / size)
  for (const { link } of [a, b]) {
    for (let i = 0; i < count; i++) assert.ok(link.send([new Uint8Array(size)], i % 2 === 0 ? 'normal' : 'bulk'))
  }
  await settle()
  for (const { owner } of [a, b]) {
    assert.deepEqual(
      owner.received,
      Array.from({ length: count }, () => size),
    )
    assert.deepEqual(owner.ends, [])
  }
})

test('Link: acknowledges nothing that it has not read, and lags behind what it read by less than a step', async () => {
  const [near, far] = duplexPair()
  const { owner } = linkOver(near)
  let acknowledged = 0
  let written = 0
  const decoder = new FrameDecoder({
    message: () => undefined,
    control: (kind, bytes) => {
      assert.equal(kind, 'ack')
      const reader = new ByteReader(bytes, 'acknowledgement')
      acknowledged = reader.varint()
      assert.ok(acknowledged <= written, `${acknowledged} of ${written} bytes`)
    },
  })
  far.on('data', (chunk: Uint8Array) => assert.equal(decoder.push(chunk), undefined))
  for (const size of [10, 5_000, 70_000, 30_000, 1, 64_000, 64_000]) {
    const bytes = frames((queue) => queue.push('normal', [new Uint8Array(size)]))
    written += bytes.length
    far.write(bytes)
    // The window does not count priority: it may always leave.
    far.write(frames((queue) => queue.push('priority', [new Uint8Array(size)])))
    await settle()
    assert.ok(written - acknowledged < LINK_ACK_BYTES, `${acknowledged} of ${written} bytes`)
  }
  assert.ok(acknowledged > 0)
  assert.deepEqual(owner.ends, [])
})

test('Link: keeps to its window while nothing is acknowledged, goes on speaking, and ends when acknowledged too much', async () => {
  const [near, far] = duplexPair()
  const { link, owner } = linkOver(near)
  const seen: string[] = []
  let read = 0
  const decoder = new FrameDecoder({
    message: (lane, bytes) => seen.push(`${lane} ${bytes.length}`),
    control: (kind) => seen.push(kind),
    counted: (bytes) => (read += bytes),
  })
  far.on('data', (chunk: Uint8Array) => assert.equal(decoder.push(chunk), undefined))
  for (let i = 0; i < 20; i++) assert.ok(link.send([new Uint8Array(100_000)], 'normal'))
  await settle()
  assert.ok(read >= LINK_WINDOW_BYTES && read < LINK_WINDOW_BYTES + MAX_FRAME_SIZE, `${read} bytes under way`)
  seen.length = 0
  assert.ok(link.send([new Uint8Array(7)], 'priority'))
  link.probe()
  await settle()
  assert.deepEqual(seen, ['priority 7', 'ping'])
  far.write(frames((queue) => queue.acknowledge(read)))
  await settle()
  assert.ok(read > LINK_WINDOW_BYTES + MAX_FRAME_SIZE, 'what is acknowledged makes room')
  far.write(frames((queue) => queue.acknowledge(read + 1)))
  await settle()
  assert.deepEqual(owner.ends, ['lost MALFORMED'])
  assert.ok(near.closed)
})

test('Link: begins with a whole window, whatever was under way on the one before', async () => {
  const [lost] = duplexPair()
  const { link } = linkOver(lost)
  for (let i = 0; i < 10; i++) assert.ok(link.send([new Uint8Array(100_000)], 'normal'))
  await settle()
  link.abandon(new Error('moved'), 'moved')
  const [near, far] = duplexPair()
  const [a, b] = [linkOver(near), linkOver(far)]
  for (let i = 0; i < 20; i++) assert.ok(a.link.send([new Uint8Array(100_000)], 'normal'))
  await settle()
  assert.equal(b.owner.received.length, 20)
})

test('Link: is gone a second after either end said goodbye, though the other end reads nothing', async () => {
  for (const by of ['this end', 'the other end']) {
    const [near, far] = duplexPair()
    const { link, owner, clock } = linkOver(near)
    while (link.backlogBytes < 2 * LINK_WINDOW_BYTES) assert.ok(link.send([new Uint8Array(100_000)], 'normal'))
    await settle()
    if (by === 'this end') link.finish()
    else far.write(frames((queue) => queue.finish(new Uint8Array(0))))
    await settle()
    assert.deepEqual(owner.ends, ['graceful'], by)
    assert.equal(near.closed, false, `said by ${by}: what waits may still leave`)
    clock.pass()
    await settle()
    assert.ok(near.closed, `said by ${by}: the second is over`)
    assert.equal(clock.timers.size, 0)
  }
})

test('Link: ends once, and keeps no timer, whichever way its connection ends', async () => {
  const ways: Readonly<Record<string, (far: Duplex, near: Duplex) => void>> = {
    'lost ABORTED': (far) => far.end(),
    'lost EPIPE': (_far, near) => near.destroy(Object.assign(new Error('write'), { code: 'EPIPE' })),
    'lost MALFORMED': (far) => far.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
    graceful: (far) => far.end(frames((queue) => queue.finish(new Uint8Array(0)))),
  }
  for (const [end, happen] of Object.entries(ways)) {
    const [near, far] = duplexPair()
    far.on('error', () => undefined)
    const { link, owner, clock } = linkOver(near)
    happen(far, near)
    far.resume()
    await settle()
    assert.deepEqual(owner.ends, [end])
    link.finish()
    link.keepAlive()
    await settle()
    assert.deepEqual(owner.ends, [end])
    assert.ok(near.closed, end)
    assert.equal(clock.timers.size, 0, end)
    assert.equal(link.send([Uint8Array.of(1)], 'normal'), false)
  }
})

test('Link: a peer that asks for signs of life and reads none makes it hold one', async () => {
  const [near, far] = duplexPair()
  const { link, owner } = linkOver(near)
  for (let i = 0; i < 8; i++) link.send([new Uint8Array(50_000)], 'priority')
  await settle()
  const before = link.backlogBytes
  far.write(Buffer.alloc(4 * 100_000, Uint8Array.fromHex('12000000')))
  await settle()
  assert.ok(link.backlogBytes - before < 100, `${link.backlogBytes - before} bytes`)
  assert.deepEqual(owner.ends, [])
})
