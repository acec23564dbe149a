/** A member that was away while another one got a new key knows that one by the old key: it has to follow and elect it all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCommand } from '../src/api/index.ts'
import { forkPrng } from '../src/simulation/index.ts'
import { encodeEnvelope } from '../src/wire/index.ts'
import { SimCluster } from './cluster.ts'
import { endpointIdOf } from './sim-node.ts'
import type { SimNode } from './sim-node.ts'
import { drawWeather } from './weather.ts'

const PATIENCE_MS = 2000
const LIMIT_MS = 20_000
const ALL = [1, 2, 3, 4, 5]

class Scene {
  readonly cluster: SimCluster

  constructor(seed: number) {
    const weather = drawWeather(forkPrng(seed, 'weather'), 'performance', ALL.length)
    this.cluster = new SimCluster({ seed, weather })
    for (const one of this.cluster.nodes) this.cluster.start(one)
    this.until('the cluster is founded', () => this.cluster.found())
    this.caughtUp(ALL)
  }

  node(id: number): SimNode {
    return this.cluster.nodes[id - 1] as SimNode
  }

  until(what: string, holds: () => boolean): void {
    const end = this.cluster.scheduler.now + LIMIT_MS
    while (!holds()) {
      assert.ok(this.cluster.scheduler.now < end, `not within ${LIMIT_MS} ms: ${what}`)
      this.cluster.run(10)
    }
  }

  /** Asks whoever leads, again and again, until the voters and their keys are these. */
  change(op: 'add-learner' | 'change-membership', ids: readonly number[]): void {
    let busy = false
    let done = false
    this.until(`${op} ${ids.join()} is done`, () => {
      const { leader } = this.cluster
      const replica = leader?.replica
      if (!busy && !done && leader?.life && replica) {
        busy = true
        const request =
          op === 'add-learner'
            ? { op, nodeId: ids[0] as number, endpointId: this.node(ids[0] as number).endpointId }
            : { op, members: ids, learners: [] }
        replica.administer(request, leader.life.clock.now() + PATIENCE_MS, (error) => {
          busy = false
          done = error === undefined
        })
      }
      return done
    })
  }

  crash(...ids: readonly number[]): void {
    for (const id of ids) this.cluster.crash(this.node(id), 'killed')
  }

  start(...ids: readonly number[]): void {
    for (const id of ids) this.cluster.start(this.node(id))
  }

  caughtUp(ids: readonly number[]): void {
    const { checker } = this.cluster
    this.until(`nodes ${ids.join()} have all that is committed`, () =>
      ids.every((id) => this.node(id).replica?.view.appliedIndex === checker.lastCommitted),
    )
  }

  /** Crashes whoever leads and is another one, until this node does. Needs three of the others besides. */
  makeLead(id: number, others: readonly number[]): void {
    for (;;) {
      this.until('somebody leads', () => this.cluster.leader !== undefined)
      const leading = this.cluster.leader as SimNode
      if (leading.id === id) return
      this.crash(leading.id)
      this.until('another one leads', () => this.cluster.leader !== undefined && this.cluster.leader !== leading)
      this.start(leading.id)
      this.caughtUp([id, ...others])
    }
  }
}

/** Node 5 is down, knows node 2 by its first key, and does not know that this one was replaced; node 2 leads. */
function sceneWithReplacedLeader(seed: number): Scene {
  const scene = new Scene(seed)
  scene.crash(5)
  scene.cluster.loseDisks(scene.node(2))
  scene.change('change-membership', [1, 3, 4, 5])
  scene.start(2)
  scene.change('add-learner', [2])
  scene.change('change-membership', ALL)
  scene.caughtUp([1, 2, 3, 4])
  scene.makeLead(2, [1, 3, 4])
  return scene
}

const SEEDS = [1, 2, 3, 4, 5]

test('a leader under a new key is followed by a member that knows it by its old one', () => {
  for (const seed of SEEDS) {
    const scene = sceneWithReplacedLeader(seed)
    const { term } = scene.node(2).replica?.view ?? {}
    scene.start(5)
    scene.caughtUp([5])
    const { view } = scene.node(2).replica ?? {}
    assert.deepEqual([view?.role, view?.term], ['leader', term], 'it caught up under another leader')
    const known = scene.node(5).replica?.view.membership.members.find(({ id }) => id === 2)
    assert.equal(known?.endpointId, endpointIdOf(2, 1))
  }
})

test('a candidate under a new key is elected by a member that knows it by its old one', () => {
  for (const seed of SEEDS) {
    const scene = sceneWithReplacedLeader(seed)
    scene.crash(1)
    let written = false
    const { replica, life } = scene.node(2)
    const envelope = encodeEnvelope({ origin: null, command: toCommand({ Set: { key: 'k', value: 'v' } }) })
    replica?.write(envelope, (life?.clock.now() ?? 0) + PATIENCE_MS, (error) => (written = error === undefined))
    scene.until('an entry is committed that node 1 does not have', () => written)
    scene.crash(2, 3, 4)
    // A majority, of which only node 2 has everything.
    scene.start(1, 2, 5)
    scene.caughtUp([1, 2, 5])
    assert.equal(scene.cluster.leader, scene.node(2))
  }
})
