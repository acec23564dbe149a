/** What a program gives the runtime to call: it may throw, reject, or answer with a promise, and nobody else is the worse for it. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { describe, mock, test } from 'node:test'
import { defineActor, InlineThreads, inThread, Later, Refusal } from '../../src/actor/index.ts'
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

test('Later.refuse: whatever it is given is an error to the caller', async () => {
  const stage = new Stage()
  const ref = stage.system.spawn(runner)
  for (const what of [undefined, 'no', new Proxy(new Error('no'), { getPrototypeOf: fails })]) {
    const asked = watch(
      ref.call('run', () => {
        const later = new Later<unknown>()
        later.refuse(what as Error)
        return later
      }),
    )
    await stage.rest()
    assert.ok(Error.isError(asked.error) && typeof asked.error.message === 'string')
  }
})

test('a Refusal that fails whoever looks at what it is made after is told as it is, and reported so that it can be read', async () => {
  const stage = new Stage()
  const ref = stage.system.spawn(runner)
  const hostile = (): Refusal => {
    const refusal = new Refusal('no')
    Object.setPrototypeOf(refusal, new Proxy(Refusal.prototype, { getPrototypeOf: fails }))
    return Object.defineProperty(refusal, 'stack', { get: fails })
  }
  const refused = hostile()
  const refuses = (): never => {
    throw refused
  }
  const asked = watch(ref.call('run', refuses))
  ref.cast('run', refuses)
  const well = watch(ref.call('run', () => 'well'))
  await stage.rest()
  assert.deepEqual([asked.error === refused, well.value], [true, 'well'])
  const told = stage.events.find(({ event }) => event === 'refused')?.error
  assert.deepEqual([told?.message, typeof told?.stack], ['no', 'string'])
})

describe('context.handleIn', () => {
  test('turns that cannot be had are a crash of the actor, and nothing to who sends to it', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(
      defineActor<Runner>({
        start: (context) => {
          context.handleIn(fails)
          return { run: (what) => what() }
        },
      }),
      { restart: 'temporary' },
    )
    await stage.rest()
    assert.equal(
      ref.trySend('run', () => 1),
      true,
    )
    await stage.rest()
    assert.deepEqual(stage.system.snapshot(), [])
    assert.equal(stage.events.at(-1)?.error?.message, 'broken')
  })

  test('a turn that comes twice is one: no message is handled within another', async () => {
    const stage = new Stage()
    const turns: (() => void)[] = []
    const log: string[] = []
    const ref = stage.system.spawn(
      defineActor<Runner>({
        start: (context) => {
          context.handleIn((run) => void turns.push(run))
          return { run: (what) => what() }
        },
      }),
    )
    await stage.rest()
    ref.cast('run', () => {
      log.push('the first begins')
      for (const run of turns) run()
      log.push('the first ends')
    })
    ref.cast('run', () => void log.push('the second'))
    await stage.rest()
    for (const run of [...turns, ...turns]) run()
    await stage.rest()
    assert.deepEqual(log, ['the first begins', 'the first ends', 'the second'])
  })

  test('takes a function', async () => {
    const stage = new Stage()
    stage.system.spawn(
      defineActor({
        start: (context) => {
          context.handleIn(null as never)
          return {}
        },
      }),
    )
    await stage.rest()
    assert.match(stage.events[0]?.error?.message ?? '', /what messages are handled in is null: give a function/)
  })
})

test('what loads the modules of threads may be of any library, or give nothing: that is a failure of the start', async () => {
  const loaded = { echo: { start: () => ({ echo: (what: string) => what }) } }
  const library = { then: (answered: (value: unknown) => void) => queueMicrotask(() => answered(loaded)) }
  for (const [gives, outcome] of [
    [library, 'x'],
    [null, /echo of file:.* exports nothing of this name: it has no exports/],
    [{ then: fails }, 'broken'],
  ] as const) {
    const clock = new ManualClock()
    const told: unknown[] = []
    const system = new ActorSystem({
      clock,
      threads: new InlineThreads(() => gives),
      report: ({ event, error }) => void (event === 'failed' && told.push(error?.message)),
    })
    const ref = system.spawn(inThread<typeof loaded.echo>(new URL('file:///echo.ts'), 'echo'))
    const asked = watch(ref.call('echo', 'x', { timeoutMs: 100 }))
    for (let turn = 0; turn < 30; turn++) {
      clock.settle()
      await Promise.resolve()
    }
    const seen = String(asked.value ?? told[0])
    if (typeof outcome === 'string') assert.equal(seen, outcome)
    else assert.match(seen, outcome)
  }
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
