import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimDisk } from '../../src/simulation/index.ts'
import { explore, simulate, SimulationFailure } from '../../src/testing/index.ts'
import type { AspenRouter, RouterOptions } from '../../src/testing/index.ts'
import { leaderOf, set } from './requests.ts'

const nothing = (): Promise<void> => Promise.resolve()

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
