/** Actors of programs on real nodes, over their links. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorError, defineActor } from '../../src/actor/index.ts'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, testNodes } from './nodes.ts'

class Worker {
  readonly #id: number
  constructor(id: number) {
    this.#id = id
  }
  whoAreYou(): number {
    return this.#id
  }
}

function serve({ actors, nodeId }: AspenNode): void {
  actors.spawn(defineActor<Worker>({ start: () => new Worker(nodeId) }), { registerAs: 'worker' })
  actors.groups.join('workers', 'worker')
}

test('AspenNode: actors of the program are reached from the other members, and known to be gone with their node', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes, { storageBackend: 'InMemory' })
  for (const node of all) serve(node)
  const [one, two, three] = all
  const groupOf = (node: AspenNode): number => node.actors.groups.members('workers').length
  for (const node of all) await eventually('every node knows the workers of all', () => groupOf(node) === 3)
  const asked = all.map(({ nodeId }) => one.actors.remote<Worker>(nodeId, 'worker').call('whoAreYou'))
  assert.deepEqual(await Promise.all(asked), [1, 2, 3])
  const seen: string[] = []
  const watcher = defineActor({
    start: (context) => {
      const remote = one.actors.remote<Worker>(three.nodeId, 'worker')
      context.monitor(remote, (event) => void seen.push(event.type === 'down' ? event.reason : event.type))
      return {}
    },
  })
  one.actors.spawn(watcher)
  await three.stop()
  await eventually('the monitor hears of it', () => seen.length > 0)
  assert.deepEqual(seen, ['unreachable'])
  for (const node of [one, two]) await eventually('the workers that are left', () => groupOf(node) === 2)
  await assert.rejects(
    one.actors.remote<Worker>(three.nodeId, 'worker').call('whoAreYou'),
    (error: unknown) => error instanceof ActorError && error.code === 'UNREACHABLE' && !error.begun,
  )
  assert.equal(await two.actors.remote<Worker>(1, 'worker').call('whoAreYou'), 1)
})
