/** What the messages of peers take that wait here: as they came, and counted until they are handled, whatever becomes of talks and streams. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor, Later } from '../../src/actor/index.ts'
import { encodePlainData } from '../../src/actor/plain-data/index.ts'
import { HeldBytes } from '../../src/actor/remote/held-bytes.ts'
import { writeCall, writeCast, writeClose, writeOpen } from '../../src/actor/remote/write-statements.ts'
import { ByteWriter } from '../../src/lib/index.ts'
import { MAX_REMOTE_CALL_MS, MAX_REMOTE_PEER_BYTES, MAX_REMOTE_STRANGER_BYTES, MAX_REMOTE_TOTAL_BYTES } from '../../src/limits.ts'
import { RemotePeer } from './remote-peer.ts'
import { codeOf, watch } from './stage.ts'

const MIB = 1024 * 1024
const NULL = encodePlainData(null)
const LARGE = encodePlainData(new Uint8Array(900_000))

/** Stands still at the first message, until it is let go. */
class Slow {
  readonly taken: unknown[] = []
  readonly laters: Later<string>[] = []
  goOn: () => void = () => undefined
  hold(): Promise<void> {
    return new Promise((resolve) => (this.goOn = resolve))
  }
  take(value: unknown): void {
    this.taken.push(value)
  }
  keep(): Later<string> {
    const later = new Later<string>()
    this.laters.push(later)
    return later
  }
}

function slowPeer(): { readonly it: RemotePeer; readonly slow: Slow } {
  const it = new RemotePeer()
  const slow = new Slow()
  it.system.spawn(defineActor<Slow>({ start: () => slow }), { registerAs: 'slow' })
  it.clock.settle()
  it.greet()
  return { it, slow }
}

type Statement = (writer: ByteWriter) => void

const open =
  (stream = 1): Statement =>
  (w) =>
    writeOpen(w, stream, 'slow')
const cast =
  (message: string, body = NULL, stream = 1): Statement =>
  (w) =>
    writeCast(w, stream, message, body)

function relink(it: RemotePeer): void {
  it.unlink()
  it.link()
  it.greet()
}

describe('messages of a peer that wait', () => {
  test('are as they came: one that is no plain data is found out when it is in hand, and not handled', async () => {
    const { it, slow } = slowPeer()
    it.say(open(), cast('hold'), cast('take', Uint8Array.of(99)), cast('take'))
    assert.deepEqual([it.kinds(), it.refused], [['credit'], []])
    slow.goOn()
    await it.rest()
    assert.equal(it.kinds().at(-1), 'bye')
    assert.match(it.logged.join(), /99 is no form/)
    assert.deepEqual([slow.taken, it.refused, it.remoting.held.all], [[null], ['cut_off'], 0])
  })

  test('keep nothing else of what came with them', async () => {
    const { it, slow } = slowPeer()
    it.say(open(), cast('hold'))
    const writer = new ByteWriter()
    cast('take', encodePlainData('as it came'))(writer)
    const bytes = writer.finish()
    it.sayBytes(bytes)
    bytes.fill(0xff)
    slow.goOn()
    await it.rest()
    assert.deepEqual(slow.taken, ['as it came'])
  })

  test('count after their talk: who links anew gets no more room by it, and all of it back when they are handled', async () => {
    const { it, slow } = slowPeer()
    it.say(open(), cast('hold'))
    for (let round = 0; round < 6; round++) {
      for (let stream = 2; stream < 10; stream++) it.say(open(stream), cast('take', LARGE, stream))
      relink(it)
      assert.ok(it.remoting.held.all <= MAX_REMOTE_PEER_BYTES)
    }
    assert.ok(it.remoting.held.all > MAX_REMOTE_PEER_BYTES - 2 ** 20)
    assert.ok(it.refused.length > 20)
    slow.goOn()
    await it.rest()
    assert.equal(it.remoting.held.all, 0)
    const { length } = it.refused
    it.say(open(), cast('take'))
    assert.deepEqual([it.refused.length, it.kinds()], [length, ['credit']])
  })

  test('count after their stream: who opens, sends and closes gets no more room by it', () => {
    const { it } = slowPeer()
    const body = encodePlainData(new Uint8Array(3_000))
    it.say(open(), cast('hold'))
    for (let stream = 2; stream < 6_000; stream++) it.say(open(stream), cast('take', body, stream), (w) => writeClose(w, stream))
    assert.ok(it.refused.length > 500, `${it.refused.length} were refused`)
    assert.ok(it.remoting.held.all <= MAX_REMOTE_PEER_BYTES)
  })

  test('are bounded over all peers together', () => {
    const held = new HeldBytes()
    const size = 1_000_000
    for (let peer = 0; peer < 10; peer++)
      for (let i = 0; i < 10; i++) if (held.mayHold(`peer-${peer}`, size)) held.hold(`peer-${peer}`, size)
    // Whoever comes tenth finds less than one of these, and smaller ones go in.
    assert.ok(held.all <= MAX_REMOTE_TOTAL_BYTES && held.all > MAX_REMOTE_TOTAL_BYTES - 3 * size)
    assert.equal(held.mayHold('peer-9', size), false)
    for (let i = 0; i < 5; i++) held.release('peer-0', size)
    assert.equal(held.mayHold('peer-9', size), true)
  })

  test('leave room to a newcomer, however much those take who came first', () => {
    const held = new HeldBytes()
    const size = 64 * 1024
    const fill = (peer: string): number => {
      let bytes = 0
      for (; held.mayHold(peer, size); bytes += size) held.hold(peer, size)
      return bytes
    }
    const shares = [1, 2, 3, 4, 5, 6].map((n) => fill(`peer-${n}`))
    assert.deepEqual(
      shares.map((bytes) => bytes / MIB),
      [16, 16, 16, 8, 4, 2],
    )
    for (let turns = 0; turns < 8; turns++) {
      assert.ok(held.mayHold(`late-${turns}`, size / 4), `late-${turns}`)
      // Whoever has most gets no more before he holds less.
      assert.equal(held.mayHold('peer-1', size / 4), false)
      held.hold(`late-${turns}`, size / 4)
    }
  })

  test('of keys that belong to no member, however many, leave three quarters of the room to members', () => {
    const held = new HeldBytes((endpointId) => endpointId.startsWith('member'))
    const size = 64 * 1024
    for (let key = 0; key < 500; key++)
      for (let i = 0; i < 40 && held.mayHold(`key-${key}`, size); i++) held.hold(`key-${key}`, size)
    assert.equal(held.all, MAX_REMOTE_STRANGER_BYTES)
    for (const member of ['member-1', 'member-2'])
      for (let i = 0; i < 128; i++) {
        assert.ok(held.mayHold(member, size))
        held.hold(member, size)
      }
  })

  test('of a peer that is bound to no id take the room of strangers only', () => {
    const { it } = slowPeer()
    it.isBound = false
    it.remoting.held.hold('another', MAX_REMOTE_STRANGER_BYTES)
    it.say(open(), cast('hold'))
    assert.deepEqual(it.refused, ['credit'])
    it.isBound = true
    it.say(cast('hold'))
    assert.deepEqual(it.refused, ['credit'])
  })
})

describe('calls of a peer that are answered later', () => {
  const call =
    (id: number, remainingMs: number): Statement =>
    (w) =>
      writeCall(w, { stream: 1, id, remainingMs, message: 'keep', body: NULL })
  const awaited = ({ laters }: Slow): boolean[] => laters.map(({ isAwaited }) => isAwaited)

  test('are let go with their talk', () => {
    const { it, slow } = slowPeer()
    it.say(open(), call(1, 60_000), call(2, 60_000))
    assert.deepEqual(awaited(slow), [true, true])
    it.unlink()
    assert.deepEqual(awaited(slow), [false, false])
    slow.laters[0]?.answer('nobody hears it')
    it.link()
    it.greet()
    assert.deepEqual(it.kinds(), [])
  })

  test('are let go in bounded time, whatever the peer says is left of theirs', () => {
    const { it, slow } = slowPeer()
    it.say(open(), call(1, 2 ** 31 - 1))
    it.clock.advance(MAX_REMOTE_CALL_MS - 1)
    assert.deepEqual(awaited(slow), [true])
    it.clock.advance(MAX_REMOTE_CALL_MS)
    assert.deepEqual(awaited(slow), [false])
  })

  test('are given up by honest callers before that', async () => {
    const { it } = slowPeer()
    const longest = watch(it.system.remote<Slow>(2, 'far').call('take', 1, { timeoutMs: 2 * MAX_REMOTE_CALL_MS }))
    it.clock.advance(MAX_REMOTE_CALL_MS)
    await it.rest()
    assert.equal(codeOf(longest), 'DEADLINE_EXCEEDED')
  })
})
