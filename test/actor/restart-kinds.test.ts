import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorContext } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'
import { failed, worker } from './worker.ts'

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
