/** What a program throws, returns and gives may be anything: whatever it is, one actor at most is the worse for it, and each caller hears once. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor, Later } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Runner {
  run(what: () => unknown): unknown
}

const runner = defineActor<Runner>({ start: () => ({ run: (what) => what() }) })

/** Fails whoever looks at it for the `nth` time, or later. */
function flipping(nth: number): Error {
  let looks = 0
  const look = (): void => {
    if (++looks >= nth) throw new Error('looked at too often')
  }
  return new Proxy(new Error('fine'), {
    get: (target, key) => (look(), Reflect.get(target, key)),
    getPrototypeOf: () => (look(), Error.prototype),
    getOwnPropertyDescriptor: (target, key) => (look(), Reflect.getOwnPropertyDescriptor(target, key)),
  })
}

/** Things that make trouble where they are thrown. */
function thrown(): readonly (readonly [string, unknown])[] {
  const proxies = [1, 2, 3, 4].map((nth) => [`a proxy that fails at look ${nth}`, flipping(nth)] as const)
  const getter = Object.defineProperty(new Error('x'), 'message', { get: flippingGetter() })
  return [
    ...proxies,
    ['a message that is made when it is read', getter],
    ['a message that is no string', Object.assign(new Error('x'), { message: 5 })],
    ['nothing', undefined],
    ['what has no prototype', Object.create(null)],
    ['what cannot be made words of', { toString: () => assert.fail() }],
    ['a symbol', Symbol('x')],
  ]
}

function flippingGetter(): () => string {
  let reads = 0
  return () => {
    if (reads++ > 0) throw new Error('read twice')
    return 'read once'
  }
}

function rejected(what: unknown): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  reject(what)
  return promise
}

async function survives(stage: Stage, ref: ActorRef<Runner>): Promise<void> {
  const asked = watch(ref.call('run', () => 'well'))
  await stage.pass(1_000)
  assert.equal(asked.value, 'well')
}

describe('what is thrown', () => {
  test('in a handler, at once or later, is a crash of its actor', async () => {
    for (const [name, what] of thrown()) {
      for (const late of [false, true]) {
        const stage = new Stage()
        const ref = stage.system.spawn(runner)
        const asked = watch(
          ref.call('run', () => {
            if (late) return rejected(what)
            throw what
          }),
        )
        await stage.rest()
        assert.equal(codeOf(asked), 'CRASHED', name)
        await survives(stage, ref)
      }
    }
  })

  test('in a start, or in an end, is a failure of that', async () => {
    for (const [name, what] of thrown()) {
      const stage = new Stage()
      let starts = 0
      const definition = defineActor<Runner>({
        start: () => {
          if (starts++ === 0) throw what
          return { run: (run) => run() }
        },
        stop: () => {
          throw what
        },
      })
      const ref = stage.system.spawn(definition)
      await survives(stage, ref)
      const gone = watch(ref.stop())
      await stage.rest()
      assert.equal(gone.settled, true, name)
      const said = stage.events.filter(({ event }) => event === 'failed' || event === 'stop-failed')
      assert.ok(said.length === 2 && said.every(({ error }) => typeof error?.message === 'string'), name)
    }
  })

  test('by a promise that a Later follows, is the answer', async () => {
    for (const [name, what] of thrown()) {
      const stage = new Stage()
      const ref = stage.system.spawn(runner)
      const asked = watch(ref.call('run', () => new Later().follow(rejected(what))))
      await stage.rest()
      assert.equal(typeof asked.error?.message, 'string', name)
      await survives(stage, ref)
    }
  })
})

describe('promises of libraries', () => {
  test('follow: one that throws is an error for the caller of the message', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(runner)
    const hostile: readonly object[] = [
      {
        then: () => {
          throw new Error('cannot be followed')
        },
      },
      {
        get then() {
          throw new Error('cannot be followed')
        },
      },
    ]
    for (const promise of hostile) {
      const asked = watch(ref.call('run', () => new Later().follow(promise as Promise<unknown>)))
      await stage.rest()
      assert.equal(asked.error?.message, 'cannot be followed')
    }
    await survives(stage, ref)
  })

  test('one that calls back twice frees its actor once', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(runner)
    let again: (value: unknown) => void = () => assert.fail()
    const twice = Object.assign(Promise.resolve(1), {
      then: (answered: (value: unknown) => void) => {
        answered(1)
        again = answered
      },
    })
    const asked = watch(ref.call('run', () => twice))
    await stage.rest()
    assert.equal(asked.value, 1)
    let inHand = 0
    let most = 0
    const slow = async (): Promise<void> => {
      most = Math.max(most, ++inHand)
      await new Promise<void>((resolve) => void stage.clock.setTimer(10, resolve))
      inHand--
    }
    ref.cast('run', slow)
    ref.cast('run', slow)
    await stage.rest()
    again(2)
    await stage.pass(10)
    await stage.pass(10)
    assert.equal(most, 1)
  })
})

describe('options', () => {
  test('what are none, or have a name that there is not, are refused with what there is', () => {
    const stage = new Stage()
    const ref = stage.system.spawn(runner)
    const run = (): number => 1
    for (const none of [null, 5, 'x'] as unknown[]) {
      assert.throws(() => ref.call('run', run, none as object), /the options of a message is .*: give an object/)
      assert.throws(() => ref.send('run', run, none as object), /the options of a message is .*: give an object/)
      assert.throws(() => stage.system.spawn(runner, none as object), /the options of an actor is .*: give an object/)
    }
    const misspelt: readonly (readonly [() => unknown, RegExp])[] = [
      [
        () => ref.call('run', run, { timeout: 5 } as object),
        /"timeout" in the options of a message is no setting: there are timeoutMs/,
      ],
      [() => stage.system.spawn(runner, { mailBox: 5 } as object), /"mailBox" in the options of an actor .* mailboxCapacity/],
      [() => stage.system.spawn(runner, { supervision: { strateggy: 1 } as object }), /"strateggy" in supervision .* strategy/],
      [
        () => stage.system.threadPool({ size: 1, maxHeap: 5 } as { size: number }),
        /"maxHeap" in the options of a pool of threads .* maxHeapMb/,
      ],
    ]
    for (const [give, words] of misspelt) assert.throws(give, words)
  })
})

test('a call that is too late says what its actor was doing instead', async () => {
  const stage = new Stage()
  const fails = stage.system.spawn(
    defineActor<Runner>({
      start: () => {
        throw new Error('no disk')
      },
    }),
    { name: 'fails' },
  )
  const hangs = stage.system.spawn(defineActor<Runner>({ start: (context: ActorContext) => context.sleep(1e6) as never }), {
    name: 'hangs',
  })
  const down = watch(fails.call('run', () => 1, { timeoutMs: 500 }))
  const late = watch(hangs.call('run', () => 1, { timeoutMs: 500 }))
  await stage.pass(500)
  assert.deepEqual([codeOf(down), codeOf(late)], ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
  assert.match(
    down.error?.message ?? '',
    /run to \/fails .*not handled, since it has not been started again .*: it crashed: no disk/,
  )
  assert.match(late.error?.message ?? '', /run to \/hangs .*not handled, since its start has not ended/)
})

test('who is refused hears why its actor does nothing, where that has failed', async () => {
  const stage = new Stage({ strategy: 'one-for-all', restarts: { maxRestarts: 0 } })
  const failing = defineActor<Runner>({
    start: () => {
      throw new Error('no disk')
    },
  })
  const refusalOf = (ref: ActorRef<Runner>): string => {
    try {
      ref.cast('run', () => 1)
    } catch (error) {
      return (error as Error).message
    }
    return assert.fail('it was taken')
  }
  const once = stage.system.spawn(failing, { name: 'once', restart: 'temporary' })
  await stage.rest()
  assert.match(refusalOf(once), /^\/once takes no messages, since it is gone \(it crashed: no disk\): run was not handled$/)

  const paused = new Stage()
  const full = paused.system.spawn(failing, { name: 'paused', mailboxCapacity: 1 })
  await paused.rest()
  full.cast('run', () => 1)
  const words = 'since it has not been started again after its last life: it crashed: no disk'
  assert.equal(refusalOf(full), `the mailbox of /paused is full: run was not taken, ${words}`)

  const well = stage.system.spawn(runner, { name: 'well' })
  stage.system.spawn(failing, { name: 'ill' })
  await stage.rest()
  assert.match(
    refusalOf(well),
    /since \/ill failed too often \(the last time it crashed: no disk\), and is started again in 300 s, and this one with it/,
  )
})
