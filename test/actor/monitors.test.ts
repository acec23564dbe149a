import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor, watchLives } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef, LifeEvent, Restart, Watch } from '../../src/actor/index.ts'
import { Stage, watch } from './stage.ts'

interface Worker {
  fail(): never
  hang(): Promise<never>
}

const worker = defineActor<Worker>({
  start: () => ({
    fail: () => {
      throw new Error('broken')
    },
    hang: () => new Promise(() => undefined),
  }),
})

interface Watcher {
  /** From here on it writes down what becomes of the target. */
  watch(target: ActorRef<Worker>): Watch
  /** Takes `ms`, and keeps it from hearing anything. */
  busy(ms: number): Promise<void>
  fail(): never
}

function staged(restart: Restart = 'permanent') {
  const stage = new Stage()
  const told: string[] = []
  const watcher = stage.system.spawn(
    defineActor<Watcher>({
      start: (context: ActorContext) => ({
        watch: (target) => context.monitor(target, (event) => void told.push(say(event))),
        busy: (ms) => new Promise((resolve) => void stage.clock.setTimer(ms, resolve)),
        fail: () => {
          throw new Error('the watcher is broken')
        },
      }),
    }),
  )
  const target = stage.system.spawn(worker, { restart, shutdownMs: 100 })
  return { stage, told, watcher, target }
}

function say(event: LifeEvent): string {
  return event.type === 'up' ? 'up' : `${event.final ? 'finally ' : ''}down: ${event.reason}`
}

async function failed(stage: Stage, target: ActorRef<Worker>): Promise<void> {
  target.cast('fail' as never)
  await stage.rest()
}

describe('context.monitor', () => {
  test('is told of each end of a life and of each beginning after it, and of the last end', async () => {
    const { stage, told, watcher, target } = staged()
    watcher.cast('watch', target)
    await stage.rest()
    assert.deepEqual(told, [])
    await failed(stage, target)
    assert.deepEqual(told, ['down: crashed'])
    await stage.pass(1_000)
    assert.deepEqual(told, ['down: crashed', 'up'])
    const stopped = watch(target.stop())
    await stage.rest()
    assert.ok(stopped.settled)
    assert.deepEqual(told.slice(2), ['finally down: stopped'])
  })

  test('an end for good is one event; so is a kill', async () => {
    const { stage, told, watcher, target } = staged('temporary')
    watcher.cast('watch', target)
    await stage.rest()
    await failed(stage, target)
    assert.deepEqual(told, ['finally down: crashed'])
    const other = stage.system.spawn(worker, { shutdownMs: 100 })
    watcher.cast('watch', other)
    other.cast('hang')
    await stage.rest()
    other.stop().catch(() => undefined)
    await stage.pass(100)
    assert.deepEqual(told.slice(1), ['finally down: killed'])
  })

  test('what has no life is down at once, and what never had one yet is not', async () => {
    const { stage, told, watcher, target } = staged()
    await stage.rest()
    await failed(stage, target)
    watcher.cast('watch', target)
    await stage.rest()
    assert.deepEqual(told, ['down: crashed'])
    target.stop().catch(() => undefined)
    await stage.rest()
    assert.deepEqual(told.slice(1), ['finally down: crashed'])
    watcher.cast('watch', target)
    await stage.rest()
    assert.deepEqual(told.slice(2), ['finally down: gone'])
  })

  test('a start that fails again is no news', async () => {
    const { stage, told, watcher } = staged()
    let isBad = false
    const target = stage.system.spawn(
      defineActor<Worker>({
        start: (context, argument) => {
          if (isBad) throw new Error('no start')
          return worker.start(context, argument)
        },
      }),
    )
    watcher.cast('watch', target)
    await stage.rest()
    isBad = true
    await failed(stage, target)
    await stage.pass(1_000)
    isBad = false
    await stage.pass(2_000)
    assert.deepEqual(told, ['down: crashed', 'up'])
  })

  test('nothing is told inside of whoever ends, nor beside a handler; what came and went meanwhile is left out', async () => {
    const { stage, told, watcher, target } = staged()
    watcher.cast('watch', target)
    watcher.cast('busy', 10_000)
    await stage.rest()
    await failed(stage, target)
    await stage.pass(1_000)
    await failed(stage, target)
    await stage.pass(2_000)
    await failed(stage, target)
    assert.deepEqual(told, [])
    await stage.pass(7_000)
    assert.deepEqual(told, ['down: crashed', 'up'])
  })

  test('ends with the life of the watcher, or when it is cancelled', async () => {
    const { stage, told, watcher, target } = staged()
    watcher.cast('watch', target)
    await stage.rest()
    watcher.cast('fail' as never)
    await stage.pass(1_000)
    await failed(stage, target)
    assert.equal(told.length, 0)
    await stage.pass(1_000)
    const asked = watch(watcher.call('watch', target))
    await stage.rest()
    asked.value?.cancel()
    await failed(stage, target)
    await stage.pass(2_000)
    assert.equal(told.length, 0)
  })

  test('lets go of its target when the life of the watcher ends, and hears nothing that the target says then', async () => {
    const { stage, told } = staged()
    let tell: (event: LifeEvent) => void = () => undefined
    let letGo = 0
    const target = {
      path: 'elsewhere',
      [watchLives]: (listener: (event: LifeEvent) => void) => {
        tell = listener
        return { cancel: () => void letGo++ }
      },
    }
    const watcher = stage.system.spawn(
      defineActor<Watcher>({
        start: (context) => {
          const first = context.monitor(target, (event) => void told.push(say(event)))
          first.cancel()
          first.cancel()
          context.monitor(target, (event) => void told.push(say(event)))
          return {
            watch: () => first,
            busy: () => Promise.resolve(),
            fail: () => {
              throw new Error('the watcher is broken')
            },
          }
        },
      }),
      { restart: 'temporary' },
    )
    await stage.rest()
    assert.equal(letGo, 1)
    tell({ type: 'down', reason: 'unreachable', words: 'the link is lost', final: false })
    await stage.rest()
    assert.deepEqual(told, ['down: unreachable'])
    watcher.cast('fail' as never)
    tell({ type: 'up' })
    await stage.rest()
    assert.equal(letGo, 2)
    assert.equal(told.length, 1)
  })

  test('whoever monitors many, one after the other, keeps none of those that are gone', async () => {
    const { stage } = staged()
    const tells: ((event: LifeEvent) => void)[] = []
    let letGo = 0
    const target = {
      path: 'elsewhere',
      [watchLives]: (listener: (event: LifeEvent) => void) => {
        tells.push(listener)
        return { cancel: () => void letGo++ }
      },
    }
    const watcher = stage.system.spawn(
      defineActor({
        start: (context) => ({ watch: () => void context.monitor(target, () => undefined) }),
      }),
    )
    for (let i = 0; i < 3; i++) watcher.cast('watch')
    await stage.rest()
    for (const tell of tells.slice(0, 2)) tell({ type: 'down', reason: 'stopped', words: 'it was stopped', final: true })
    await stage.rest()
    watcher.stop().catch(() => undefined)
    await stage.rest()
    assert.equal(letGo, 1, 'its end lets go of what it keeps')
  })

  test('a listener that throws or rejects is a crash of the watcher', async () => {
    for (const listener of [
      (): void => {
        throw new Error('a listener')
      },
      (): Promise<void> => Promise.reject(new Error('a listener')),
    ]) {
      const { stage, target } = staged()
      stage.system.spawn(
        defineActor({
          start: (context) => {
            context.monitor(target, listener)
            return {}
          },
        }),
        { name: 'watcher' },
      )
      await stage.rest()
      await failed(stage, target)
      const failures = stage.events.filter(({ event }) => event === 'failed').map(({ path, error }) => [path, error?.message])
      assert.deepEqual(failures, [
        ['/2', 'broken'],
        ['/watcher', 'a listener'],
      ])
    }
  })

  test('what is no reference is refused', async () => {
    const { stage } = staged()
    stage.system.spawn(
      defineActor({
        start: (context) => {
          context.monitor({ path: '/x' } as never, () => undefined)
          return {}
        },
      }),
    )
    await stage.rest()
    assert.match(String(stage.events.find(({ event }) => event === 'failed')?.error), /give a reference/)
  })
})
