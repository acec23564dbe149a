import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, simulate, SimulationFailure } from '../../src/testing/index.ts'
import type { Scenario, SimulateOptions } from '../../src/testing/index.ts'
import { LockProgram } from './lock-program.ts'
import { endOf, leaderOf, readText, set } from './requests.ts'
import { volume } from '../volume.ts'

async function failureOf(options: SimulateOptions, scenario: Scenario<unknown>): Promise<SimulationFailure> {
  const error: unknown = await simulate(options, scenario).then(
    () => assert.fail('the simulation succeeded'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SimulationFailure, String(error))
  return error
}

test('AspenRouter.program: a lock of transactions never has two holders, though nodes crash and paths are cut', async () => {
  await explore({ seeds: volume(5, 1) }, async (router) => {
    const lock = new LockProgram()
    lock.install(router)
    router.trouble({ crash: 0.1, powerCut: 0.05, partition: 0.1 })
    await router.sleep(2_000)
    router.heal()
    const before = lock.taken
    await router.until('the lock goes on from hand to hand', 20_000, () => lock.taken >= before + 10)
    assert.ok(before > 0, 'the lock was never taken: the scenario shows nothing')
  })
})

test('AspenRouter.program: starts with each life of its node, on the nodes it is for, and ends with it', async () => {
  await explore({ seeds: volume(5, 1) }, async (router) => {
    const began: string[] = []
    const heard: string[] = []
    router.program(
      'count lives',
      async ({ nodeId, life, node, now, sleep }) => {
        began.push(`${nodeId}.${life}`)
        assert.ok(now() < 1_000)
        for (;;) {
          const end = await endOf(node.write(set(`life/${nodeId}`, String(life))))
          heard.push(`${nodeId}.${life} ${end}`)
          await sleep(10)
        }
      },
      [1, 2],
    )
    await router.sleep(100)
    router.crash(1)
    const heardBefore = heard.filter((line) => line.startsWith('1.1 ')).length
    router.start(1)
    await router.sleep(3_000)
    assert.deepEqual(began.toSorted(), ['1.1', '1.2', '2.1'])
    assert.equal(heard.filter((line) => line.startsWith('1.1 ')).length, heardBefore, 'a dead program heard something')
    assert.equal(await readText(router.client(), 'life/1'), '2')
    assert.throws(() => router.program('count lives', () => Promise.resolve()), /there is a program count lives already/)
  })
})

test('AspenRouter.program: one that throws fails the run, with its name and its node', async () => {
  const late = await failureOf({ seed: 7 }, async (router) => {
    router.program(
      'fragile',
      async ({ sleep }) => {
        await sleep(50)
        throw new Error('out of luck')
      },
      [2],
    )
    await router.sleep(1_000)
  })
  assert.match(late.message, /^seed 7: program fragile on node 2: out of luck\n/)
  const early = await failureOf({ seed: 7 }, async (router) => {
    router.program('fragile', () => {
      throw new Error('at once')
    })
    await router.sleep(1_000)
  })
  assert.match(early.message, /^seed 7: program fragile on node 1: at once\n/)
})

test('AspenRouter.always: names what did not hold, also when no node took part in it', async () => {
  const told = await failureOf({ seed: 3 }, async (router) => {
    let balance = 0
    router.always('the balance is never negative', () => balance >= 0)
    router.after(20, () => (balance = -1))
    router.after(20, () => (balance = 1))
    await router.sleep(100)
  })
  assert.match(told.message, /^seed 3: not always: the balance is never negative\n/)
  const thrown = await failureOf({ seed: 3 }, async (router) => {
    router.always('sound', () => assert.ok(router.isRunning(1), 'node 1 is gone'))
    router.crash(1)
    await router.sleep(100)
  })
  assert.match(thrown.message, /^seed 3: not always: sound: node 1 is gone\n/)
})

test('simulate: gives what the scenario gives, and time is virtual', async () => {
  const { value, virtualMs } = await simulate({ seed: 1, limitMs: 86_400_000 }, async (router) => {
    const start = router.now
    await router.sleep(1_000)
    router.note('asleep')
    return router.now - start
  })
  assert.equal(value, 1_000)
  assert.ok(virtualMs > 1_000 && virtualMs < 10_000)
})

test('simulate: fails with what the scenario failed with, and says what happened last', async () => {
  const cause = new Error('not as expected')
  const failure = await failureOf({ seed: 5, keepLines: 8 }, async (router) => {
    router.crash(await leaderOf(router))
    router.note('this far')
    throw cause
  })
  assert.equal(failure.seed, 5)
  assert.equal(failure.cause, cause)
  assert.equal(failure.trace.length, 8)
  assert.match(failure.trace.at(-2) ?? '', / n\d crashes killed$/)
  assert.match(failure.trace.at(-1) ?? '', / world notes this far$/)
  assert.equal(failure.message, ['seed 5: not as expected', ...failure.trace.map((line) => `  ${line}`)].join('\n'))
})

test('simulate: a scenario that never ends is cut at its limit, with its trace', async () => {
  const failure = await failureOf({ seed: 1, limitMs: 2_000 }, () => new Promise(() => undefined))
  assert.match(failure.message, /^seed 1: the scenario has not ended after 2000 ms of virtual time\n/)
  assert.ok(failure.trace.length > 0)
  const circle = await failureOf({ seed: 1, limitMs: 2_000 }, async (router) => {
    for (;;) await router.sleep(0)
  })
  assert.match(circle.message, /^seed 1: 100000 events at one instant: something runs in circles/)
})

test('AspenRouter.until: says what was waited for', async () => {
  const failure = await failureOf({ seed: 1 }, (router) => router.until('node 9 appears', 500, () => false))
  assert.match(failure.message, /^seed 1: not within 500 ms: node 9 appears\n/)
})
