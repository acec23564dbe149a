import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ActorSystem, defineActor, Later, Refusal } from '../../src/actor/index.ts'
import { Prng } from '../../src/lib/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Counter {
  add(by: number): void
  total(): number
  /** Holds the next message until the gate opens. */
  slow(): Promise<string>
  /** Answers when the gate opens; the mailbox goes on. */
  later(): Later<string>
  refuse(why: string): never
  fail(why: string): never
}

class Gate {
  readonly promise: Promise<void>
  open!: () => void

  constructor() {
    this.promise = new Promise((resolve) => (this.open = resolve))
  }
}

function counter(gate = new Gate(), log: string[] = []) {
  return defineActor<Counter>({
    start: () => {
      let total = 0
      log.push('start')
      return {
        add: (by) => {
          log.push(`add ${by}`)
          total += by
        },
        total: () => total,
        slow: async () => {
          log.push('slow')
          await gate.promise
          log.push('slow is done')
          return 'slowly'
        },
        later: () => {
          const later = new Later<string>()
          return later.follow(gate.promise.then(() => 'at last'))
        },
        refuse: (why) => {
          throw new Refusal(why)
        },
        fail: (why) => {
          throw new Error(why)
        },
      }
    },
  })
}

describe('ActorRef', () => {
  test('cast, call: messages are handled in order, and answered', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(counter(), { name: 'counter' })
    assert.equal(ref.path, '/counter')
    ref.cast('add', 3)
    assert.equal(ref.trySend('add', 4), true)
    const total = watch(ref.call('total'))
    await stage.rest()
    assert.equal(total.value, 7)
  })

  test('cast: nothing runs inside of it, neither the start nor a handler', async () => {
    const log: string[] = []
    const stage = new Stage()
    const ref = stage.system.spawn(counter(new Gate(), log))
    ref.cast('add', 1)
    assert.deepEqual(log, [])
    await stage.rest()
    assert.deepEqual(log, ['start', 'add 1'])
  })

  test('trySend: a full mailbox refuses at once, and has room again when a message was taken', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(counter(), { mailboxCapacity: 2 })
    assert.deepEqual([ref.trySend('add', 1), ref.trySend('add', 2), ref.trySend('add', 3)], [true, true, false])
    assert.throws(() => ref.cast('add', 3), { name: 'ActorError', code: 'OVERLOADED', message: /mailbox of \/1 is full/ })
    await assert.rejects(ref.call('total'), { code: 'OVERLOADED', begun: false })
    await stage.rest()
    const total = watch(ref.call('total'))
    await stage.rest()
    assert.equal(total.value, 3)
  })

  test('call: a message that has no handler is refused, also under the names that every object has', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(counter())
    const untyped = ref as unknown as { call(name: string): Promise<unknown> }
    for (const name of ['nothing', 'toString', 'constructor', '__proto__', 'hasOwnProperty', '\0']) {
      const asked = watch(untyped.call(name))
      await stage.rest()
      assert.equal(codeOf(asked), 'UNKNOWN_MESSAGE', name)
    }
    const total = watch(ref.call('total'))
    await stage.rest()
    assert.equal(total.value, 0)
  })

  test('what is no name of a message, no settings, no definition, is refused where it is given, and changes nothing', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(counter())
    const hostile = {
      toString: () => {
        throw new Error('a trap')
      },
    }
    for (const name of [undefined, null, 5, hostile, Symbol('s'), ['total']] as never[]) {
      const ways = [(): unknown => ref.cast(name), (): unknown => ref.trySend(name), () => ref.call(name), () => ref.send(name)]
      for (const way of ways) assert.throws(way, { name: 'TypeError', message: /give the name of a method/ })
    }
    for (const options of [null, 5, 'x'] as never[]) assert.throws(() => stage.system.spawn(counter(), options), TypeError)
    for (const definition of [null, {}, () => undefined] as never[])
      assert.throws(() => stage.system.spawn(definition), TypeError)
    assert.throws(() => new ActorSystem({ clock: stage.clock, random: new Prng(1), report: 5 } as never), /report is 5/)
    assert.throws(() => new ActorSystem({ clock: stage.clock } as never), /random is undefined/)
    const total = watch(ref.call('total'))
    await stage.rest()
    assert.equal(total.value, 0)
    assert.equal(stage.system.snapshot().length, 1)
  })

  test('call: a handler with a promise holds the next message, one with a Later does not', async () => {
    for (const [message, answer] of [
      ['slow', 'slowly'],
      ['later', 'at last'],
    ] as const) {
      const gate = new Gate()
      const stage = new Stage()
      const ref = stage.system.spawn(counter(gate))
      const first = watch(ref.call(message))
      const second = watch(ref.call('total'))
      await stage.rest()
      assert.deepEqual([first.settled, second.settled], [false, message === 'later'])
      gate.open()
      await stage.rest()
      assert.deepEqual([first.value, second.value], [answer, 0])
    }
  })

  test('call: the caller hears a refusal, and the actor lives on as it was', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(counter())
    ref.cast('add', 5)
    const refused = watch(ref.call('refuse', 'not today'))
    const total = watch(ref.call('total'))
    await stage.rest()
    assert.equal(refused.error?.message, 'not today')
    assert.equal(refused.error?.name, 'Refusal')
    assert.equal(total.value, 5)
  })

  test('call: what is not answered in time says whether it was begun; what was not is never handled', async () => {
    const log: string[] = []
    const gate = new Gate()
    const stage = new Stage()
    const ref = stage.system.spawn(counter(gate, log))
    const begun = watch(ref.call('slow', undefined, { timeoutMs: 100 }))
    const waiting = watch(ref.call('add', 1, { timeoutMs: 50 }))
    await stage.pass(100)
    assert.deepEqual(
      [begun.error, waiting.error]
        .map((error) => error as unknown as { code: string; begun: boolean })
        .map(({ code, begun: was }) => [code, was]),
      [
        ['DEADLINE_EXCEEDED', true],
        ['DEADLINE_EXCEEDED', false],
      ],
    )
    gate.open()
    await stage.rest()
    assert.deepEqual(log, ['start', 'slow', 'slow is done'])
  })

  test('call: no time, or more than a timer can wait, is refused', () => {
    const ref = new Stage().system.spawn(counter())
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31])
      assert.throws(() => ref.call('total', undefined, { timeoutMs }), RangeError)
  })

  test('call: handlers and answers that fail whoever looks at them end one life, and nothing else', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(
      defineActor({
        start: () => ({
          get trap(): () => void {
            throw new Error('a getter')
          },
          odd: () =>
            Object.defineProperty({}, 'then', {
              get: () => {
                throw new Error('no promise')
              },
            }),
          twice: () => ({
            then: (done: (value: string) => void) => {
              done('once')
              done('twice')
              throw new Error('late')
            },
          }),
          echo: (what: string) => what,
        }),
      }),
    )
    const other = stage.system.spawn(counter())
    const asked = [watch(ref.call('odd')), watch(ref.call('twice')), watch(ref.call('trap'))]
    const total = watch(other.call('total'))
    await stage.rest()
    assert.deepEqual(
      asked.map(({ error, value }) => error?.message ?? value),
      ['no promise', 'once', '/1 failed with the message in hand: it crashed: a getter'],
    )
    assert.equal(total.value, 0)
    const echo = watch(ref.call('echo', 'x'))
    await stage.pass(1_000)
    assert.equal(echo.value, 'x')
  })

  test('cast: a refusal that nobody waits for is reported, and the actor lives on', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(counter())
    ref.cast('refuse', 'not today')
    const total = watch(ref.call('total'))
    await stage.rest()
    assert.equal(total.value, 0)
    assert.deepEqual(
      stage.events.map(({ event, error }) => [event, error?.message]),
      [
        ['started', undefined],
        ['refused', 'not today'],
      ],
    )
  })

  test('call: whatever is thrown is a crash with words, also what fails whoever looks at it', async () => {
    const trap = (): never => {
      throw new Error('a trap')
    }
    const hostile = [
      () => Object.create(null) as unknown,
      () => new Proxy({}, { getPrototypeOf: trap, get: trap }),
      () => Object.defineProperty(new Error('x'), 'message', { get: trap }),
      () => Object.defineProperty(new Error('x'), 'message', { value: 5 }),
      () => Symbol('s'),
      () => undefined,
    ]
    for (const make of hostile) {
      const stage = new Stage()
      const ref = stage.system.spawn(
        defineActor({
          start: () => ({
            fail: () => {
              throw make()
            },
            reject: async () => {
              await Promise.resolve()
              throw make()
            },

            odd: () => Object.defineProperty(Promise.resolve('x'), 'constructor', { get: trap }),
          }),
        }),
      )
      for (const message of ['fail', 'reject', 'odd'] as const) {
        const asked = watch(ref.call(message))
        await stage.rest()
        assert.equal(codeOf(asked), 'CRASHED')
        await stage.pass(4_000)
      }
    }
  })

  test('run: an actor that writes to itself without end keeps nobody from his turn', async () => {
    const stage = new Stage()
    let rounds = 0
    const flood = stage.system.spawn(
      defineActor({
        start: (context) => ({
          again: () => {
            rounds++
            // It ends some day, or the test would not.
            if (rounds < 100_000) context.self<{ again(): void }>().cast('again')
          },
        }),
      }),
    )
    const ref = stage.system.spawn(counter())
    flood.cast('again')
    const total = watch(ref.call('total'))
    let roundsBefore = 0
    stage.clock.defer(() => (roundsBefore = rounds))
    await stage.rest()
    assert.equal(total.value, 0)
    assert.ok(roundsBefore < 100_000, 'nothing else had its turn in the process')
    assert.equal(rounds, 100_000)
  })
})
