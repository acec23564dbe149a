/** What an actor needs that stands between others and something with turns and faults of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineActor, Soon } from '../../src/actor/index.ts'
import type { ActorContext } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

/** A loop that gathers what is to run in its next turn. */
class HandLoop {
  #gathered: (() => void)[] = []

  readonly beforeTurn = (run: () => void): void => void this.#gathered.push(run)

  get waiting(): number {
    return this.#gathered.length
  }

  turn(): void {
    const gathered = this.#gathered
    this.#gathered = []
    for (const run of gathered) run()
  }
}

test('handleIn: messages are handled in the turns given, those that come meanwhile in the next one', async () => {
  const stage = new Stage()
  const loop = new HandLoop()
  const handled: number[] = []
  const ref = stage.system.spawn(
    defineActor({
      start: (context: ActorContext) => {
        context.handleIn(loop.beforeTurn)
        return {
          add: (value: number) => {
            handled.push(value)
            if (value < 100) ref.cast('add', value + 100)
          },
        }
      },
    }),
  )
  await stage.rest()
  for (let i = 0; i < 40; i++) ref.cast('add', i)
  await stage.rest()
  assert.deepEqual([handled.length, loop.waiting], [0, 1])
  loop.turn()
  assert.ok(handled.length >= 40 && handled.length < 80, 'its own messages did not keep the turn from ending')
  assert.equal(loop.waiting, 1)
  loop.turn()
  assert.deepEqual(handled, [...Array(40).keys(), ...Array.from({ length: 40 }, (_, i) => i + 100)])
  assert.equal(loop.waiting, 0)
})

test('handleIn: one that has begun late, and has no messages, takes no turns', () => {
  const stage = new Stage()
  const loop = new HandLoop()
  const begun = new Soon<object>()
  stage.system.spawn(
    defineActor({
      start: (context: ActorContext) => {
        context.handleIn(loop.beforeTurn)
        return begun
      },
    }),
  )
  stage.clock.settle()
  begun.answer({})
  stage.clock.settle()
  for (let turns = 0; loop.waiting > 0; turns++) {
    assert.ok(turns < 2)
    loop.turn()
  }
})

test('handleIn: a turn of a former life handles nothing of the next one, which is woken all the same', async () => {
  const stage = new Stage()
  const loops: HandLoop[] = []
  const handled: string[] = []
  const ref = stage.system.spawn(
    defineActor({
      start: (context: ActorContext) => {
        const loop = new HandLoop()
        loops.push(loop)
        context.handleIn(loop.beforeTurn)
        const life = loops.length
        return {
          note: (what: string) => void handled.push(`${what} in ${life}`),
          fail: () => context.fail(new Error('broken')),
        }
      },
    }),
  )
  await stage.rest()
  ref.cast('fail')
  loops[0]?.turn()
  ref.cast('note', 'a')
  await stage.pass(1_000)
  assert.equal(loops.length, 2)
  ref.cast('note', 'b')
  loops[0]?.turn()
  assert.deepEqual(handled, [])
  loops[1]?.turn()
  assert.deepEqual(handled, ['a in 2', 'b in 2'])
})

test('reserve: named messages find room that a flood of others has not', async () => {
  const stage = new Stage()
  const ref = stage.system.spawn(defineActor({ start: () => ({ data: () => {}, manage: () => {} }) }), {
    mailboxCapacity: 5,
    reserve: { messages: ['manage'], room: 2 },
  })
  const taken = (message: 'data' | 'manage', times: number): number =>
    Array.from({ length: times }, () => ref.trySend(message)).filter(Boolean).length
  assert.deepEqual([taken('data', 10), taken('manage', 10), taken('data', 1)], [5, 2, 0])
  await stage.rest()
  assert.deepEqual([taken('manage', 10), taken('data', 10)], [7, 0])
})

test('keepsMessages false: what waits when a life ends is refused, and whoever gave it away is told', async () => {
  const stage = new Stage()
  const dropped: unknown[] = []
  const handled: string[] = []
  const ref = stage.system.spawn(
    defineActor({
      start: () => ({
        fail: () => {
          throw new Error('broken')
        },
        note: (what: string) => void handled.push(what),
      }),
    }),
    {
      keepsMessages: false,
      onDropped: (message, body) => {
        dropped.push([message, body])
        throw new Error('of the program')
      },
    },
  )
  await stage.rest()
  ref.cast('fail')
  ref.cast('note', 'a')
  const asked = watch(ref.call('note', 'b'))
  await stage.rest()
  assert.deepEqual([dropped, codeOf(asked)], [[['note', 'a']], 'DOWN'])
  await stage.pass(1_000)
  ref.cast('note', 'c')
  await stage.rest()
  assert.deepEqual(handled, ['c'])
})

test('onDropped: an actor that ends for good tells of what it had taken', async () => {
  const stage = new Stage()
  const dropped: string[] = []
  const held = Promise.withResolvers<void>()
  const ref = stage.system.spawn(defineActor({ start: () => ({ wait: () => held.promise, note: (_what: number) => {} }) }), {
    shutdownMs: 50,
    onDropped: (message, body) => void dropped.push(`${message} ${String(body)}`),
  })
  ref.cast('wait')
  await stage.rest()
  ref.cast('note', 1)
  ref.cast('note', 2)
  const gone = watch(ref.stop())
  await stage.pass(50)
  assert.deepEqual([gone.settled, dropped], [true, ['note 1', 'note 2']])
})

test('mayRestart: after some failures a child is gone for good, and after others it is started again', async () => {
  const stage = new Stage({ mayRestart: (error) => error.message !== 'corrupt' })
  let lives = 0
  const ref = stage.system.spawn(
    defineActor({
      start: () => {
        lives++
        return {
          fail: (words: string) => {
            throw new Error(words)
          },
        }
      },
    }),
  )
  ref.cast('fail', 'passing')
  await stage.pass(1_000)
  assert.equal(lives, 2)
  ref.cast('fail', 'corrupt')
  await stage.pass(600_000)
  assert.deepEqual([lives, ref.trySend('fail', 'again')], [2, false])
  assert.equal(stage.events.at(-1)?.event, 'given-up')
})

test('fail: ends a life that waits for its own handler, and does nothing to a later one', async () => {
  const stage = new Stage()
  const contexts: ActorContext[] = []
  const ref = stage.system.spawn(
    defineActor({
      start: (context: ActorContext) => {
        contexts.push(context)
        return { wait: () => new Promise<void>(() => {}), echo: (what: string) => what }
      },
    }),
  )
  const waiting = watch(ref.call('wait'))
  await stage.rest()
  contexts[0]?.fail(new Error('the disk is gone'))
  await stage.rest()
  assert.equal(codeOf(waiting), 'CRASHED')
  await stage.pass(1_000)
  contexts[0]?.fail(new Error('again'))
  await stage.rest()
  const answered = watch(ref.call('echo', 'x'))
  await stage.rest()
  assert.deepEqual([contexts.length, answered.value], [2, 'x'])
})

test('start and stop: may answer by a Soon, at once or when it comes, and then nothing waits for a promise', () => {
  const stage = new Stage()
  interface Notes {
    note(what: string): void
  }
  const starts: Soon<Notes>[] = []
  const stops: Soon<void>[] = []
  const handled: string[] = []
  const handlers: Notes = { note: (what) => void handled.push(what) }
  const definition = defineActor({
    start: () => {
      const later = new Soon<Notes>()
      starts.push(later)
      if (starts.length === 1) later.answer(handlers)
      return later
    },
    stop: () => {
      const later = new Soon<void>()
      stops.push(later)
      return later
    },
  })
  const quick = stage.system.spawn(definition)
  quick.cast('note', 'a')
  stage.clock.settle()
  assert.deepEqual(handled, ['a'])
  const slow = stage.system.spawn(definition)
  slow.cast('note', 'b')
  stage.clock.settle()
  assert.deepEqual(handled, ['a'])
  starts[1]?.answer(handlers)
  stage.clock.settle()
  assert.deepEqual(handled, ['a', 'b'])
  let ended = false
  stage.system.end(() => (ended = true))
  stage.clock.settle()
  stops[0]?.answer()
  stage.clock.settle()
  assert.equal(ended, false)
  stops[1]?.refuse(new Error('it would not'))
  stage.clock.settle()
  assert.deepEqual([ended, stage.events.at(-1)?.event], [true, 'stop-failed'])
})

test('start: one that a Soon refuses has failed, and is tried again', () => {
  const stage = new Stage()
  const starts: Soon<object>[] = []
  stage.system.spawn(
    defineActor({
      start: () => {
        const later = new Soon<object>()
        starts.push(later)
        return later
      },
    }),
  )
  stage.clock.settle()
  starts[0]?.refuse(new Error('not yet'))
  stage.clock.settle()
  assert.equal(stage.system.snapshot()[0]?.phase, 'down')
  stage.clock.advance(1_000)
  starts[1]?.answer({})
  stage.clock.settle()
  assert.equal(stage.system.snapshot()[0]?.phase, 'running')
})
