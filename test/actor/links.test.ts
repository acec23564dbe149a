import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorRef } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Worker {
  link(other: ActorRef<Worker>): void
  fail(): never
  hang(): Promise<never>
  count(): number
}

function worker(log: string[], name: string, peer?: () => ActorRef<Worker>) {
  return defineActor<Worker>({
    start: (context) => {
      log.push(`${name} starts`)
      if (peer !== undefined) context.link(peer())
      let count = 0
      return {
        link: (other) => context.link(other),
        fail: () => {
          throw new Error(`${name} is broken`)
        },
        hang: () => new Promise(() => undefined),
        count: () => ++count,
      }
    },
    stop: (_, reason) => void log.push(`${name} ends: ${reason.type === 'crashed' ? reason.error.message : reason.type}`),
  })
}

async function pair() {
  const stage = new Stage()
  const log: string[] = []
  const a = stage.system.spawn(worker(log, 'a'), { name: 'a', shutdownMs: 100 })
  const b = stage.system.spawn(worker(log, 'b'), { name: 'b', shutdownMs: 100 })
  await stage.rest()
  log.length = 0
  const failed = async (ref: ActorRef<Worker>): Promise<void> => {
    ref.cast('fail' as never)
    await stage.rest()
  }
  return { stage, log, a, b, failed }
}

describe('context.link', () => {
  test('a crash of either life is a crash of the other, and is over with that', async () => {
    for (const isFirst of [true, false]) {
      const { stage, log, a, b, failed } = await pair()
      a.cast('link', b)
      a.cast('link', b)
      await stage.rest()
      await failed(isFirst ? a : b)
      const [one, other] = isFirst ? ['a', 'b'] : ['b', 'a']
      assert.deepEqual(log, [
        `${one} ends: ${one} is broken`,
        `${other} ends: /${one}, to which it is linked, is over: it crashed: ${one} is broken`,
      ])
      await stage.pass(1_000)
      await failed(a)
      assert.deepEqual(log.slice(2), [`${one} starts`, `${other} starts`, 'a ends: a is broken'])
      assert.equal(stage.system.snapshot()[1]?.failures, 1)
    }
  })

  test('a crash does not wait for the handler of the other', async () => {
    const { stage, log, a, b, failed } = await pair()
    a.cast('link', b)
    const hanging = watch(b.call('hang'))
    await stage.rest()
    await failed(a)
    assert.equal(codeOf(hanging), 'CRASHED')
    assert.equal(log.length, 2)
  })

  test('an orderly end is none of the other, a kill is', async () => {
    const { stage, log, a, b } = await pair()
    a.cast('link', b)
    await stage.rest()
    b.stop().catch(() => undefined)
    await stage.rest()
    assert.deepEqual(log, ['b ends: stopped'])
    const other = await pair()
    other.a.cast('link', other.b)
    other.b.cast('hang')
    await other.stage.rest()
    other.b.stop().catch(() => undefined)
    await other.stage.pass(100)
    assert.deepEqual(other.log, ['a ends: /b, to which it is linked, is over: it did not stop in time and was killed'])
  })

  test('to one that is about to begin: the link is to the life that begins, also if that fails to', async () => {
    const stage = new Stage()
    const log: string[] = []
    stage.system.spawn(
      defineActor({
        start: (context) => {
          log.push('parent starts')
          const child = context.spawn(
            defineActor({
              start: () => {
                log.push('child fails')
                throw new Error('no start')
              },
            }),
          )
          context.link(child)
          return {}
        },
        stop: (_, reason) => void log.push(`parent ends: ${reason.type}`),
      }),
    )
    await stage.rest()
    assert.deepEqual(log, ['parent starts', 'child fails', 'parent ends: crashed'])
  })

  test('two that are linked to each other, and kill each other again and again, come to their open circuits', async () => {
    const stage = new Stage()
    const log: string[] = []
    const refs: ActorRef<Worker>[] = []
    const get = (which: number) => (): ActorRef<Worker> => refs[which] as ActorRef<Worker>
    refs.push(stage.system.spawn(worker(log, 'a', get(1))), stage.system.spawn(worker(log, 'b', get(0))))
    await stage.rest()
    for (const pauseMs of [1_000, 2_000, 4_000, 1]) {
      refs[0]?.cast('fail' as never)
      await stage.rest()
      assert.deepEqual(
        stage.system.snapshot().map(({ phase }) => phase),
        ['down', 'down'],
      )
      await stage.pass(pauseMs)
    }
    assert.deepEqual(
      stage.system.snapshot().map(({ circuit, failures }) => [circuit, failures]),
      [
        ['open', 4],
        ['open', 4],
      ],
    )
  })

  test('a chain of thirty thousand fails on a stack of its own size', async () => {
    const stage = new Stage()
    const refs: ActorRef<Worker>[] = []
    for (let i = 0; i < 30_000; i++) {
      const before = refs.at(-1)
      refs.push(stage.system.spawn(worker([], 'w', before && ((): ActorRef<Worker> => before)), { restart: 'temporary' }))
    }
    await stage.rest()
    refs[15_000]?.cast('fail' as never)
    await stage.rest()
    assert.equal(stage.system.snapshot().length, 0)
    assert.equal(
      stage.events.findLast(({ path }) => path === '/1')?.error?.message,
      '/2, to which it is linked, is over, because of /15001: it crashed: w is broken',
    )
  })

  test('to one that is down: the link is to its next life, and one that gets none any more takes the other down if it failed', async () => {
    const { stage, log, a, b, failed } = await pair()
    await failed(b)
    a.cast('link', b)
    await stage.pass(1_000)
    await failed(b)
    assert.match(log.at(-1) ?? '', /^a ends: \/b, to which it is linked/)
    await stage.pass(2_000)
    await failed(b)
    a.cast('link', b)
    await stage.rest()
    log.length = 0
    b.stop().catch(() => undefined)
    await stage.rest()
    assert.match(log.at(-1) ?? '', /^a ends: \/b, to which it is linked/)
  })

  test('to one that is gone, to what is no reference, and to itself', async () => {
    const { stage, log, a, b, failed } = await pair()
    b.stop().catch(() => undefined)
    const refused = watch(a.call('link', b))
    await stage.rest()
    assert.match(String(refused.error), /\/b is gone/)
    await stage.pass(1_000)
    const wrong = watch(a.call('link', { path: '/b' } as never))
    await stage.rest()
    assert.match(String(wrong.error), /give a reference to an actor of this node/)
    await stage.pass(2_000)
    log.length = 0
    a.cast('link', a)
    await failed(a)
    assert.deepEqual(log, ['a ends: a is broken'])
  })
})
