/** How a program tests its own actors: as they are, under seeds, with crashes and slow handlers, in virtual time. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ActorError, defineActor } from '../../actor/index.ts'
import type { ActorContext, ActorRef } from '../../actor/index.ts'
import { exploreActors, SimulationFailure, simulateActors } from '../index.ts'

interface Worker {
  work(job: number): Promise<number>
}

interface Pool {
  /** The answer for a job, of whichever worker has it. */
  run(job: number): Promise<number>
}

const worker = defineActor<Worker>({
  start: (context: ActorContext) => ({
    work: async (job) => {
      await context.sleep(20)
      return job * job
    },
  }),
})

/** A program's pool: `isCareful` hands a job on when its worker fails. */
function pool(isCareful: boolean) {
  return defineActor<Pool>({
    start: (context: ActorContext) => {
      const workers: ActorRef<Worker>[] = [1, 2, 3].map(() => context.spawn(worker))
      let next = 0
      return {
        run: async (job) => {
          for (;;) {
            const one = workers[next++ % workers.length] as ActorRef<Worker>
            try {
              return await one.call('work', job, { timeoutMs: 2_000 })
            } catch (error) {
              if (!isCareful || !(error instanceof ActorError)) throw error
            }
          }
        },
      }
    },
  })
}

async function jobs(isCareful: boolean, seeds: number): Promise<void> {
  await exploreActors({ seeds, twice: true }, async (world) => {
    const ref = world.system.spawn(pool(isCareful), { name: 'pool' })
    world.trouble({ crash: 0.1, slow: 0.2, slowMs: 500, among: (path) => path !== '/pool' })
    for (let job = 0; job < 10; job++) assert.equal(await ref.call('run', job, { timeoutMs: 600_000 }), job * job)
    world.heal()
    const { now } = world
    assert.equal(await ref.call('run', 7, { timeoutMs: 600_000 }), 49)
    assert.ok(world.now - now <= 20 + 16_000, 'a pool without trouble is slow')
  })
}

describe('exploreActors', () => {
  test('a pool that hands jobs on answers all of them, under every seed, and the same way each time', () => jobs(true, 20))

  test('one that does not is found out, and its seed shows it again', async () => {
    const found = await jobs(false, 20).then(
      () => assert.fail('not found'),
      (error: unknown) => error as SimulationFailure,
    )
    assert.ok(found instanceof SimulationFailure)
    assert.match(
      found.message,
      /seed \d+: .*failed with the message in hand[\s\S]*\/pool\/\d failed crashed at work by the trouble/,
    )
  })

  test('code that is not repeatable is found out', async () => {
    let calls = 0
    await assert.rejects(
      exploreActors({ seeds: 1, twice: true }, async (world) => world.note(`call ${++calls}`)),
      /two runs differ/,
    )
  })
})

describe('simulateActors', () => {
  test('time passes as it is waited for, and five minutes take none', async () => {
    const { value, virtualMs } = await simulateActors({ seed: 1 }, async (world) => {
      const ref = world.system.spawn(worker)
      await world.until('it runs', 1_000, () => world.system.snapshot()[0]?.phase === 'running')
      for (let i = 0; i < 4; i++) {
        world.crash(ref)
        await world.sleep(10_000)
      }
      assert.equal(world.system.snapshot()[0]?.circuit, 'open')
      await world.sleep(300_000)
      return ref.call('work', 5)
    })
    assert.equal(value, 25)
    assert.ok(virtualMs >= 340_000)
  })

  test('what a scenario waits for in vain ends with its limit; options are checked', async () => {
    await assert.rejects(
      simulateActors({ seed: 1, limitMs: 1_000 }, () => new Promise(() => undefined)),
      /seed 1: the scenario has not ended after 1000 ms of virtual time/,
    )
    await assert.rejects(
      simulateActors({ seed: 1 }, (world) => world.until('never', 100, () => false)),
      /not within 100 ms: never/,
    )
    await assert.rejects(
      simulateActors({ sed: 1 } as never, async () => undefined),
      { code: 'INVALID_REQUEST' },
    )
    await assert.rejects(
      exploreActors({ seeds: 0 }, async () => undefined),
      RangeError,
    )
    await assert.rejects(
      simulateActors({ seed: 1 }, async (world) => world.trouble({ crash: 2 })),
      /crash is 2: give a probability/,
    )
    await assert.rejects(
      simulateActors({ seed: 1 }, async (world) => world.crash({ path: '/x' } as never)),
      /give a reference to an actor of this system/,
    )
  })
})
