import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeWrite, Language, LANGUAGE } from '../../commands/index.ts'
import { VERSION_PATIENCE_MS } from '../../limits.ts'
import type { StateInfo } from '../../ports/index.ts'
import type { LogId, Role } from '../../raft/index.ts'
import { handContext } from '../hand-context.test.ts'
import { EMPTY_STATE, keyOf, membershipOf } from '../hand-driven-stores.test.ts'
import { HeardVersions } from '../peers/index.ts'
import { ClusterVersion } from './cluster-version.ts'

const LATER = new Language(3, LANGUAGE.operations, LANGUAGE.conditions)

/** Node 1 of the voters 1 and 2, with the learner 3; it leads term 5 and has applied entry 9 of it. */
class Bench {
  now = 0
  clusterVersion = 1
  appliedIndex = 9
  lastIndex = 9
  role: Role = 'leader'
  term = 5
  readonly id = 1
  readonly membership = { ...membershipOf([1, 2], [3]) }
  readonly terms = new Map([
    [8, 4],
    [9, 5],
  ])
  readonly heard = new HeardVersions()
  readonly proposed: number[] = []
  readonly version: ClusterVersion

  constructor(maxVersion = 255) {
    const context = handContext<'schedule', 'id' | 'role' | 'term' | 'membership' | 'termAt' | 'propose'>({
      loop: { schedule: () => undefined },
      raft: this,
      clock: { now: () => this.now },
    })
    const info = (): StateInfo => {
      const { clusterVersion } = this
      return { ...EMPTY_STATE, applied: { term: 5, index: 9 }, membership: null, membershipIndex: 0, clusterVersion }
    }
    const peers = { heardVersion: (endpointId: string) => this.heard.of(endpointId) }
    this.version = new ClusterVersion(context, { language: LATER, stateMachine: { info }, engine: this, peers, maxVersion })
  }

  termAt(index: number): number | undefined {
    return this.terms.get(index)
  }

  propose(payload: Uint8Array, kind?: string): LogId {
    assert.equal(kind, 'version')
    this.proposed.push(payload[0] as number)
    this.terms.set(++this.lastIndex, this.term)
    return { term: this.term, index: this.lastIndex }
  }

  links(id: number, languageVersion: number): void {
    this.heard.linked(
      { endpointId: keyOf(id), claims: { nodeId: id, clusterId: 'c1', addresses: [], languageVersion } },
      this.now,
    )
  }

  /** Lets time pass, and the leader look. */
  pass(ms: number): readonly number[] {
    this.now += ms
    this.version.progress(this.now)
    return this.proposed
  }
}

describe('ClusterVersion: by itself', () => {
  test('raises to what every member has said for long enough, and once', () => {
    const bench = new Bench()
    bench.links(2, 3)
    bench.links(3, 2)
    assert.deepEqual(bench.pass(VERSION_PATIENCE_MS - 1), [])
    assert.deepEqual(bench.pass(2_000), [2])
    assert.deepEqual(bench.pass(2_000), [2])
    bench.clusterVersion = 2
    bench.links(3, 3)
    assert.deepEqual(bench.pass(VERSION_PATIENCE_MS - 1), [2])
    assert.deepEqual(bench.pass(2_000), [2, 3])
  })

  test('a member that was away for as long, or went back meanwhile, begins anew; one that was heard last counts', () => {
    const bench = new Bench()
    bench.links(2, 3)
    bench.links(3, 3)
    bench.pass(VERSION_PATIENCE_MS / 2)
    bench.links(3, 1)
    bench.links(3, 3)
    bench.heard.unlinked(keyOf(2), bench.now)
    assert.deepEqual(bench.pass(VERSION_PATIENCE_MS - 1), [])
    assert.deepEqual(bench.pass(1), [], 'node 2 was away for as long')
    assert.deepEqual(bench.pass(2_000), [])
    bench.links(2, 3)
    assert.deepEqual(bench.pass(VERSION_PATIENCE_MS - 1), [])
    bench.heard.unlinked(keyOf(2), bench.now)
    assert.deepEqual(bench.pass(2_000), [3])
  })

  test('not beyond the setting, and not by one that does not lead', () => {
    const held = new Bench(2)
    const follower = new Bench()
    follower.role = 'follower'
    for (const bench of [held, follower]) for (const id of [2, 3]) bench.links(id, 3)
    assert.deepEqual(held.pass(VERSION_PATIENCE_MS + 2_000), [2])
    assert.deepEqual(follower.pass(VERSION_PATIENCE_MS + 2_000), [])
    assert.match((held.version.raise(3) as Error).message, /max_cluster_version of node 1 holds it at 2/)
  })
})

describe('ClusterVersion: what a leader knows', () => {
  test('it decides nothing before it has applied an entry of its term', () => {
    const bench = new Bench()
    for (const id of [2, 3]) bench.links(id, 3)
    bench.appliedIndex = 8
    assert.equal(bench.version.floor, undefined)
    assert.equal(bench.version.raise(3), undefined)
    assert.deepEqual(bench.pass(VERSION_PATIENCE_MS + 2_000), [])
    const later = encodeWrite({ Set: { key: 'k', value: 'v' } }, {})
    later[0] = 2
    assert.throws(() => bench.version.checkProposal(later), { code: 'NOT_APPLIED' })
    bench.appliedIndex = 9
    assert.throws(() => bench.version.checkProposal(later), { code: 'CLUSTER_VERSION' })
    assert.deepEqual(bench.pass(2_000), [3])
  })

  test('a new member must be able to apply what is proposed, not only what is in force', () => {
    const bench = new Bench()
    for (const id of [2, 3]) bench.links(id, 3)
    assert.equal(bench.version.floor, 1)
    assert.deepEqual(bench.version.raise(2), { term: 5, index: 10 })
    assert.equal(bench.version.floor, 2)
    assert.deepEqual(bench.version.raise(2), { term: 5, index: 10 }, 'asked again, the same entry is waited for')
    assert.deepEqual(bench.proposed, [2])
    bench.term = 6
    bench.terms.set(9, 6)
    assert.equal(bench.version.floor, 1, 'what was proposed in another term may be undone')
  })
})
