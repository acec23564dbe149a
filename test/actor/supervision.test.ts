import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ActorSystem, defineActor, Later } from '../../src/actor/index.ts'
import type { ActorContext, ActorDefinition, ActorRef, SpawnOptions } from '../../src/actor/index.ts'
import { Prng } from '../../src/lib/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { codeOf, Stage, watch } from './stage.ts'
import { failed, worker } from './worker.ts'
import type { Worker } from './worker.ts'

type Nothing = Record<never, never>

/** One that does nothing but supervise. */
function parent(children: (context: ActorContext) => void, log?: string[]): ActorDefinition<Nothing> {
  return defineActor<Nothing>({
    start: (context) => {
      children(context)
      log?.push('parent starts')
      return {}
    },
    stop: (_, { type }) => void log?.push(`parent ends: ${type}`),
  })
}

/** Three workers under one supervisor. */
async function family(
  options: SpawnOptions,
): Promise<{ stage: Stage; log: string[]; refs: Record<'a' | 'b' | 'c', ActorRef<Worker>> }> {
  const stage = new Stage()
  const log: string[] = []
  const refs: Record<string, ActorRef<Worker>> = {}
  stage.system.spawn(
    parent((context) => {
      for (const name of ['a', 'b', 'c']) refs[name] = context.spawn(worker(log, name), { name })
    }),
    options,
  )
  await stage.rest()
  log.length = 0
  return { stage, log, refs: refs }
}

describe('supervision', () => {
  test('a failure: its caller hears of it, those behind it wait for the next life, which begins anew after a second', async () => {
    const stage = new Stage()
    const log: string[] = []
    const ref = stage.system.spawn(worker(log, 'w'))
    const before = watch(ref.call('work', 5))
    const broken = watch(ref.call('fail'))
    const behind = watch(ref.call('work', 1))
    await stage.pass(999)
    assert.equal(before.value, 5)
    const { code, begun, cause } = broken.error as unknown as { code: string; begun: boolean; cause: Error }
    assert.deepEqual([code, begun, cause.message], ['CRASHED', true, 'w is broken'])
    assert.equal(behind.settled, false)
    await stage.pass(1)
    assert.equal(behind.value, 1)
    assert.deepEqual(log, ['w starts', 'w ends: crashed', 'w starts'])
  })

  test('pauses: 1, 2, 4 s; then the circuit is open for 300 s and refuses at once, half-open after it, closed when it was stable', async () => {
    const stage = new Stage()
    const ref = stage.system.spawn(worker([], 'w'))
    await stage.rest()
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await failed(stage, ref)
      await stage.pass(pauseMs)
    }
    await failed(stage, ref)
    const refused = watch(ref.call('work', 1))
    await stage.rest()
    assert.match(
      String(refused.error),
      /takes no messages, since it failed too often \(the last time it crashed: .*\), and is started again in 300 s/,
    )
    await stage.pass(299_999)
    assert.equal(ref.trySend('work', 1), false)
    await stage.pass(1)
    assert.equal(ref.trySend('work', 1), true, 'it has its one try')
    await stage.pass(119_000)
    await failed(stage, ref)
    assert.equal(ref.trySend('work', 1), false, 'the one try has failed')
    await stage.pass(300_000)
    await stage.pass(120_000)
    await failed(stage, ref)
    assert.equal(ref.trySend('work', 1), true, 'it was stable: this is a first failure')
    assert.deepEqual(
      stage.events.filter(({ event }) => event === 'failed').map(({ pauseMs }) => pauseMs),
      [1_000, 2_000, 4_000, 300_000, 300_000, 1_000],
    )
  })

  test('a start that throws, rejects, or gives no handlers is a failure, with the same pauses; none of it reaches who spawns', async () => {
    const starts: (() => unknown)[] = [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
      () => undefined,
    ]
    for (const start of starts) {
      const stage = new Stage()
      let tries = 0
      const definition = { start: () => (tries++, start()) } as unknown as ActorDefinition<Worker>
      const ref = stage.system.spawn(definition)
      const asked = watch(ref.call('work', 1, { timeoutMs: 100_000 }))
      await stage.pass(0)
      assert.equal(tries, 1)
      for (let i = 0; i < 7; i++) await stage.pass(1_000)
      assert.equal(tries, 4)
      assert.match(String(asked.error), /failed too often/)
    }
  })

  test('one-for-one: the others live on', async () => {
    const { stage, log, refs } = await family({})
    await failed(stage, refs.b)
    await stage.pass(1_000)
    assert.deepEqual(log, ['b ends: crashed', 'b starts'])
  })

  test('one-for-all: those that are well end first, the newest before, and all are started in order', async () => {
    const { stage, log, refs } = await family({ supervision: { strategy: 'one-for-all' } })
    await failed(stage, refs.b)
    assert.deepEqual(log, ['b ends: crashed', 'c ends: stopped', 'a ends: stopped'])
    await stage.pass(1_000)
    assert.deepEqual(log.slice(3), ['a starts', 'b starts', 'c starts'])
    const answers = [watch(refs.a.call('work', 1)), watch(refs.c.call('work', 2))]
    await stage.rest()
    assert.deepEqual(
      answers.map(({ value }) => value),
      [1, 2],
    )
  })

  test('rest-for-one: those that were started after it share its fate', async () => {
    const { stage, log, refs } = await family({ supervision: { strategy: 'rest-for-one' } })
    await failed(stage, refs.b)
    await stage.pass(1_000)
    assert.deepEqual(log, ['b ends: crashed', 'c ends: stopped', 'b starts', 'c starts'])
  })

  test('one-for-all: a start that fails begins it all again', async () => {
    const stage = new Stage()
    const log: string[] = []
    let isBad = true
    let first: ActorRef<Worker> | undefined
    stage.system.spawn(
      parent((context) => {
        first = context.spawn(worker(log, 'a'), { name: 'a' })
        const start = worker(log, 'b').start
        context.spawn(
          worker(log, 'b', {
            start: (own, argument) => {
              if (!isBad) return start(own, argument)
              log.push('b fails to start')
              throw new Error('not yet')
            },
          }),
          { name: 'b' },
        )
      }),
      { supervision: { strategy: 'one-for-all' } },
    )
    await stage.rest()
    assert.deepEqual(log, ['a starts', 'b fails to start', 'a ends: stopped'])
    isBad = false
    await stage.pass(1_000)
    assert.deepEqual(log.slice(3), ['a starts', 'b starts'])
    const asked = watch((first as ActorRef<Worker>).call('work', 3))
    await stage.rest()
    assert.equal(asked.value, 3)
  })

  test('one-for-all: a child that is started and fails while the others wait is started with them', async () => {
    const stage = new Stage()
    const log: string[] = []
    let own: ActorContext | undefined
    let first: ActorRef<Worker> | undefined
    stage.system.spawn(
      parent((context) => {
        own = context
        first = context.spawn(worker(log, 'a'))
      }),
      { supervision: { strategy: 'one-for-all' } },
    )
    await stage.rest()
    await failed(stage, first as ActorRef<Worker>)
    const late = (own as ActorContext).spawn(worker(log, 'late'))
    await failed(stage, late)
    await stage.pass(1_000)
    assert.deepEqual(log, ['a starts', 'a ends: crashed', 'late starts', 'late ends: crashed', 'a starts', 'late starts'])
    await failed(stage, late)
    assert.equal(stage.system.snapshot()[0]?.children[0]?.failures, 2)
  })

  test('one-for-all: a temporary child ends with the others, and does not come back', async () => {
    const stage = new Stage()
    const log: string[] = []
    let first: ActorRef<Worker> | undefined
    stage.system.spawn(
      parent((context) => {
        first = context.spawn(worker(log, 'a'))
        context.spawn(worker(log, 'b'), { restart: 'temporary' })
      }),
      { supervision: { strategy: 'one-for-all' } },
    )
    await stage.rest()
    await failed(stage, first as ActorRef<Worker>)
    await stage.pass(1_000)
    assert.deepEqual(log, ['a starts', 'b starts', 'a ends: crashed', 'b ends: stopped', 'a starts'])
  })

  test('no circuit: a child that fails too often is a failure of its parent, which begins with new children', async () => {
    const stage = new Stage()
    const log: string[] = []
    const refs: ActorRef<Worker>[] = []
    stage.system.spawn(
      parent((context) => void refs.push(context.spawn(worker(log, 'w'), { name: 'w' })), log),
      { supervision: { restarts: { circuitOpenMs: null, maxRestarts: 1 } } },
    )
    await stage.rest()
    const [first] = refs as [ActorRef<Worker>]
    await failed(stage, first)
    await stage.pass(1_000)
    await failed(stage, first)
    await stage.pass(1_000)
    assert.deepEqual(log, [
      'parent starts',
      'w starts',
      'w ends: crashed',
      'w starts',
      'w ends: crashed',
      'parent ends: crashed',
      'parent starts',
      'w starts',
    ])
    assert.equal(first.trySend('work', 1), false, 'a reference to a child of a former life looks alive')
    assert.equal(refs.length, 2)
  })
})

describe('stop', () => {
  test('children end before their parents, the newest first, and what waits is refused', async () => {
    const { stage, log, refs } = await family({ name: 'family' })
    const asked = watch(refs.a.call('work', 1))
    const gone = watch(stage.system.stop())
    await stage.rest()
    assert.equal(gone.settled, true)
    assert.deepEqual(log, ['c ends: stopped', 'b ends: stopped', 'a ends: stopped'])
    // It was in the mailbox before, or the stop was: either is told.
    assert.equal(asked.settled, true)
    assert.throws(() => stage.system.spawn(worker([], 'late')), { code: 'DOWN' })
    assert.throws(() => refs.a.cast('work', 1), { code: 'DOWN', message: /it is gone/ })
  })

  test('the message in hand is waited for, and those behind it are refused', async () => {
    const stage = new Stage()
    let finish = (): void => undefined
    const ref = stage.system.spawn(
      defineActor({ start: () => ({ slow: () => new Promise<string>((resolve) => (finish = () => resolve('done'))) }) }),
    )
    const slow = watch(ref.call('slow'))
    await stage.rest()
    const behind = watch(ref.call('slow'))
    const gone = watch(ref.stop())
    await stage.rest()
    assert.deepEqual([slow.settled, gone.settled], [false, false])
    finish()
    await stage.rest()
    assert.equal(slow.value, 'done')
    assert.equal(codeOf(behind), 'DOWN')
    assert.equal(gone.settled, true)
  })

  test('what does not end in time is killed, and what it does later is not heard', async () => {
    const stage = new Stage()
    const log: string[] = []
    const ref = stage.system.spawn(worker(log, 'w'), { shutdownMs: 200 })
    const hanging = watch(ref.call('hang', undefined, { timeoutMs: 60_000 }))
    await stage.rest()
    const gone = watch(ref.stop())
    await stage.pass(199)
    assert.equal(gone.settled, false)
    await stage.pass(1)
    assert.equal(gone.settled, true)
    assert.equal(codeOf(hanging), 'CRASHED')
    assert.ok(stage.events.some(({ event }) => event === 'killed'))
  })

  test('a child that does not end is killed with its parent', async () => {
    const stage = new Stage()
    let child: ActorRef<Worker> | undefined
    const ref = stage.system.spawn(
      parent((context) => (child = context.spawn(worker([], 'w'), { shutdownMs: 60_000 }))),
      { shutdownMs: 100 },
    )
    await stage.rest()
    void (child as ActorRef<Worker>).call('hang').catch(() => undefined)
    await stage.rest()
    const gone = watch(ref.stop())
    await stage.pass(100)
    assert.equal(gone.settled, true)
    assert.throws(() => (child as ActorRef<Worker>).cast('work', 1), { code: 'DOWN' })
  })

  test('in the middle of a pause, or of a start: nothing is started any more', async () => {
    const stage = new Stage()
    const log: string[] = []
    const paused = stage.system.spawn(worker(log, 'paused'))
    const starting = stage.system.spawn(defineActor<Worker>({ start: () => new Promise(() => undefined) }), { shutdownMs: 50 })
    await failed(stage, paused)
    const gone = [watch(paused.stop()), watch(starting.stop())]
    await stage.pass(50)
    assert.deepEqual(
      gone.map(({ settled }) => settled),
      [true, true],
    )
    await stage.pass(10_000)
    assert.deepEqual(log, ['paused starts', 'paused ends: crashed'])
  })

  test('a hundred thousand at once, on a stack of its own size', async () => {
    const stage = new Stage()
    let ended = 0
    const definition = defineActor({ start: () => ({}), stop: () => void ended++ })
    for (let i = 0; i < 100_000; i++) stage.system.spawn(definition)
    await stage.rest()
    const gone = watch(stage.system.stop())
    await stage.rest()
    assert.equal(gone.settled, true)
    assert.equal(ended, 100_000)
  })

  test('a hook that throws or rejects is reported, and ends it all the same', async () => {
    for (const stop of [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
    ]) {
      const stage = new Stage()
      const ref = stage.system.spawn(worker([], 'w', { stop }))
      await stage.rest()
      const gone = watch(ref.stop())
      await stage.rest()
      assert.equal(gone.settled, true)
      assert.ok(stage.events.some(({ event, error }) => event === 'stop-failed' && error?.message === 'no'))
    }
  })
})

describe('lives', () => {
  test('after: runs between two messages, not beside a handler, and ends with its life', async () => {
    const stage = new Stage()
    const log: string[] = []
    let finish = (): void => undefined
    const ref = stage.system.spawn(
      defineActor({
        start: (context: ActorContext) => {
          context.after(100, () => log.push('rings'))
          return {
            slow: () => new Promise<void>((resolve) => (finish = resolve)),
            fail: () => {
              throw new Error('broken')
            },
          }
        },
      }),
    )
    ref.cast('slow')
    await stage.pass(150)
    assert.deepEqual(log, [])
    finish()
    await stage.rest()
    assert.deepEqual(log, ['rings'])
    ref.cast('fail')
    await stage.pass(1_000)
    // The second life fails before its timer rings.
    ref.cast('fail')
    await stage.pass(2_000)
    assert.deepEqual(log, ['rings'])
    await stage.pass(100)
    assert.deepEqual(log, ['rings', 'rings'])
  })

  test('sleep: a handler waits for it, and nothing comes of it when its life has ended', async () => {
    const stage = new Stage()
    const log: string[] = []
    const ref = stage.system.spawn(
      defineActor({
        start: (context: ActorContext) => ({
          nap: async (ms: number) => {
            await context.sleep(ms)
            log.push('awake')
            return 'rested'
          },
        }),
      }),
      { shutdownMs: 100 },
    )
    const first = watch(ref.call('nap', 50))
    const second = watch(ref.call('nap', 1_000))
    await stage.pass(50)
    assert.equal(first.value, 'rested')
    ref.stop().catch(() => undefined)
    await stage.pass(2_000)
    assert.equal(codeOf(second), 'CRASHED')
    assert.deepEqual(log, ['awake'])
  })

  test('signal: what goes on in the name of a life hears of its end, and runs inside of nobody', async () => {
    const stage = new Stage()
    const log: string[] = []
    const contexts: ActorContext[] = []
    const ref = stage.system.spawn(
      defineActor({
        start: (context: ActorContext) => {
          contexts.push(context)
          context.signal.addEventListener('abort', () => log.push(String(context.signal.reason)))
          return { hang: () => new Promise(() => undefined), same: () => context.signal === context.signal }
        },
        stop: () => void log.push('ends'),
      }),
      { shutdownMs: 100 },
    )
    const same = watch(ref.call('same'))
    ref.cast('hang')
    await stage.rest()
    assert.deepEqual([same.value, log], [true, []])
    const gone = watch(ref.stop())
    await stage.pass(100)
    assert.deepEqual([gone.settled, log], [true, ['ActorError: a life of /1 is over']])
    assert.equal(contexts[0]?.signal.aborted, true)
  })

  test('a promise, a Later and a start of a former life settle nothing in the next one', async () => {
    const stage = new Stage()
    const laters: Later<number>[] = []
    const ref = stage.system.spawn(
      defineActor({
        start: () => ({
          later: () => {
            const later = new Later<number>()
            laters.push(later)
            return later
          },
          fail: () => {
            throw new Error('broken')
          },
        }),
      }),
    )
    const first = watch(ref.call('later'))
    await stage.rest()
    ref.cast('fail')
    await stage.rest()
    assert.equal(codeOf(first), 'CRASHED')
    await stage.pass(1_000)
    const second = watch(ref.call('later'))
    await stage.rest()
    laters[0]?.answer(1)
    await stage.rest()
    assert.equal(second.settled, false)
    laters[1]?.answer(2)
    await stage.rest()
    assert.equal(second.value, 2)
  })
})

describe('snapshot', () => {
  test('shows the tree: who lives, how often who failed and why, and what waits', async () => {
    const stage = new Stage()
    let child: ActorRef<Worker> | undefined
    stage.system.spawn(
      parent((context) => (child = context.spawn(worker([], 'w'), { name: 'w', mailboxCapacity: 1 }))),
      { name: 'family' },
    )
    await stage.rest()
    const ref = child as ActorRef<Worker>
    await failed(stage, ref)
    assert.deepEqual([ref.trySend('work', 1), ref.trySend('work', 2)], [true, false])
    await stage.pass(250)
    const [family] = stage.system.snapshot()
    assert.deepEqual(family, {
      path: '/family',
      phase: 'running',
      uptimeMs: 250,
      depth: 0,
      refused: 0,
      handled: 0,
      waitMs: null,
      restarts: 0,
      failures: 0,
      circuit: 'closed',
      history: [],
      children: [
        {
          path: '/family/w',
          phase: 'down',
          uptimeMs: null,
          depth: 1,
          refused: 1,
          handled: 1,
          waitMs: null,
          restarts: 0,
          failures: 1,
          circuit: 'closed',
          history: [{ path: '/family/w', at: 0, uptimeMs: 0, reason: 'it crashed: w is broken', pauseMs: 1_000 }],
          children: [],
        },
      ],
    })
  })

  test('the history keeps a hundred failures, and counts all', async () => {
    const stage = new Stage({ restarts: { maxRestarts: 1_000, stabilityMs: 1 } })
    const ref = stage.system.spawn(worker([], 'w'))
    for (let i = 0; i < 120; i++) {
      await stage.pass(10)
      await failed(stage, ref)
      await stage.pass(1_000)
    }
    const [seen] = stage.system.snapshot()
    assert.deepEqual([seen?.failures, seen?.history.length], [120, 100])
    assert.equal(seen?.history.at(-1)?.at, 119 * 1_010 + 10)
  })
})

test('ActorSystem: an error of who is told of events surfaces, and no actor is the worse for it', async () => {
  const clock = new ManualClock()
  const report = (): never => {
    throw new Error('a reporter')
  }
  const system = new ActorSystem({ clock, random: new Prng(1), report })
  const refs = [system.spawn(worker([], 'a')), system.spawn(worker([], 'b'))]
  const asked = refs.map((ref) => watch(ref.call('work', 1)))
  assert.throws(() => clock.settle(), /a reporter/)
  assert.throws(() => clock.settle(), /a reporter/)
  clock.settle()
  await Promise.resolve()
  assert.deepEqual(
    asked.map(({ value }) => value),
    [1, 1],
  )
})
