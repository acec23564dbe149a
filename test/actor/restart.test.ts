import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef, SpawnOptions, SupervisionSettings } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Worker {
  fail(): never
  wait(ms: number): Promise<string>
  restart(): Promise<string>
  stop(): Promise<string>
}

interface Trouble {
  start?: 'fails' | 'takes 50 ms'
}

function staged(settings: SupervisionSettings = {}) {
  const stage = new Stage(settings)
  const log: string[] = []
  const trouble: Trouble = {}
  const after = (ms: number): Promise<void> => new Promise((resolve) => void stage.clock.setTimer(ms, resolve))
  const spawn = (name: string, options: SpawnOptions = {}): ActorRef<Worker> => {
    const definition = defineActor<Worker>({
      start: async (context: ActorContext) => {
        if (trouble.start === 'takes 50 ms') await after(50)
        if (trouble.start === 'fails') throw new Error('no start')
        log.push(`${name} starts`)
        return {
          fail: () => {
            throw new Error('broken')
          },
          wait: async (ms) => {
            await after(ms)
            return 'waited'
          },
          restart: async () => {
            await after(1)
            await context.self<Worker>().restart()
            return 'restarted'
          },
          stop: async () => {
            await after(1)
            await context.self<Worker>().stop()
            return 'stopped'
          },
        }
      },
      stop: (_, { type }) => void log.push(`${name} ends: ${type}`),
    })
    return stage.system.spawn(definition, { name, ...options })
  }
  const failed = async (ref: ActorRef<Worker>): Promise<void> => {
    ref.cast('fail' as never)
    await stage.rest()
  }
  return { stage, log, trouble, spawn, failed }
}

describe('ActorRef.restart', () => {
  test('who asks while the life is starting that another asked for is told when it has started, and so is that one', async () => {
    const { stage, log, trouble, spawn } = staged()
    const ref = spawn('w')
    await stage.rest()
    trouble.start = 'takes 50 ms'
    const first = watch(ref.restart())
    await stage.rest()
    const second = watch(ref.restart())
    await stage.pass(49)
    assert.deepEqual([first.settled, second.settled], [false, false])
    // The first start had begun: it ends before the second one begins.
    await stage.pass(1)
    await stage.pass(50)
    assert.deepEqual(
      [first, second],
      [
        { settled: true, value: undefined },
        { settled: true, value: undefined },
      ],
    )
    assert.equal(stage.system.snapshot()[0]?.phase, 'running')
    assert.equal(log.at(-1), 'w starts')
  })

  test('who asks twice at once is told twice that it has started', async () => {
    const { stage, log, spawn } = staged()
    const ref = spawn('w')
    await stage.rest()
    const asked = [watch(ref.restart()), watch(ref.restart()), watch(ref.restart())]
    await stage.rest()
    for (const one of asked) assert.deepEqual(one, { settled: true, value: undefined })
    assert.deepEqual(log, ['w starts', 'w ends: stopped', 'w starts'])
  })

  test('in its own start is a failure of that: it is started again after a pause', async () => {
    for (const late of [false, true]) {
      const stage = new Stage()
      let starts = 0
      const definition = defineActor({
        start: (context: ActorContext) => {
          // Enough to be seen.
          if (++starts > 10) return {}
          const restart = (): object => {
            context
              .self()
              .restart()
              .catch(() => undefined)
            return {}
          }
          return late ? context.sleep(1).then(restart) : restart()
        },
      })
      stage.system.spawn(definition)
      await stage.pass(1)
      await stage.pass(990)
      assert.equal(starts, 1)
      assert.match(
        stage.events.find(({ event }) => event === 'failed')?.error?.message ?? '',
        /asked to be restarted in its own start/,
      )
      await stage.pass(10)
      assert.equal(starts, 2)
    }
  })

  test('ends the life in good order, behind the message in hand, and begins the next one at once', async () => {
    const { stage, log, spawn } = staged()
    const ref = spawn('w')
    const waiting = watch(ref.call('wait', 10))
    const behind = watch(ref.call('wait', 10))
    await stage.rest()
    const restarted = watch(ref.restart())
    await stage.pass(9)
    assert.deepEqual(log, ['w starts'])
    await stage.pass(1)
    assert.equal(waiting.value, 'waited')
    assert.deepEqual(log, ['w starts', 'w ends: stopped', 'w starts'])
    assert.deepEqual(restarted, { settled: true, value: undefined })
    await stage.pass(10)
    assert.equal(behind.value, 'waited')
    const [seen] = stage.system.snapshot()
    assert.deepEqual(
      [seen?.failures, seen?.restarts, seen?.history],
      [0, 1, [{ path: '/w', at: 0, uptimeMs: 0, reason: 'it was restarted by hand', pauseMs: 0 }]],
    )
  })

  test('out of a pause: it is started once, and the next pause is as long as it would have been', async () => {
    const { stage, log, spawn, failed } = staged()
    const ref = spawn('w')
    await stage.rest()
    await failed(ref)
    const restarted = watch(ref.restart())
    await stage.rest()
    assert.equal(restarted.settled, true)
    await stage.pass(5_000)
    assert.deepEqual(log, ['w starts', 'w ends: crashed', 'w starts'])
    await failed(ref)
    assert.equal(stage.events.at(-1)?.pauseMs, 2_000)
  })

  test('out of an open circuit: it has one try, and a failure opens the circuit again', async () => {
    const { stage, spawn, failed } = staged()
    const ref = spawn('w')
    await stage.rest()
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await failed(ref)
      await stage.pass(pauseMs)
    }
    await failed(ref)
    const circuit = (): string | undefined => stage.system.snapshot()[0]?.circuit
    assert.equal(circuit(), 'open')
    assert.equal(ref.trySend('wait', 1), false)
    const restarted = watch(ref.restart())
    await stage.rest()
    assert.deepEqual([restarted.settled, circuit()], [true, 'half-open'])
    assert.equal(ref.trySend('wait', 1), true)
    await stage.pass(1)
    const again = watch(ref.restart())
    await stage.pass(119_000)
    assert.deepEqual([again.settled, circuit()], [true, 'half-open'], 'by hand it is no more stable than before')
    await failed(ref)
    assert.deepEqual([circuit(), stage.events.at(-1)?.pauseMs], ['open', 300_000])
    watch(ref.restart())
    await stage.pass(120_000)
    assert.equal(circuit(), 'closed')
  })

  test('with those that are restarted with it, in their order', async () => {
    const { stage, log, spawn } = staged({ strategy: 'rest-for-one' })
    spawn('a')
    const b = spawn('b', { restart: 'temporary' })
    spawn('c')
    await stage.rest()
    log.length = 0
    const restarted = watch(b.restart())
    await stage.rest()
    assert.deepEqual(log, ['c ends: stopped', 'b ends: stopped', 'b starts', 'c starts'])
    assert.equal(restarted.settled, true)
  })

  test('while it is being restarted: one that is asked for meanwhile is the same', async () => {
    const { stage, log, spawn } = staged({ strategy: 'one-for-all' })
    const a = spawn('a')
    const b = spawn('b')
    b.cast('wait', 10)
    await stage.rest()
    log.length = 0
    a.cast('fail' as never)
    await stage.rest()
    // It waits for the end of the other, and there is no pause behind that.
    const restarted = [watch(a.restart()), watch(b.restart()), watch(b.restart())]
    await stage.pass(10)
    assert.deepEqual(log, ['a ends: crashed', 'b ends: stopped', 'a starts', 'b starts'])
    assert.deepEqual(
      restarted.map(({ settled, error }) => [settled, error]),
      [
        [true, undefined],
        [true, undefined],
        [true, undefined],
      ],
    )
    await stage.pass(10_000)
    assert.equal(log.length, 4)
  })

  test('a start that fails, is cut short by an end, or is not to be any more, is what it rejects with', async () => {
    const { stage, trouble, spawn } = staged()
    const ref = spawn('w', { shutdownMs: 20 })
    await stage.rest()
    trouble.start = 'fails'
    const failing = watch(ref.restart())
    await stage.rest()
    assert.equal(codeOf(failing), 'CRASHED')
    trouble.start = 'takes 50 ms'
    const cut = watch(ref.restart())
    await stage.rest()
    const stopped = watch(ref.stop())
    const late = watch(ref.restart())
    await stage.rest()
    assert.equal(codeOf(late), 'DOWN')
    await stage.pass(20)
    assert.deepEqual([stopped.settled, codeOf(cut)], [true, 'CRASHED'])
  })

  test('a supervisor that ends in the middle of it says so, and starts nothing', async () => {
    const { stage, log, spawn } = staged({ strategy: 'one-for-all' })
    const a = spawn('a')
    const b = spawn('b')
    b.cast('wait', 10)
    await stage.rest()
    const restarted = watch(a.restart())
    await stage.rest()
    const gone = watch(stage.system.stop())
    await stage.pass(10)
    assert.equal(gone.settled, true)
    assert.equal(codeOf(restarted), 'DOWN')
    assert.deepEqual(log, ['a starts', 'b starts', 'b ends: stopped', 'a ends: stopped'])
  })

  test('one that is stopped before its turn in a restart does not keep the others from theirs', async () => {
    const { stage } = staged({ strategy: 'one-for-all' })
    const log: string[] = []
    const refs: ActorRef<{ fail(): never; stopNext(): void }>[] = []
    for (const which of [0, 1, 2]) {
      const definition = defineActor({
        start: () => {
          log.push(`${which} starts`)
          return {
            fail: (): never => {
              throw new Error('broken')
            },
            stopNext: () => void refs[which + 1]?.stop(),
          }
        },
      })
      refs.push(stage.system.spawn(definition))
    }
    await stage.rest()
    log.length = 0
    refs[0]?.cast('fail' as never)
    // Handled in the first turn of the next life, in which the second is to have its own behind it.
    refs[0]?.cast('stopNext')
    await stage.pass(1_000)
    assert.deepEqual(log, ['0 starts', '2 starts'])
  })
})

describe('an actor that asks something of itself', () => {
  test('may wait for its own end or restart in a handler', async () => {
    for (const message of ['stop', 'restart'] as const) {
      const { stage, log, spawn } = staged()
      const ref = spawn('w')
      const asked = watch(ref.call(message))
      await stage.pass(1)
      assert.equal(asked.value, message === 'stop' ? 'stopped' : 'restarted')
      assert.deepEqual(log.slice(1), message === 'stop' ? ['w ends: stopped'] : ['w ends: stopped', 'w starts'])
      assert.equal(
        stage.events.some(({ event }) => event === 'killed'),
        false,
      )
    }
  })

  test('also by a reference that others gave it, and in its start and its end', async () => {
    const stage = new Stage()
    const log: string[] = []
    const ref: ActorRef<{ leave(): Promise<void> }> = stage.system.spawn(
      defineActor({
        start: () => ({ leave: () => ref.stop() }),
        stop: () => void log.push('ends'),
      }),
    )
    ref.cast('leave')
    const starting = stage.system.spawn(
      defineActor({
        start: async (context) => {
          await context.self().stop()
          return {}
        },
        stop: () => void log.push('ends as well'),
      }),
    )
    const ending = stage.system.spawn(
      defineActor({ start: (context) => ({ context }), stop: ({ context }) => context.self().stop() }),
    )
    await stage.rest()
    const gone = [watch(starting.stop()), watch(ending.stop())]
    await stage.rest()
    assert.deepEqual(
      gone.map(({ settled }) => settled),
      [true, true],
    )
    assert.deepEqual(log, ['ends', 'ends as well'])
    assert.deepEqual(stage.system.snapshot(), [])
  })
})
