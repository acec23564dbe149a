/** Days that go wrong in more than one way at once. What goes wrong in one way stands with what it is about. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor, Later } from '../../src/actor/index.ts'
import type { ActorContext, ActorDefinition, ActorRef } from '../../src/actor/index.ts'
import { MAX_ACTOR_DEPTH } from '../../src/limits.ts'
import { codeOf, Stage, watch } from './stage.ts'

const noStart = defineActor({
  start: () => {
    throw new Error('no start')
  },
})

describe('a supervisor whose child dies in its own start', () => {
  test('starts it again and again, and is well itself until the child has failed too often', async () => {
    const stage = new Stage()
    const log: string[] = []
    const parent = defineActor({
      start: (context: ActorContext) => {
        log.push('parent starts')
        context.spawn(noStart, { name: 'child' })
        return { echo: (what: string) => what }
      },
      stop: (_, { type }) => void log.push(`parent ends: ${type}`),
    })
    const ref = stage.system.spawn(parent, { supervision: { restarts: { maxRestarts: 2, circuitOpenMs: null } } })
    const asked = watch(ref.call('echo', 'x'))
    await stage.rest()
    assert.equal(asked.value, 'x')
    await stage.pass(1_000)
    assert.deepEqual(log, ['parent starts'])
    await stage.pass(2_000)
    assert.deepEqual(log, ['parent starts', 'parent ends: crashed'])
    await stage.pass(1_000)
    assert.deepEqual(log.slice(2), ['parent starts'])
  })

  test('while the supervisor itself is still being started: it never was, and its start ends in nothing', async () => {
    const stage = new Stage()
    let go: () => void = () => undefined
    let starts = 0
    const parent = defineActor({
      start: async (context: ActorContext) => {
        starts++
        context.spawn(noStart, { name: 'child' })
        await new Promise<void>((resolve) => (go = resolve))
        return { echo: (what: string) => what }
      },
    })
    const ref = stage.system.spawn(parent, { supervision: { restarts: { maxRestarts: 0, circuitOpenMs: null } } })
    const asked = watch(ref.call('echo', 'x', { timeoutMs: 500 }))
    await stage.rest()
    assert.equal(stage.system.snapshot()[0]?.phase, 'down')
    go()
    await stage.pass(500)
    assert.equal(codeOf(asked), 'DEADLINE_EXCEEDED')
    assert.equal(starts, 1)
    await stage.pass(500)
    assert.equal(starts, 2)
  })
})

describe('an answer after its deadline', () => {
  test('is heard by nobody, whichever way it comes, and the actor goes on', async () => {
    const stage = new Stage()
    const later = new Later<string>()
    const ref = stage.system.spawn(
      defineActor({
        start: (context: ActorContext) => ({
          slow: async () => {
            await context.sleep(100)
            return 'too late'
          },
          fails: async () => {
            await context.sleep(100)
            throw new Error('too late')
          },
          later: () => later,
          echo: (what: string) => what,
        }),
      }),
    )
    const asked = [
      watch(ref.call('later', undefined, { timeoutMs: 50 })),
      watch(ref.call('slow', undefined, { timeoutMs: 50 })),
      watch(ref.call('fails', undefined, { timeoutMs: 150 })),
    ]
    for (let i = 0; i < 3; i++) await stage.pass(50)
    later.answer('too late')
    later.answer('twice')
    await stage.pass(50)
    assert.deepEqual(asked.map(codeOf), ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
    assert.equal(stage.events.at(-1)?.event, 'failed', 'a crash is one, whoever waits')
    const echo = watch(ref.call('echo', 'x'))
    await stage.pass(1_000)
    assert.equal(echo.value, 'x')
  })
})

describe('an actor that floods itself', () => {
  test('finds its own mailbox full, and what it does then is its own business', async () => {
    const stage = new Stage()
    const seen: string[] = []
    const ref: ActorRef<{ flood(): void; one(): void }> = stage.system.spawn(
      defineActor({
        start: (context: ActorContext) => ({
          flood: () => {
            const self = context.self<{ one(): void }>()
            while (self.trySend('one'));
            seen.push('full')
            self.cast('one')
          },
          one: () => void seen.push('one'),
        }),
      }),
      { mailboxCapacity: 3 },
    )
    const other = stage.system.spawn(defineActor({ start: () => ({ echo: (what: string) => what }) }))
    ref.cast('flood')
    const asked = watch(other.call('echo', 'x'))
    await stage.rest()
    assert.equal(asked.value, 'x')
    assert.equal(
      stage.events.find(({ event }) => event === 'failed')?.error?.message,
      'the mailbox of /1 is full: one was not taken',
    )
    await stage.pass(1_000)
    assert.deepEqual(seen, ['full', 'one', 'one', 'one'])
  })
})

describe('a name of the dead', () => {
  test('is found by nobody, and a reference to him refuses at once, for ever', async () => {
    const stage = new Stage()
    const definition = defineActor({ start: () => ({ echo: (what: string) => what }) })
    const ref = stage.system.spawn(definition, { registerAs: 'jobs' })
    const found = stage.system.named<{ echo(what: string): string }>('jobs')
    ref.stop().catch(() => undefined)
    await stage.rest()
    assert.equal(stage.system.named('jobs'), undefined)
    stage.system.spawn(definition, { registerAs: 'jobs' })
    const asked = [watch((found ?? ref).call('echo', 'x')), watch((found ?? ref).send('echo', 'x'))]
    await stage.rest()
    assert.deepEqual(asked.map(codeOf), ['DOWN', 'DOWN'])
    assert.throws(() => ref.cast('echo', 'x'), { code: 'DOWN', message: /\/1 takes no messages, since it is gone/ })
  })
})

test('a chain of actors, each the child of the one before: is as deep as may be, is seen and stopped', async () => {
  const stage = new Stage()
  let deep = 0
  const link: ActorDefinition<object> = {
    start: (context) => {
      deep++
      context.spawn(link, { restart: 'temporary' })
      return {}
    },
  }
  stage.system.spawn(link, { restart: 'temporary' })
  for (let i = 0; i < 30; i++) await stage.rest()
  // The last one failed for want of a child, and those above it have none.
  assert.equal(deep, MAX_ACTOR_DEPTH)
  const refused = stage.events.find(({ event }) => event === 'given-up')
  assert.match(refused?.error?.message ?? '', /^actors stand at most 256 deep: .* starts none below it$/)
  assert.equal(stage.system.snapshot().length, 1)
  const stopped = watch(stage.system.stop())
  for (let i = 0; i < 30; i++) await stage.rest()
  assert.ok(stopped.settled)
})
