/** Peers that say what they may not, or take nothing: the node goes on, and what they cost it is bounded. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor, Later, Refusal } from '../../src/actor/index.ts'
import { costOf } from '../../src/actor/remote/credit.ts'
import { NO_FACTS } from '../../src/actor/remote/statements.ts'
import {
  writeAnswer,
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
import { encodePlainData } from '../../src/actor/plain-data/index.ts'
import { ByteWriter, pick, Prng, randomBetween } from '../../src/lib/index.ts'
import { volume } from '../volume.ts'
import { RemotePeer } from './remote-peer.ts'
import type { Said } from './remote-peer.ts'
import { codeOf, watch } from './stage.ts'

const NULL = encodePlainData(null)

class Sink {
  taken = 0
  held: (() => void)[] = []
  take(_value: unknown): void {
    this.taken++
  }
  hold(_value: unknown): Promise<void> {
    return new Promise((resolve) => this.held.push(resolve))
  }
  keep(_value: unknown): Later<string> {
    return new Later<string>()
  }
  refuse(words: string): never {
    throw new Refusal(words)
  }
  big(_value: unknown): Uint8Array {
    return new Uint8Array(500_000)
  }
}

function peer(): { readonly peer: RemotePeer; readonly sink: Sink } {
  const it = new RemotePeer()
  const sink = new Sink()
  it.system.spawn(defineActor<Sink>({ start: () => sink }), { registerAs: 'sink', mailboxCapacity: 10 })
  it.clock.settle()
  it.greet()
  return { peer: it, sink }
}

type Statement = (writer: ByteWriter) => void

function written(...statements: readonly Statement[]): Uint8Array {
  const writer = new ByteWriter()
  for (const write of statements) write(writer)
  return writer.finish()
}

const open: Statement = (writer) => writeOpen(writer, 1, 'sink')
const cast =
  (message = 'take', body = NULL): Statement =>
  (writer) =>
    writeCast(writer, 1, message, body)
const call =
  (id: number, message = 'take', body = NULL): Statement =>
  (writer) =>
    writeCall(writer, { stream: 1, id, remainingMs: 60_000, message, body })

describe('a peer', () => {
  const offences: readonly (readonly [name: string, offence: readonly Statement[], words: RegExp])[] = [
    ['garbage', [(w) => w.u8(0xff)], /ends too early/],
    ['a kind that must be understood', [(w) => w.u8(0x63)], /kind 99/],
    ['a body that is no plain data', [open, cast('take', Uint8Array.of(99))], /99 is no form/],
    ['a body of a call that is none', [open, call(1, 'take', Uint8Array.of(1, 1))], /1 bytes too many/],
    ['an answer to a call that was never made', [(w) => writeAnswer(w, 1, NULL)], /call 1, which is not open/],
    [
      'a refusal of a call that was never made',
      [(w) => writeRefusal(w, 9, { code: 'DOWN', begun: false, words: '', facts: NO_FACTS })],
      /call 9/,
    ],
    ['credit that nobody has used', [(w) => writeCredit(w, 1, 1, 0)], /credit for 1 messages/],
    ['a message on a stream that is not open', [cast()], /stream 1, which is not open/],
    ['a stream twice', [open, open], /stream 1 is opened, behind 1/],
    ['a closed stream', [open, (w) => writeClose(w, 1), cast()], /stream 1, which is not open/],
    ['a call twice', [open, call(1), call(1)], /call 1 behind call 1/],
    ['news of an actor that nobody watches', [(w) => writeLives(w, 5, null)], /stream 5, which was never opened/],
    ['another hello', [(w) => writeHello(w, { talk: 5, heard: 5, creditMessages: 1, creditBytes: 1 })], /another hello/],
    ['a name that is none', [(w) => writeOpen(w, 1, 'a b')], /name of an actor is none/],
    ['a group that is none', [(w) => writeGroup(w, '/', 'a', true)], /name of a group is none/],
  ]
  for (const [name, offence, words] of offences)
    test(`that says ${name} is told why, logged, and not heard before its next link`, () => {
      const { peer: it, sink } = peer()
      it.say(...offence)
      const bye = it.said().at(-1)
      assert.equal(bye?.[0], 'bye')
      assert.match(String(bye?.[1]), words)
      assert.match(it.logged.join(), words)
      assert.deepEqual(it.refused, ['cut_off'])
      const { taken } = sink
      it.say(open, call(7), (w) => writeHello(w, { talk: 6, heard: 0, creditMessages: 1, creditBytes: 1 }))
      assert.deepEqual(it.kinds(), [])
      assert.equal(sink.taken, taken)
      it.unlink()
      it.link()
      it.greet()
      it.say(open, call(1))
      assert.deepEqual(it.kinds(), ['answer', 'credit'])
      assert.equal(sink.taken, taken + 1)
    })

  test('is not heard before it has repeated what this node said: that is of a former talk', () => {
    const it = new RemotePeer()
    const sink = new Sink()
    it.system.spawn(defineActor<Sink>({ start: () => sink }), { registerAs: 'sink' })
    it.say((w) => writeHello(w, { talk: 9, heard: 8, creditMessages: 1, creditBytes: 1 }), open, cast())
    assert.deepEqual(it.kinds(), ['hello', 'hello'])
    it.greet({}, 1)
    it.say(open, cast())
    assert.equal(sink.taken, 1)
  })

  test('that says hello without end is cut off', () => {
    const it = new RemotePeer()
    for (let i = 1; i <= 40; i++) it.say((w) => writeHello(w, { talk: i, heard: 0, creditMessages: 1, creditBytes: 1 }))
    const kinds = it.kinds()
    assert.equal(kinds.at(-1), 'bye')
    assert.ok(kinds.length <= 34)
  })

  test('that opens streams without end is cut off', () => {
    const { peer: it } = peer()
    for (let i = 1; i <= 1_001; i++) it.say((w) => writeOpen(w, i, `name-${i}`))
    assert.deepEqual(it.kinds(), ['bye'])
  })

  test('that ignores credit is refused and counted, and what it has here stays within its credit', () => {
    const { peer: it, sink } = peer()
    it.say(open, call(1, 'hold'))
    for (let i = 0; i < 2_000; i++) it.say(cast())
    for (let i = 2; i < 1_000; i++) it.say(call(i))
    assert.equal(it.refused.length, 1_000 + 998)
    const said = it.said()
    assert.deepEqual([...new Set(said.map(([kind]) => kind))].toSorted(), ['credit', 'refusal'])
    assert.equal(said.filter(([kind]) => kind === 'refusal').length, 998)
    assert.equal(it.system.snapshot()[0]?.depth, 10)
    sink.held[0]?.()
  })

  test('that ignores credit for bytes is refused, for one actor and for all together', () => {
    const { peer: it } = peer()
    const large = encodePlainData(new Uint8Array(400_000))
    it.say(open, call(1, 'hold'), call(2, 'take', large), call(3, 'take', large))
    assert.equal(it.refused.length, 0)
    it.say(call(4, 'take', large))
    assert.equal(it.refused.length, 1)
    for (let stream = 2; stream < 40; stream++) {
      it.system.spawn(defineActor<Sink>({ start: () => new Sink() }), { registerAs: `sink-${stream}` })
      it.say((w) => writeOpen(w, stream, `sink-${stream}`))
      it.say((w) => writeCast(w, stream, 'hold', NULL))
      for (let i = 0; i < 2; i++) it.say((w) => writeCast(w, stream, 'take', large))
    }
    const held = 2 * 39 - (it.refused.length - 1)
    assert.ok(held * 400_000 <= 8 * 1024 * 1024 && held >= 18, `${held} of them are held`)
  })

  test('whose calls are never answered is refused more of them, and its credit comes back', () => {
    const { peer: it } = peer()
    it.say(open)
    for (let i = 1; i <= 10_000; i++) it.say(call(i, 'keep'))
    it.said()
    it.say(call(10_001, 'keep'))
    const words = '10000 calls of one node are open already: it was not handled'
    assert.deepEqual(it.said(), [
      ['refusal', 10_001, { code: 'OVERLOADED', begun: false, words, facts: NO_FACTS }],
      ['credit', 1, 1, costOf(NULL)],
    ])
    // They are forgotten some time after their deadlines.
    it.clock.advance(140_000)
    it.say(call(10_002))
    assert.deepEqual(it.kinds().toSorted(), ['answer', 'credit'])
  })

  test('that takes no answers costs no more than a bound, and is given up beyond it', () => {
    const { peer: it } = peer()
    it.say(open)
    it.isFull = true
    for (let i = 1; i <= 100; i++) it.say(call(i, 'big'))
    it.isFull = false
    it.clock.advance(10)
    const said = it.said()
    const answers = said.filter(([kind]) => kind === 'answer').length
    assert.ok(answers >= 16 && answers <= 20, `${answers} answers of half a megabyte were kept`)
    const refusals = said.filter(([kind]) => kind === 'refusal')
    assert.equal(refusals.length, 100 - answers)
    const words = 'it was handled, but the link has no room for its answer: its caller reads too slowly'
    assert.deepEqual(refusals[0], ['refusal', answers + 1, { code: 'OVERLOADED', begun: true, words, facts: NO_FACTS }])
  })

  test('that takes nothing at all is given up when it has brought about more than is kept', () => {
    const { peer: it } = peer()
    it.say(open)
    it.isFull = true
    const words = encodePlainData('\u{ffff}'.repeat(250))
    for (let i = 0; i < 25_000; i += 500) it.say(...Array.from({ length: 500 }, (_, at) => call(i + at + 1, 'refuse', words)))
    assert.match(it.logged.join(), /^it does not take what it asked for$/)
    it.isFull = false
    it.clock.advance(100)
    assert.deepEqual(it.kinds(), [])
  })

  test('that has no room for requests: they wait, or are refused, and leave in order when it has', async () => {
    const { peer: it } = peer()
    const remote = it.system.remote<Sink>(2, 'far')
    it.isFull = true
    remote.cast('take', 0)
    it.clock.settle()
    assert.equal(remote.trySend('take', 1), false)
    const waiting = watch(remote.call('take', 2))
    const sending = watch(remote.send('take', 3))
    it.isFull = false
    it.clock.advance(10)
    await it.rest()
    assert.deepEqual([waiting.settled, sending.settled], [false, true])
    assert.deepEqual(it.kinds(), ['open', 'cast', 'call', 'cast'])
  })

  test('with little credit gets no more than that, one larger message aside', async () => {
    const it = new RemotePeer()
    it.greet({ creditMessages: 2, creditBytes: 1_200 })
    const remote = it.system.remote<Sink>(2, 'far')
    assert.equal(remote.trySend('take', new Uint8Array(5_000)), true)
    assert.equal(remote.trySend('take', 1), false)
    const sending = [watch(remote.send('take', 1)), watch(remote.send('take', 2)), watch(remote.send('take', 3))]
    it.said()
    it.say((w) => writeCredit(w, 1, 1, 5_515))
    await it.rest()
    assert.deepEqual(it.kinds(), ['cast', 'cast'])
    assert.deepEqual(
      sending.map(({ settled }) => settled),
      [true, true, false],
    )
  })

  test('with credit for a small message, but not for the large one that came first, gets neither', () => {
    const it = new RemotePeer()
    it.greet({ creditBytes: 1_130 })
    const remote = it.system.remote<Sink>(2, 'far')
    assert.equal(remote.trySend('take', new Uint8Array(50)), true)
    watch(remote.send('take', new Uint8Array(90)))
    assert.equal(remote.trySend('take', 1), false)
    assert.deepEqual(it.kinds(), ['open', 'cast'])
    it.say((w) => writeCredit(w, 1, 1, 564))
    assert.deepEqual(it.kinds(), ['cast'])
    assert.equal(remote.trySend('take', 1), true)
  })

  test('that never gives credit back: what waits is bounded, and settled in time', async () => {
    const it = new RemotePeer()
    it.greet({ creditMessages: 1 })
    const remote = it.system.remote<Sink>(2, 'far')
    const calls = Array.from({ length: 10_003 }, () => watch(remote.call('take', 1, { timeoutMs: 1_000 })))
    await it.rest()
    assert.deepEqual(calls.slice(-3).map(codeOf), [undefined, 'OVERLOADED', 'OVERLOADED'])
    it.clock.advance(1_000)
    await it.rest()
    assert.ok(calls.every(({ settled }) => settled))
    const begun = calls.map(({ error }) => (error as { begun?: boolean }).begun)
    assert.deepEqual([begun[0], begun[1]], [true, false])
    assert.equal(codeOf(watch(remote.send('take', 1))), undefined)
  })

  test('that leaves all calls open that there may be: others leave when those are given up', async () => {
    const it = new RemotePeer()
    it.greet({ creditMessages: 1_000_000, creditBytes: 60_000_000 })
    const remote = it.system.remote<Sink>(2, 'far')
    for (let i = 0; i < 10_000; i++) watch(remote.call('take', 1, { timeoutMs: 10 }))
    const last = watch(remote.call('take', 2, { timeoutMs: 1_000 }))
    it.said()
    it.clock.advance(20)
    await it.rest()
    const said = it.said()
    assert.deepEqual([said.map(([kind]) => kind), last.settled], [['call'], false])
    const [[, left]] = said as [Said]
    const { id } = left as { readonly id: number }
    it.say((w) => writeAnswer(w, id, NULL))
    await it.rest()
    assert.equal(last.value, null)
  })

  test('may answer late once, and no more', async () => {
    const { peer: it } = peer()
    const remote = it.system.remote<Sink>(2, 'far')
    watch(remote.call('take', 1, { timeoutMs: 10 }))
    it.clock.advance(20)
    await it.rest()
    it.said()
    it.say((w) => writeAnswer(w, 1, NULL))
    assert.deepEqual(it.kinds(), [])
    it.say((w) => writeAnswer(w, 1, NULL))
    assert.deepEqual(it.kinds(), ['bye'])
  })

  test('may say anything of a refusal but what an error has of itself', async () => {
    const { peer: it } = peer()
    const remote = it.system.remote<Sink>(2, 'far')
    const call = watch(remote.call('take', 1))
    it.said()
    const members = JSON.parse('{"__proto__":{"evil":1},"message":"x","stack":7,"cause":8,"code":"FULL"}') as object
    it.say((w) =>
      writeRefusal(w, 1, { code: 'REFUSED', begun: true, words: 'no', facts: encodePlainData({ name: 'Full', members }) }),
    )
    await it.rest()
    const { error } = call
    assert.ok(error instanceof Refusal && Object.getPrototypeOf(error) === Refusal.prototype)
    assert.deepEqual([error.name, error.message, error.cause, typeof error.stack], ['Full', 'no', undefined, 'string'])
    assert.equal((error as { code?: unknown }).code, 'FULL')
    watch(remote.call('take', 1))
    it.say((w) => writeRefusal(w, 2, { code: 'REFUSED', begun: true, words: 'no', facts: Uint8Array.of(99) }))
    assert.equal(it.kinds().at(-1), 'bye')
  })

  test('whose talk is cut off leaves no call open', async () => {
    const { peer: it } = peer()
    const call = watch(it.system.remote<Sink>(2, 'far').call('take', 1))
    it.say((w) => w.u8(0xff))
    await it.rest()
    assert.equal(codeOf(call), 'UNREACHABLE')
    assert.match(String(call.error?.message), /the talk with the actors of node 2 has been ended/)
  })

  test('of any words: the node neither fails nor stops serving others', () => {
    const random = new Prng(3)
    const statements: readonly Statement[] = [
      open,
      cast(),
      call(1),
      (w) => writeWatch(w, 1, true),
      (w) => writeWatch(w, 1, false),
      (w) => writeClose(w, 1),
      (w) => writeCredit(w, 1, 1, 1),
      (w) => writeAnswer(w, 1, NULL),
      (w) => writeLives(w, 1, null),
      (w) => writeGroup(w, 'g', 'n', true),
      (w) => w.u8(random.nextUint32() & 0xff),
    ]
    const { peer: it, sink } = peer()
    for (let run = 0; run < volume(20_000, 1_000); run++) {
      it.unlink()
      it.link()
      it.greet()
      for (let left = randomBetween(random, 1, 8); left > 0; left--) it.say(pick(random, statements))
      const bytes = [...written(pick(random, statements), pick(random, statements))]
      bytes.splice(randomBetween(random, 0, bytes.length), randomBetween(random, 0, 2), random.nextUint32() & 0xff)
      it.sayBytes(Uint8Array.from(bytes))
      it.said()
    }
    it.unlink()
    it.link()
    it.greet()
    const { taken } = sink
    it.say((w) => writeOpen(w, 1, 'sink'), call(1))
    assert.equal(sink.taken, taken + 1)
  })
})
