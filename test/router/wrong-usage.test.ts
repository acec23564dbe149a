import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
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

test('AspenRouter: misspelt and impossible faults are refused by name, wherever they are given', async () => {
  const untyped = (value: unknown): never => value as never
  const uses: readonly (readonly [(router: AspenRouter) => unknown, RegExp])[] = [
    [(router) => router.trouble(untyped({ crsh: 1 })), /the trouble has a field "crsh": it may have crash, powerCut, partition/],
    [(router) => router.trouble({ crash: 5 }), /crash is 5: it must be a number from 0 to 1/],
    [(router) => router.trouble(untyped(null)), /the trouble is null: give an object/],
    [(router) => router.crash(1, untyped('kill')), /the kind of a crash is "kill": give one of killed, power-cut/],
    [(router) => router.network(untyped({ los: 0.5 })), /the network has a field "los"/],
    [(router) => router.network({ loss: 7 }), /loss is 7: it must be a number from 0 to 1/],
    [(router) => router.network({ latencyMaxMs: Number.NaN }), /latencyMaxMs is NaN/],
    [(router) => router.network({ latencyMinMs: 9 }), /latencyMinMs is 9 and latencyMaxMs is 2: it must not be below/],
  ]
  await simulate({ seed: 1 }, async (router) => {
    for (const [use, message] of uses) assert.throws(() => use(router), { code: 'INVALID_REQUEST', message })
    assert.throws(() => router.client([]), { name: 'RangeError', message: /name at least one/ })
    for (const id of router.nodeIds) assert.equal(router.isRunning(id), true)
    await router.client().write(set('k', 'v'))
  })
  await assert.rejects(simulate({ seed: 1, network: untyped({ los: 1 }) }, nothing), { code: 'INVALID_REQUEST' })
})

test('simulate, AspenRouter: times and numbers that cannot be are refused', async () => {
  for (const wrong of [{ limitMs: 0 }, { limitMs: Number.NaN }, { keepLines: -1 }, { keepLines: 1.5 }])
    await assert.rejects(simulate({ seed: 1, ...wrong }, nothing), { name: 'RangeError' })
  await assert.rejects(simulate({ seed: 1, requestTimeoutMs: 0 }, nothing), { code: 'INVALID_REQUEST' })
  await simulate({ seed: 1 }, async (router) => {
    for (const ms of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      await assert.rejects(router.sleep(ms), { name: 'RangeError', message: /give milliseconds from 0/ })
      assert.throws(() => router.after(ms, () => undefined), RangeError)
      await assert.rejects(
        router.until('never', ms, () => false),
        RangeError,
      )
    }
  })
})

test('simulate: the trace of a failure shows what was asked and answered, and no hashes', async () => {
  const run = simulate({ seed: 1 }, async (router) => {
    router.program('reader', async ({ node }) => void (await node.read('k')), [2])
    const client = router.client()
    await client.write(set('k', 'v'))
    await router.node(2).read('k')
    await assert.rejects(client.write(set('', 'v')), { code: 'INVALID_KEY' })
    throw new Error('as planned')
  })
  const failure = await run.catch((error: unknown) => error)
  assert.ok(failure instanceof SimulationFailure)
  for (const line of [
    /^[\d.]+ c1 asks write \{"Set":\{"key":"k","value":"v"\}\}$/,
    /^[\d.]+ c1 hears write ok \{"logId":\{"term":1,"index":\d+\}/,
    /^[\d.]+ c1 hears write INVALID_KEY: /,
    /^[\d.]+ to n2 hears read ok .*"value":"v"/,
    /^[\d.]+ n2 reader asks read "?k/,
  ])
    assert.ok(
      failure.trace.some((one) => line.test(one)),
      `${line} in\n${failure.message}`,
    )
})

test('AspenRouter.client: gives up after the requestTimeoutMs of the run, all attempts together', async () => {
  for (const [options, expected] of [
    [{}, 5_000],
    [{ requestTimeoutMs: 700 }, 700],
  ] as const) {
    const { value } = await simulate({ seed: 1, ...options }, async (router) => {
      for (const id of [2, 3]) router.crash(id)
      const before = router.now
      await assert.rejects(router.client([1]).write(set('k', 'v')))
      return router.now - before
    })
    assert.ok(value >= expected - 50 && value <= expected + 200, `${value}`)
  }
})

test('simulate: a refused request that nobody awaits fails the run, in a process that goes on otherwise', async () => {
  const program = `
    import { simulate } from ${JSON.stringify(new URL('../../src/testing/index.ts', import.meta.url).href)}
    const run = simulate({ seed: 7 }, async (router) => {
      void router.client().write({ Set: { key: '', value: 'v' } })
      await router.sleep(100)
    })
    const error = await run.catch((reason) => reason)
    console.log(error.name, error.message.split('\\n')[0])
    Promise.reject(new Error('of somebody else'))
  `
  const args = ['--input-type=module', '--eval', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.match(stdout, /^SimulationFailure seed 7: nobody awaits a request that was refused: /, stderr)
  assert.equal(status, 1)
  assert.match(stderr, /of somebody else/)
})
