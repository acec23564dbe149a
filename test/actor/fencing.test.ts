/** What is under way when a life ends must not reach the next one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

/** Promises that a test settles. */
class Held<T> {
  readonly #open: PromiseWithResolvers<T>[] = []

  make(): Promise<T> {
    const open = Promise.withResolvers<T>()
    this.#open.push(open)
    return open.promise
  }

  resolve(which: number, value: T): void {
    this.#open[which]?.resolve(value)
  }

  reject(which: number, error: Error): void {
    this.#open[which]?.reject(error)
  }
}

interface Waiter {
  wait(): Promise<string>
  echo(what: string): string
}

test('a promise of a killed life does not end the waiting of the next one', async () => {
  const stage = new Stage({ strategy: 'one-for-all' })
  const held = new Held<string>()
  const ref = stage.system.spawn(defineActor<Waiter>({ start: () => ({ wait: () => held.make(), echo: (what) => what }) }), {
    shutdownMs: 100,
  })
  const sibling = stage.system.spawn(
    defineActor({
      start: () => ({
        fail: () => {
          throw new Error('broken')
        },
      }),
    }),
  )
  const first = watch(ref.call('wait'))
  sibling.cast('fail')
  await stage.pass(100)
  assert.equal(codeOf(first), 'CRASHED')
  await stage.pass(1_000)
  const second = watch(ref.call('wait'))
  const behind = watch(ref.call('echo', 'x'))
  await stage.rest()
  held.resolve(0, 'of the first life')
  await stage.rest()
  assert.deepEqual([second.settled, behind.settled], [false, false])
  held.resolve(1, 'of the second life')
  await stage.rest()
  assert.deepEqual([second.value, behind.value], ['of the second life', 'x'])
})

/** A parent without a circuit, whose only child fails at its first message. */
function fragile(
  handlers: (context: ActorContext) => object,
  log: string[],
): { stage: Stage; ref: ActorRef<Waiter>; fail(): void } {
  const stage = new Stage()
  let child: ActorRef<{ fail(): never }> | undefined
  const ref = stage.system.spawn(
    defineActor<Waiter>({
      start: (context) => {
        log.push('starts')
        child = context.spawn(
          defineActor({
            start: () => ({
              fail: () => {
                throw new Error('broken')
              },
            }),
          }),
        )
        // Its end takes a while, and its parent's with it.
        context.spawn(
          defineActor({
            start: () => ({}),
            stop: () => new Promise<void>((resolve) => void stage.clock.setTimer(50, resolve)),
          }),
        )
        return handlers(context) as Waiter
      },
      stop: () => {
        log.push('ends')
        return new Promise<void>((resolve) => void stage.clock.setTimer(10, resolve))
      },
    }),
    { supervision: { restarts: { maxRestarts: 0, circuitOpenMs: null } } },
  )
  return { stage, ref, fail: () => void child?.trySend('fail') }
}

test('a handler that rejects while its life is ending ends it once', async () => {
  const log: string[] = []
  const held = new Held<string>()
  const { stage, ref, fail } = fragile(() => ({ wait: () => held.make() }), log)
  const waiting = watch(ref.call('wait'))
  await stage.rest()
  fail()
  await stage.rest()
  held.reject(0, new Error('too late'))
  await stage.pass(50)
  await stage.pass(10)
  await stage.pass(1_000)
  assert.equal(codeOf(waiting), 'CRASHED')
  assert.deepEqual(log, ['starts', 'ends', 'starts'])
})

test('a start that ends while its life is ending begins none', async () => {
  const log: string[] = []
  const held = new Held<object>()
  const { stage, ref, fail } = fragile(() => held.make(), log)
  await stage.rest()
  fail()
  await stage.rest()
  held.resolve(0, { echo: () => 'of a life that was over' })
  await stage.rest()
  const asked = watch(ref.call('echo', 'x'))
  await stage.rest()
  assert.equal(asked.settled, false)
  await stage.pass(50)
  await stage.pass(10)
  await stage.pass(1_000)
  assert.deepEqual(log, ['starts', 'ends', 'starts'])
  held.resolve(1, { echo: () => 'of the next life' })
  await stage.rest()
  assert.equal(asked.value, 'of the next life')
})

test('an actor that stops itself ends when its handler has returned', async () => {
  const stage = new Stage()
  const log: string[] = []
  const ref = stage.system.spawn(
    defineActor({
      start: (context: ActorContext) => ({
        leave: () => {
          context.stop()
          log.push('the handler goes on')
          return 'bye'
        },
      }),
      stop: () => void log.push('ends'),
    }),
  )
  const asked = watch(ref.call('leave'))
  await stage.rest()
  assert.equal(asked.value, 'bye')
  assert.deepEqual(log, ['the handler goes on', 'ends'])
})

/** Two children that are restarted together: the first starts when it is told to, and the second ends when it is told to. */
async function pair(): Promise<{
  stage: Stage
  log: string[]
  fail(which: 0 | 1): Promise<void>
  started: Held<void>
  ended: Held<void>
}> {
  const stage = new Stage({ strategy: 'one-for-all' })
  const log: string[] = []
  const [started, ended] = [new Held<void>(), new Held<void>()]
  const fails = {
    fail: () => {
      throw new Error('broken')
    },
  }
  const refs = [
    stage.system.spawn(
      defineActor({
        start: async () => {
          await started.make()
          log.push('a starts')
          return fails
        },
        stop: () => void log.push('a ends'),
      }),
    ),
    stage.system.spawn(
      defineActor({
        start: () => {
          log.push('b starts')
          return fails
        },
        stop: () => ended.make(),
      }),
    ),
  ]
  const fail = async (which: 0 | 1): Promise<void> => {
    refs[which]?.trySend('fail')
    await stage.rest()
  }
  await stage.rest()
  started.resolve(0, undefined)
  await stage.rest()
  log.length = 0
  return { stage, log, fail, started, ended }
}

test('stop: while those that are to be restarted still end, there is no restart', async () => {
  const { stage, log, fail, ended } = await pair()
  await fail(0)
  assert.deepEqual(log, ['a ends'])
  const gone = watch(stage.system.stop())
  await stage.rest()
  ended.resolve(0, undefined)
  await stage.rest()
  assert.equal(gone.settled, true)
  await stage.pass(60_000)
  assert.deepEqual(log, ['a ends'])
})

test('one-for-all: who comes next in a restart that another failure has overtaken waits for the new one', async () => {
  const { stage, log, fail, started, ended } = await pair()
  await fail(0)
  ended.resolve(0, undefined)
  await stage.rest()
  await stage.pass(1_000)
  // The first is being started, the second waits for that; now a third one fails.
  const late = stage.system.spawn(
    defineActor({
      start: () => ({
        fail: () => {
          throw new Error('broken')
        },
      }),
    }),
  )
  await stage.rest()
  late.cast('fail')
  await stage.rest()
  started.resolve(1, undefined)
  await stage.rest()
  assert.deepEqual(log, ['a ends', 'a starts', 'a ends'])
  await stage.pass(2_000)
  started.resolve(2, undefined)
  await stage.rest()
  assert.deepEqual(log, ['a ends', 'a starts', 'a ends', 'a starts', 'b starts'])
})
