/**
 * NATS JetStream 2.12, #7564 "JetStream loses acknowledged writes by default due to deferred fsync": a write was acknowledged when a
 * quorum had it in memory, and synced up to two minutes later. A power cut of all machines together took what had been
 * acknowledged last. #7567 shows that one machine is enough: two nodes sleep, a third loses power and forgets, and the
 * three of them are a quorum that never heard of the write.
 *
 * The promise: what was acknowledged is there after a power cut of every machine at one instant, and after one of a single
 * machine, whoever forms the next quorum.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { randomBetween } from '../../src/lib/index.ts'
import { explore } from '../../src/testing/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(12, 4)
const WRITERS = 4

/** Writes new keys through these nodes until it is told to stop, and keeps what was acknowledged. */
class Load {
  readonly acknowledged = new Set<string>()
  readonly #router: AspenRouter
  #running = false
  #keys = 0
  #writers: Promise<void>[] = []

  constructor(router: AspenRouter) {
    this.#router = router
  }

  start(nodeIds: readonly number[]): void {
    this.#running = true
    this.#writers = Array.from({ length: WRITERS }, (_, i) => this.#write(nodeIds[i % nodeIds.length] as number))
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#writers)
  }

  /** Every node holds all that was acknowledged. */
  async assertKept(): Promise<void> {
    await this.#router.until('somebody leads', 10_000, () => this.#router.leader !== null)
    for (const id of this.#router.nodeIds) {
      // A read waits until the node has applied what was committed before it.
      await this.#router.node(id).read('k1', { timeoutMs: 10_000 })
      const held = this.#router.contents(id)
      const lost = [...this.acknowledged].filter((key) => !held.has(key))
      assert.deepEqual(lost, [], `node ${id} has lost ${lost.length} of ${this.acknowledged.size} acknowledged writes`)
    }
  }

  async #write(nodeId: number): Promise<void> {
    while (this.#running) {
      const key = `k${++this.#keys}`
      try {
        await this.#router.node(nodeId).write({ Set: { key, value: 'v' } }, { timeoutMs: 1000 })
        this.acknowledged.add(key)
      } catch {
        // Nobody was promised anything; a node that is down is asked again, not at once.
        await this.#router.sleep(5)
      }
    }
  }
}

describe('known bugs: acknowledged writes lost by a power cut (NATS 2.12, #7564 and #7567)', () => {
  test('a power cut of all machines at one instant takes nothing that was acknowledged', async () => {
    let acknowledged = 0
    await explore({ seeds: SEEDS, nodes: 3 }, async (router) => {
      const load = new Load(router)
      for (let round = 0; round < 3; round++) {
        load.start(router.nodeIds)
        await router.sleep(randomBetween(router.random, 20, 150))
        for (const id of router.nodeIds) router.crash(id, 'power-cut')
        await load.stop()
        for (const id of router.nodeIds) router.start(id)
        await router.until('somebody leads', 10_000, () => router.leader !== null)
      }
      await load.assertKept()
      acknowledged += load.acknowledged.size
    })
    assert.ok(acknowledged > 10 * SEEDS, `${acknowledged} acknowledged writes in ${SEEDS} runs are too few to lose one`)
  })

  test('one machine that loses power, and two that heard of nothing, are a quorum that knows all that was acknowledged', async () => {
    await explore({ seeds: SEEDS, nodes: 5 }, async (router) => {
      const load = new Load(router)
      // Nodes 1 to 3 take writes that 4 and 5 do not hear of; then 3, without power for a moment, is alone with them.
      router.partition([1, 2, 3], [4, 5])
      load.start([1, 2, 3])
      await router.until('writes are acknowledged without 4 and 5', 5000, () => load.acknowledged.size > 20)
      await router.sleep(randomBetween(router.random, 0, 20))
      router.crash(3, 'power-cut')
      const before = load.acknowledged.size
      await load.stop()
      router.reunite()
      router.partition([1, 2], [3, 4, 5])
      router.start(3)
      await router.until('3, 4 and 5 have a leader', 10_000, () => [3, 4, 5].includes(router.leader ?? 0))
      router.reunite()
      await load.assertKept()
      assert.ok(before > 20)
    })
  })
})
