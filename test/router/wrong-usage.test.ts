import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk } from '../../src/simulation/index.ts'
import { explore, simulate, SimulationFailure } from '../../src/testing/index.ts'
import type { AspenRouter, RouterOptions, Scenario } from '../../src/testing/index.ts'
import { leaderOf, set } from './requests.ts'

const nothing = (): Promise<void> => Promise.resolve()

function rejectingWith(what: unknown): Scenario<never> {
  // As code without types does it.
  return () =>
    new Promise((_, reject) => {
      ;(reject as (reason: unknown) => void)(what)
    })
}

test('simulate: refuses a number of nodes or founders that cannot be', async () => {
  const wrong: readonly (readonly [Omit<RouterOptions, 'seed'>, string])[] = [
    [{ nodes: 0 }, 'nodes is 0: give a whole number from 1 to 32'],
    [{ nodes: 2.5 }, 'nodes is 2.5: give a whole number from 1 to 32'],
    [{ nodes: 33 }, 'nodes is 33: give a whole number from 1 to 32'],
    [{ founders: 4 }, 'founders is 4: give a whole number from 0 to 3'],
    [{ founders: -1 }, 'founders is -1: give a whole number from 0 to 3'],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(simulate({ seed: 1, ...options }, nothing), { name: 'RangeError', message })
  }
})

test('explore: refuses to try no seed at all', async () => {
  for (const seeds of [0, -1, Number.NaN]) {
    await assert.rejects(explore({ seeds }, nothing), {
      name: 'RangeError',
      message: `seeds is ${seeds}: give a whole number from 1`,
    })
  }
})

test('simulate, explore: refuse a seed that is no whole number from 0', async () => {
  for (const seed of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    await assert.rejects(simulate({ seed }, nothing), {
      name: 'RangeError',
      message: `seed is ${seed}: give a whole number from 0`,
    })
    await assert.rejects(explore({ firstSeed: seed, seeds: 1 }, nothing), {
      name: 'RangeError',
      message: `firstSeed is ${seed}: give a whole number from 0`,
    })
  }
  await explore({ firstSeed: 0, seeds: 1 }, nothing)
  await simulate({ seed: Number.MAX_SAFE_INTEGER }, nothing)
})

test('simulate: a scenario that throws something else than an Error fails the run like any other', async () => {
  const thrown: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /^seed 3: the scenario threw undefined, which is no Error$/m],
    [null, /^seed 3: the scenario threw null, which is no Error$/m],
    ['no luck', /^seed 3: the scenario threw 'no luck', which is no Error$/m],
    [Object.create(null), /^seed 3: the scenario threw \[Object: null prototype\] \{\}, which is no Error$/m],
  ]
  for (const [what, message] of thrown) {
    await assert.rejects(simulate({ seed: 3 }, rejectingWith(what)), (error) => {
      assert.ok(error instanceof SimulationFailure)
      assert.match(error.message, message)
      assert.equal(error.seed, 3)
      assert.ok(error.trace.length > 0)
      assert.ok(error.cause instanceof Error && error.cause.cause === what)
      return true
    })
  }
  const own = new Error('my own')
  await assert.rejects(simulate({ seed: 3 }, rejectingWith(own)), (error) => (error as Error).cause === own)
})

test('AspenRouter: an unknown node is named, and nothing is done to the others', async () => {
  const uses: readonly ((router: AspenRouter) => unknown)[] = [
    (router) => router.node(4),
    (router) => router.start(0),
    (router) => router.crash(9),
    (router) => router.isRunning(4),
    (router) => router.status(4),
    (router) => router.contents(4),
    (router) => router.isolate(4),
    (router) => router.partition([1], [2, 4]),
  ]
  await simulate({ seed: 1 }, async (router) => {
    for (const use of uses)
      assert.throws(() => use(router), { name: 'RangeError', message: /^there is no node \d: the ids are 1 to 3$/ })
    assert.equal(router.isPartitioned, false)
    await router.client().write(set('k', 'v'))
  })
})

test('AspenRouter: what runs cannot be started, and what is down can neither crash nor be looked at', async () => {
  await simulate({ seed: 1 }, async (router) => {
    assert.throws(() => router.start(2), /^Error: node 2 runs already$/)
    router.crash(2)
    assert.throws(() => router.crash(2), /^Error: node 2 is down already$/)
    assert.throws(() => router.contents(2), /^Error: node 2 is down, or opens its data: nobody can look at what it holds$/)
    assert.equal(router.status(2), null)
    assert.equal(router.isRunning(2), false)
    router.start(2)
    assert.equal(router.isRunning(2), true)
  })
})

test('simulate: a node that stops itself fails the run, and is named', async (t) => {
  let broken = false
  const mount = SimDisk.prototype.mount
  t.mock.method(SimDisk.prototype, 'mount', function (this: SimDisk, ...[life]: Parameters<SimDisk['mount']>) {
    const disk = mount.call(this, life)
    return {
      ...disk,
      open: (name: string) => {
        const file = disk.open(name)
        const writeDurably: typeof file.writeDurably = (position, bytes, done) => {
          const isBroken = broken && life.name === 'n3'
          file.writeDurably(position, bytes, (error) => done(isBroken ? new Error('EIO: the disk is broken') : error))
        }
        return { ...file, writeDurably }
      },
    }
  })
  const run = simulate({ seed: 1 }, async (router) => {
    await leaderOf(router)
    broken = true
    await router.client().write(set('k', 'v'))
    await router.sleep(1_000)
  })
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof SimulationFailure)
    assert.match(error.message, /^seed 1: node 3 stopped itself: .*EIO/)
    return true
  })
})
