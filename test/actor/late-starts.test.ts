/** A start that settles when somebody has asked for the end of its life, or when that is over: what it holds is let go of, and acts on nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef, SpawnOptions } from '../../src/actor/index.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Holder {
  which(): number
}

/** Lives that begin when a test says so. */
function staged(options: SpawnOptions = {}, prepare: (context: ActorContext) => void = () => undefined) {
  const stage = new Stage()
  const log: string[] = []
  const starts: PromiseWithResolvers<Holder>[] = []
  const definition = defineActor<Holder>({
    start: (context) => {
      prepare(context)
      const open = Promise.withResolvers<Holder>()
      starts.push(open)
      return open.promise
    },
    stop: async (handlers, { type }) => {
      log.push(`${handlers.which()} lets go: ${type}`)
      await Promise.reject(new Error('held on to'))
    },
  })
  const ref: ActorRef<Holder> = stage.system.spawn(definition, { name: 'holder', shutdownMs: 20, ...options })
  const begin = async (which: number): Promise<void> => {
    await stage.rest()
    const start = starts[which] ?? assert.fail(`start ${which} has not begun`)
    start.resolve({ which: () => which })
    await stage.rest()
  }
  const stopsFailed = (): number => stage.events.filter(({ event }) => event === 'stop-failed').length
  return { stage, log, starts, ref, begin, stopsFailed }
}

test('one that ends before its time is over lets go in its end', async () => {
  const { stage, log, ref, begin } = staged()
  await stage.rest()
  const gone = watch(ref.stop())
  await stage.pass(19)
  assert.equal(gone.settled, false)
  await begin(0)
  assert.equal(gone.settled, true)
  assert.deepEqual(log, ['0 lets go: stopped'])
  await stage.pass(100)
  assert.equal(stage.events.filter(({ event }) => event === 'killed').length, 0)
})

test('one that ends when its life was killed lets go beside the next life, which goes on', async () => {
  const { stage, log, starts, ref, begin, stopsFailed } = staged()
  await stage.rest()
  const restarted = watch(ref.restart())
  await stage.pass(19)
  assert.equal(starts.length, 1)
  await stage.pass(1)
  assert.equal(starts.length, 2, 'a start that does not end is killed in time')
  await begin(1)
  assert.equal(restarted.settled, true)
  await begin(0)
  assert.deepEqual([log, stopsFailed()], [['0 lets go: killed'], 1])
  const asked = watch(ref.call('which'))
  await stage.rest()
  assert.equal(asked.value, 1)
  const gone = watch(ref.stop())
  await stage.rest()
  assert.equal(gone.settled, true)
  assert.deepEqual(log, ['0 lets go: killed', '1 lets go: stopped'])
})

test('one that ends when its life has failed, or its actor is gone, lets go of what it holds; one that fails has nothing', async () => {
  const { stage, log, starts, begin } = staged({ restart: 'temporary' }, (context) => context.fail(new Error('broken')))
  await stage.rest()
  assert.deepEqual(stage.system.snapshot(), [])
  await begin(0)
  assert.deepEqual(log, ['0 lets go: crashed'])

  for (const settle of [
    (start: PromiseWithResolvers<Holder> | undefined) => start?.reject(new Error('late')),
    (start: PromiseWithResolvers<Holder> | undefined) => start?.resolve(null as never),
  ]) {
    const other = staged({ restart: 'temporary' }, (context) => context.fail(new Error('broken')))
    await other.stage.rest()
    settle(other.starts[0])
    await other.stage.rest()
    assert.deepEqual([other.log, other.stopsFailed(), starts.length], [[], 0, 1])
  }
})

test('one that ends while the children of its life do lets go behind them', async () => {
  const log: string[] = []
  const child = Promise.withResolvers<void>()
  const definition = defineActor({
    start: () => ({}),
    stop: async () => {
      await child.promise
      log.push('the child ends')
    },
  })
  const {
    stage,
    log: parentLog,
    begin,
  } = staged({ shutdownMs: 1_000, restart: 'temporary' }, (context) => {
    context.spawn(definition)
    context.fail(new Error('broken'))
  })
  await stage.rest()
  await begin(0)
  assert.deepEqual([stage.system.snapshot()[0]?.phase, parentLog], ['ending', []])
  child.resolve()
  await stage.rest()
  assert.deepEqual([log, parentLog], [['the child ends'], ['0 lets go: crashed']])
  assert.deepEqual(stage.system.snapshot(), [])
})

test('restart: who waits for a start that does not end hears so in time, and the restart goes on', async () => {
  const { stage, ref, begin } = staged()
  await begin(0)
  const asked = [watch(ref.restart()), watch(ref.restart({ timeoutMs: 50 }))]
  await stage.pass(50)
  assert.deepEqual(asked.map(codeOf), [undefined, 'DEADLINE_EXCEEDED'])
  assert.match(asked[1]?.error?.message ?? '', /\/holder has not been started again in time, since its start has not ended/)
  // What its end may take, and five seconds.
  await stage.pass(5_020 - 51)
  assert.equal(asked[0]?.settled, false)
  await stage.pass(1)
  assert.deepEqual(asked.map(codeOf), ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED'])
  await begin(1)
  const which = watch(ref.call('which'))
  await stage.rest()
  assert.equal(which.value, 1)
  assert.throws(() => ref.restart(null as never), /the options of a restart is null: give an object/)
})

test('restart: of those who wait for the same there are so many and no more', async () => {
  const { stage, ref, begin } = staged()
  await begin(0)
  const asked = Array.from({ length: 10_001 }, () => watch(ref.restart()))
  await stage.rest()
  assert.equal(codeOf(asked[10_000] ?? {}), 'OVERLOADED')
  await begin(1)
  assert.deepEqual(asked.filter(({ settled, error }) => settled && error === undefined).length, 10_000)
})
