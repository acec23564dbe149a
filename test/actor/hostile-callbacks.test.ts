/** What a program gives the runtime to call: it may throw, reject, or answer with a promise, and nobody else is the worse for it. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, mock, test } from 'node:test'
import { defineActor, Later } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef, SupervisionSettings } from '../../src/actor/index.ts'
import { ActorSystem } from '../../src/actors/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Runner {
  run(what: () => unknown): unknown
}

const runner = defineActor<Runner>({ start: () => ({ run: (what) => what() }) })

const fails = (): never => {
  throw new Error('broken')
}

/** Asked to say at once what it says later, or not at all. */
const LATE: readonly (readonly [string, () => unknown])[] = [
  ['rejects', () => Promise.reject(new Error('no answer'))],
  ['says no, later', () => Promise.resolve(false)],
  [
    'throws when it is followed',
    () => ({
      then: () => {
        throw new Error('no answer')
      },
    }),
  ],
]

test('onDropped: one that rejects is reported, as one that throws is', async () => {
  for (const onDropped of [fails, () => Promise.reject(new Error('broken'))] as (() => void)[]) {
    const stage = new Stage()
    const ref = stage.system.spawn(runner, { onDropped, shutdownMs: 10 })
    ref.cast('run', () => new Promise(() => undefined))
    ref.cast('run', () => 1)
    await stage.rest()
    const gone = watch(ref.stop())
    await stage.pass(10)
    assert.equal(gone.settled, true)
    assert.equal(stage.events.find(({ event }) => event === 'stop-failed')?.error?.message, 'broken')
  }
})

describe('mayRestart', () => {
  const ends = async (mayRestart: () => unknown): Promise<Stage> => {
    const stage = new Stage({ mayRestart } as SupervisionSettings)
    const ref = stage.system.spawn(runner, { name: 'child' })
    const asked = watch(ref.call('run', fails))
    await stage.pass(1_000)
    assert.equal(codeOf(asked), 'CRASHED')
    return stage
  }

  test('one that throws, or answers with a promise, has not said that it may: the child is gone, and the report says why', async () => {
    for (const [what, mayRestart] of [...LATE, ['throws', fails] as const]) {
      const stage = await ends(mayRestart)
      assert.deepEqual(stage.system.snapshot(), [], what)
      const { event, error } = stage.events.at(-1) ?? {}
      assert.equal(event, 'given-up')
      assert.match(error?.message ?? '', /^broken; and mayRestart failed: (broken|it returned a promise)/, what)
    }
  })

  test('one that ends the child, or its supervisor, while it is asked: nothing is started, and no time is waited for', async () => {
    for (const whose of ['child', 'parent'] as const) {
      const stage = new Stage()
      let child: ActorRef<Runner> | null = null
      const stop = (ref: ActorRef<object> | null): boolean => {
        ref?.stop().catch(() => undefined)
        return true
      }
      const parent: ActorRef<object> = stage.system.spawn(
        defineActor({
          start: (context: ActorContext) => {
            child = context.spawn(runner)
            return {}
          },
        }),
        { supervision: { mayRestart: () => stop(whose === 'child' ? child : parent) } },
      )
      await stage.rest()
      ;(child as ActorRef<Runner> | null)?.cast('run', fails)
      await stage.rest()
      assert.equal(stage.events.filter(({ event }) => event === 'failed').length, 0, whose)
      assert.equal(stage.system.snapshot().length, whose === 'child' ? 1 : 0)
    }
  })
})

test('Later.answer: a promise is followed, and its caller waits no longer than he said', async () => {
  const stage = new Stage()
  const ref = stage.system.spawn(runner)
  const run = (promise: unknown): (() => unknown) => {
    return () => {
      const later = new Later<unknown>()
      later.answer(promise)
      return later
    }
  }
  const callable = Object.assign(() => undefined, { then: (answered: (value: number) => void) => answered(3) })
  const asked = [
    watch(ref.call('run', run(Promise.resolve(1)))),
    watch(ref.call('run', run(Promise.reject(new Error('broken'))))),
    watch(ref.call('run', run(new Promise(() => undefined)), { timeoutMs: 50 })),
    watch(ref.call('run', run(callable))),
    watch(ref.call('run', () => callable)),
    watch(ref.call('run', () => Object.assign(() => undefined, { then: () => undefined }), { timeoutMs: 50 })),
  ]
  await stage.pass(50)
  assert.deepEqual(
    asked.map((one) => one.value ?? codeOf(one) ?? one.error?.message),
    [1, 'broken', 'DEADLINE_EXCEEDED', 3, 3, 'DEADLINE_EXCEEDED'],
  )
})

describe('what is thrown', () => {
  const hostile = (): readonly Error[] => [
    Object.defineProperty(new Error('broken'), 'stack', { get: fails }),
    Object.assign(new Error('broken'), { [inspect.custom]: fails }),
    Object.defineProperty(new Error('broken'), 'name', { get: fails }),
  ]

  test('its stack can be read by whoever is told of it', async () => {
    const [thrown] = hostile()
    const stage = new Stage()
    stage.system.spawn(
      defineActor({
        start: () => {
          throw thrown as Error
        },
      }),
    )
    await stage.rest()
    const told = stage.events.find(({ event }) => event === 'failed')?.error
    assert.deepEqual([told?.message, typeof told?.stack], ['broken', 'string'])
  })

  test('is printed, where nobody else is told, as far as it can be', () => {
    const printed = mock.method(console, 'error', () => undefined)
    try {
      for (const thrown of hostile()) {
        const clock = new ManualClock()
        const system = new ActorSystem({ clock })
        system.spawn(
          defineActor({
            start: () => {
              throw thrown
            },
          }),
          { name: 'fails' },
        )
        clock.settle()
        assert.match(String(printed.mock.calls.at(-1)?.arguments[0]), /actor \/fails: failed, starts again in 1000 ms: .*broken/)
        printed.mock.resetCalls()
      }
    } finally {
      printed.mock.restore()
    }
  })
})

describe('options', () => {
  test('what is none of a pool, a thread, a reserve or a system is refused with words', () => {
    const { system } = new Stage()
    const wrong: readonly (readonly [() => unknown, RegExp])[] = [
      [() => system.threadPool(null as never), /the options of a pool of threads is null: give an object/],
      [() => system.threadPool({ size: 1, maxHeap: 5 } as never), /"maxHeap" in the options of a pool of threads .* size/],
      [() => system.spawn(runner, { reserve: null } as never), /reserve is null: give an object/],
      [() => system.spawn(runner, { reserve: { messages: [], rooms: 1 } } as never), /"rooms" in reserve .* messages, room/],
      [() => new ActorSystem(null as never), /the options of a system is null: give an object/],
      [() => new ActorSystem({ supervison: {} } as never), /"supervison" in the options of a system .* supervision/],
    ]
    for (const [give, words] of wrong) assert.throws(give, words)
  })

  test('what a library has put upon all objects is none of theirs', () => {
    const { system } = new Stage()
    // oxlint-disable-next-line no-extend-native -- there are programs that do
    Object.defineProperty(Object.prototype, 'extension', { value: 1, enumerable: true, configurable: true })
    try {
      system.spawn(runner, { name: 'a' }).trySend('run', () => 1)
    } finally {
      delete (Object.prototype as { extension?: unknown }).extension
    }
  })
})
