import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorContext, LifeEvent, Restart } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'
import { failed, worker } from './worker.ts'
import type { Worker } from './worker.ts'

test('permanent, transient and temporary: which end makes a restart', async () => {
  for (const [restart, message, comesBack] of [
    ['permanent', 'fail', true],
    ['permanent', 'leave', true],
    ['transient', 'fail', true],
    ['transient', 'leave', false],
    ['temporary', 'fail', false],
    ['temporary', 'leave', false],
  ] as const) {
    const stage = new Stage()
    const ref = stage.system.spawn(worker([], 'w'), { restart })
    ref.cast(message as never)
    await stage.pass(1_000)
    const asked = watch(ref.call('work', 1))
    await stage.rest()
    assert.equal(asked.value, comesBack ? 1 : undefined, `${restart} ${message}`)
    if (!comesBack) assert.equal(codeOf(asked), 'DOWN')
  }
})

test('a permanent actor that stops itself: what waits is handled by its next life, and it counts as a failure does', async () => {
  const stage = new Stage()
  const log: string[] = []
  const ref = stage.system.spawn(worker(log, 'w'))
  const left = watch(ref.call('leave'))
  const behind = watch(ref.call('work', 1))
  await stage.pass(999)
  assert.deepEqual([left.settled, left.error, behind.settled], [true, undefined, false])
  await stage.pass(1)
  assert.equal(behind.value, 1)
  assert.deepEqual(log, ['w starts', 'w ends: stopped', 'w starts'])
  const [{ restarts, failures, history, circuit } = assert.fail()] = stage.system.snapshot()
  assert.deepEqual([restarts, failures, history[0]?.reason, circuit], [1, 1, 'it stopped itself, and is permanent', 'closed'])
  const failed = stage.events.find(({ event }) => event === 'failed')
  assert.deepEqual([failed?.pauseMs, failed?.error?.message], [1_000, 'it stopped itself, and is permanent'])
  for (const pauseMs of [2_000, 4_000, 300_000]) {
    ref.cast('leave')
    await stage.pass(pauseMs)
  }
  assert.equal(stage.system.snapshot()[0]?.circuit, 'half-open')
})

test('a permanent actor that stops itself is gone for good when somebody stops it meanwhile, or it asks by its reference', async () => {
  const stage = new Stage()
  const log: string[] = []
  const slow = { stop: () => new Promise<void>((resolve) => void stage.clock.setTimer(100, resolve)) }
  const ref = stage.system.spawn(worker(log, 'w', slow))
  ref.cast('leave')
  await stage.rest()
  assert.equal(stage.system.snapshot()[0]?.phase, 'ending')
  const gone = watch(ref.stop())
  await stage.pass(100)
  assert.equal(gone.settled, true)
  const own = stage.system.spawn(defineActor({ start: (context: ActorContext) => ({ end: () => context.self().stop() }) }))
  await Promise.all([own.call('end'), stage.pass(0)])
  assert.deepEqual(stage.system.snapshot(), [])
  await stage.pass(600_000)
  assert.deepEqual(log, ['w starts'])
})

test('a permanent actor that stops itself while others are restarted with it begins once, with them', async () => {
  const stage = new Stage({ strategy: 'one-for-all' })
  const log: string[] = []
  const slow = { stop: () => new Promise<void>((resolve) => void stage.clock.setTimer(100, resolve)) }
  const leaves = stage.system.spawn(worker(log, 'a', slow))
  const fails = stage.system.spawn(worker(log, 'b'))
  await stage.rest()
  leaves.cast('leave')
  await stage.rest()
  await failed(stage, fails)
  await stage.pass(100)
  await stage.pass(1_000)
  assert.deepEqual(log, ['a starts', 'b starts', 'b ends: crashed', 'a starts', 'b starts'])
  const [first] = stage.system.snapshot()
  assert.deepEqual([first?.restarts, first?.failures], [1, 1])
  const asked = watch(leaves.call('work', 2))
  await stage.rest()
  assert.equal(asked.value, 2)
})

test('a permanent actor that stops itself is no loss to others: monitors hear down and up, names and groups keep it, links end', async () => {
  const stage = new Stage()
  const told: LifeEvent[] = []
  const ref = stage.system.spawn(worker([], 'w'), { registerAs: 'w' })
  stage.system.groups.join('workers', 'w')
  const own: ActorContext[] = []
  stage.system.spawn(defineActor({ start: (context) => (own.push(context), {}) }), { name: 'other' })
  await stage.rest()
  own[0]?.monitor(ref, (event) => told.push(event))
  own[0]?.link(ref)
  ref.cast('leave')
  await stage.rest()
  assert.deepEqual(told, [{ type: 'down', reason: 'stopped', words: 'it was stopped', final: false }])
  assert.equal(stage.system.groups.members('workers').length, 1)
  await stage.pass(1_000)
  assert.deepEqual(told.slice(1), [{ type: 'up' }])
  const asked = watch(stage.system.named<Worker>('w')?.call('work', 3) ?? Promise.reject(new Error('nobody')))
  await stage.rest()
  assert.equal(asked.value, 3)
  assert.equal(own.length, 1, 'an orderly end went over a link')
})

test('a permanent actor that stops itself, and fails or is killed on its way out, has failed or was killed, once', async () => {
  const stage = new Stage()
  const crashes = stage.system.spawn(
    defineActor({
      start: (context: ActorContext) => ({
        leave: () => {
          context.stop()
          throw new Error('on its way out')
        },
      }),
    }),
    { name: 'crashes' },
  )
  const hangs = stage.system.spawn(worker([], 'hangs', { stop: () => new Promise(() => undefined) }), {
    name: 'hangs',
    shutdownMs: 100,
  })
  const starts = stage.system.spawn(
    defineActor({ start: (context: ActorContext) => (context.now() < 500 && context.stop(), { work: () => 'worked' }) }),
    { name: 'starts' },
  )
  crashes.cast('leave' as never)
  hangs.cast('leave')
  const behind = watch(starts.call('work'))
  await stage.pass(100)
  const reasons = stage.system.snapshot().map(({ phase, failures, history }) => [phase, failures, history[0]?.reason])
  assert.deepEqual(reasons, [
    ['down', 1, 'it crashed: on its way out'],
    ['down', 1, 'it did not stop in time and was killed'],
    ['down', 1, 'it stopped itself, and is permanent'],
  ])
  await stage.pass(1_000)
  assert.deepEqual(
    stage.system.snapshot().map(({ phase, restarts }) => [phase, restarts]),
    [
      ['running', 1],
      ['running', 1],
      ['running', 1],
    ],
  )
  assert.equal(behind.value, 'worked')
})

test('a permanent actor that stops itself and is restarted by hand meanwhile begins at once, and not when somebody stops it', async () => {
  for (const isStopped of [false, true]) {
    const stage = new Stage()
    const log: string[] = []
    const slow = { stop: () => new Promise<void>((resolve) => void stage.clock.setTimer(100, resolve)) }
    const ref = stage.system.spawn(worker(log, 'w', slow))
    ref.cast('leave')
    await stage.rest()
    const restarted = watch(ref.restart())
    const gone = isStopped ? watch(ref.stop()) : null
    await stage.pass(100)
    assert.equal(restarted.settled, true)
    if (gone === null) {
      assert.deepEqual([restarted.error, log], [undefined, ['w starts', 'w starts']])
      const [seen] = stage.system.snapshot()
      assert.deepEqual([seen?.failures, seen?.history.map(({ reason }) => reason)], [0, ['it was restarted by hand']])
    } else assert.deepEqual([codeOf(restarted), gone.settled, log], ['DOWN', true, ['w starts']])
    await stage.pass(600_000)
    assert.equal(log.length, isStopped ? 1 : 2)
  }
})

test('without a circuit, a permanent child that stops itself too often is a failure of its parent; a transient one never', async () => {
  const stage = new Stage()
  const log: string[] = []
  const spawnFamily = (name: string, restart: Restart): void => {
    const child = worker([], 'child', {
      start: (context) => {
        context.after(10, () => context.stop())
        return {} as never
      },
      stop: () => undefined,
    })
    const start = (context: ActorContext): object => {
      log.push(`${name} starts`)
      context.spawn(child, { restart })
      return {}
    }
    stage.system.spawn(defineActor({ start }), { name, supervision: { restarts: { circuitOpenMs: null, maxRestarts: 1 } } })
  }
  spawnFamily('permanent', 'permanent')
  spawnFamily('transient', 'transient')
  await stage.pass(10)
  for (const ms of [1_000, 10, 1_000]) await stage.pass(ms)
  assert.deepEqual(log, ['permanent starts', 'transient starts', 'permanent starts'])
  const failure = stage.events.find(({ path, event }) => path === '/permanent' && event === 'failed')
  assert.match(failure?.error?.message ?? '', /failed too often; the last time it stopped itself, and is permanent/)
})
