/** Actors of programs on the nodes of a simulated cluster. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorError, defineActor } from '../../src/actor/index.ts'
import { explore } from '../../src/testing/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { volume } from '../volume.ts'

const JOBS = 40

class Worker {
  readonly #done: (job: number) => void
  constructor(done: (job: number) => void) {
    this.#done = done
  }
  /** The same job twice does no harm: who asks may not know whether it was done. */
  work(job: number): number {
    this.#done(job)
    return job
  }
}

interface Pool {
  /** Jobs that were answered. */
  readonly answered: Set<number>
  readonly done: Map<number, number[]>
}

/** A worker on each node; a program on the first asks whoever is there, until every job is answered. */
function install(router: AspenRouter): Pool {
  const pool: Pool = { answered: new Set(), done: new Map() }
  router.program('worker', async ({ nodeId, actors }) => {
    const done = (job: number): void => void pool.done.set(job, [...(pool.done.get(job) ?? []), nodeId])
    actors.spawn(defineActor<Worker>({ start: () => new Worker(done) }), { registerAs: 'worker' })
    actors.groups.join('workers', 'worker')
  })
  router.program(
    'dispatcher',
    async ({ actors, sleep }) => {
      for (let job = 0, turn = 0; pool.answered.size < JOBS; turn++) {
        while (pool.answered.has(job)) job = (job + 1) % JOBS
        const members = actors.groups.members<Worker>('workers')
        const member = members[turn % Math.max(1, members.length)]
        try {
          if (member !== undefined) pool.answered.add(await member.ref.call('work', job, { timeoutMs: 200 }))
        } catch (error) {
          assert.ok(error instanceof ActorError, String(error))
        }
        await sleep(20)
      }
    },
    [1],
  )
  return pool
}

test('ProgramContext.actors: a pool of workers on all nodes gets every job done, though nodes crash and paths are cut', async () => {
  await explore({ seeds: volume(20, 2) }, async (router) => {
    const pool = install(router)
    router.trouble({ crash: 0.1, partition: 0.1 })
    await router.sleep(3_000)
    router.heal()
    await router.until('every job is answered', 20_000, () => pool.answered.size === JOBS)
    for (const job of pool.answered) assert.ok((pool.done.get(job) ?? []).length > 0, `job ${job} was answered, and never done`)
    const nodes = new Set([...pool.done.values()].flat())
    assert.deepEqual(
      [...nodes].toSorted((a, b) => a - b),
      router.nodeIds,
    )
  })
})

test('ProgramContext.actors: a node that is killed is told by monitors and groups, and so is its return', async () => {
  await explore({ seeds: volume(20, 2) }, async (router) => {
    const told: string[] = []
    router.program('worker', async ({ actors }) => {
      actors.spawn(defineActor<Worker>({ start: () => new Worker(() => undefined) }), { registerAs: 'worker' })
      actors.groups.join('workers', 'worker')
    })
    router.program(
      'watcher',
      async ({ actors, sleep }) => {
        while (actors.groups.members('workers').length < 3) await sleep(10)
        const target = actors.remote<Worker>(3, 'worker')
        const watcher = defineActor({
          start: (context) => {
            context.monitor(target, (event) => void told.push(event.type === 'down' ? event.reason : event.type))
            return {}
          },
        })
        actors.spawn(watcher)
        actors.groups.watch('workers', (event) => void told.push(`${event.type} ${event.member.node}`))
        told.push('watching')
      },
      [1],
    )
    await router.until('the workers know each other', 10_000, () => told.length > 0)
    router.crash(3)
    await router.until('it is missed', 5_000, () => told.length >= 3)
    router.start(3)
    await router.until('it is back', 10_000, () => told.length >= 5)
    assert.deepEqual(told.slice(1).toSorted(), ['joined 3', 'left 3', 'unreachable', 'up'])
  })
})
