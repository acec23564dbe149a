/**
 * A rejoin that is interrupted at any of its steps, and again at any step of the second run: the third ends as one that nobody disturbed, or
 * refuses and has changed nothing. The folders are real, the cluster is a model of one.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { ClusterState, NodeStatus } from '../../src/api/index.ts'
import { loadOrCreateIdentityFile } from '../../src/cluster/identity/index.ts'
import type { RejoinRecord } from '../../src/cluster/identity/index.ts'
import { RejoinCluster } from '../../src/cluster/rejoin/rejoin-cluster.ts'
import type { RejoinVia } from '../../src/cluster/rejoin/rejoin-cluster.ts'
import { RejoinDirectory } from '../../src/cluster/rejoin/rejoin-directory.ts'
import { rejoinCluster } from '../../src/cluster/rejoin/rejoin-steps.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'aspen-rejoin-'))
after(() => rmSync(ROOT, { recursive: true, force: true }))

class Crash extends Error {}

/** Lets so many steps happen, and none after that. */
class Fuse {
  taken = 0
  readonly #allowed: number

  constructor(allowed = Infinity) {
    this.#allowed = allowed
  }

  /** @throws Crash from the step on that is one too many */
  burn(step: string): void {
    if (this.taken >= this.#allowed) throw new Crash(step)
    this.taken++
  }
}

const OLD_FILES = ['log', 'state', 'snapshots', 'peers.json', 'nodes.json', 'identity.json']

function oldNode(name: string, empty: boolean): string {
  const folder = join(ROOT, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if (empty) return folder
  for (const kept of ['log', 'state', 'snapshots']) {
    mkdirSync(join(folder, kept))
    writeFileSync(join(folder, kept, 'content'), kept)
  }
  for (const file of ['peers.json', 'nodes.json']) writeFileSync(join(folder, file), '{}')
  loadOrCreateIdentityFile(join(folder, 'identity.json'))
  return folder
}

/** The part of a run that changes the folder. */
function setAside(folder: string, role: RejoinRecord['role'], fuse: Fuse): RejoinRecord {
  const directory = new RejoinDirectory(folder, (step) => fuse.burn(step))
  try {
    return directory.setAside(directory.record() ?? directory.begin(role, 'ab'.repeat(32)))
  } finally {
    directory.release()
  }
}

function crashes(run: () => unknown): void {
  assert.throws(run, Crash)
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('LOCK'))
    .toSorted()
}

for (const [what, role, empty] of [
  ['a voter', 'voter', false],
  ['a learner', 'learner', false],
  ['a voter whose disk was lost', 'voter', true],
] as const) {
  test(`RejoinDirectory: is set aside whole, wherever two runs were interrupted: ${what}`, () => {
    const fuse = new Fuse()
    const undisturbed = oldNode('undisturbed', empty)
    const record = setAside(undisturbed, role, fuse)
    assert.deepEqual(record, {
      role,
      oldEndpointId: 'ab'.repeat(32),
      asideFolder: empty ? null : 'set-aside-1',
      aside: true,
    })
    const expected = namesIn(undisturbed)
    assert.equal(fuse.taken, empty ? 1 : 3 + 2 * OLD_FILES.length)
    for (let first = 0; first < fuse.taken; first++) {
      for (let second = 0; ; second++) {
        const folder = oldNode('disturbed', empty)
        crashes(() => setAside(folder, role, new Fuse(first)))
        const again = new Fuse(second)
        let done = false
        try {
          setAside(folder, role, again)
          done = true
        } catch (error) {
          assert.ok(error instanceof Crash, String(error))
        }
        const words = `interrupted before step ${first}, then ${second}`
        const { version, ...told } = { version: 1, ...setAside(folder, role, new Fuse()) }
        assert.deepEqual([version, told], [1, record], words)
        assert.deepEqual(namesIn(folder), expected, words)
        if (!empty) assert.deepEqual(namesIn(join(folder, 'set-aside-1')), OLD_FILES.toSorted(), words)
        if (done) break
      }
    }
  })
}

const OLD_KEY = 'ab'.repeat(32)
const NEW_KEY = 'cd'.repeat(32)

/** A cluster of three, of which node 3 is to rejoin under a new key. Requests reach it, or the answer does not come back. */
class Model {
  readonly #role: RejoinRecord['role']
  state: ClusterState
  /** What was done, in order. */
  readonly done: string[] = []
  fuse = new Fuse()
  answersLost = false

  constructor(role: RejoinRecord['role']) {
    this.#role = role
    const nodes = [1, 2, 3].map((id) => ({ id, endpointId: id === 3 ? OLD_KEY : String(id).repeat(64), addresses: [`h:${id}`] }))
    this.state = {
      ...({} as ClusterState),
      members: role === 'voter' ? [1, 2, 3] : [1, 2],
      learners: role === 'voter' ? [] : [3],
      nodes,
    }
  }

  async #ask<T>(what: string, run: () => T): Promise<T> {
    await Promise.resolve()
    if (!this.answersLost) this.fuse.burn(what)
    const answer = run()
    if (this.answersLost) this.fuse.burn(what)
    return answer
  }

  via(id: number): RejoinVia {
    return {
      url: `http://node-${id}`,
      read: () => this.#ask('read', () => undefined),
      status: () =>
        this.#ask('status', () => ({ nodeId: id, leader: 1, cluster: this.state, peers: [] }) as unknown as NodeStatus),
      addLearner: (nodeId, endpointId = '') => this.#ask('add', () => this.#add(nodeId, endpointId)),
      changeMembership: (change) => this.#ask('change', () => this.#change(change.members ?? [], change.learners)),
    }
  }

  #add(id: number, endpointId: string): ClusterState {
    const member = this.state.nodes.find((node) => node.id === id)
    if (member?.endpointId === endpointId) return this.state
    if (member !== undefined) throw new AspenError('FORBIDDEN', `node ${id} has another key`)
    this.done.push('added')
    const nodes = [...this.state.nodes, { id, endpointId, addresses: [] }]
    this.state = { ...this.state, learners: [...this.state.learners, id], nodes }
    return this.state
  }

  #change(
    members: readonly number[],
    learners: readonly number[] = this.state.learners.filter((id) => !members.includes(id)),
  ): ClusterState {
    const named = new Set([...members, ...learners])
    const old = this.state.nodes.find(({ endpointId }) => endpointId === OLD_KEY)
    assert.ok(old === undefined || !named.has(3) || this.#role === 'learner', 'the old key is never given a vote again')
    this.done.push(named.has(3) ? 'voted' : 'removed')
    const nodes = this.state.nodes.filter(({ id }) => named.has(id))
    this.state = { ...this.state, members: [...members], learners: [...learners], nodes }
    return this.state
  }

  async rejoin(): Promise<void> {
    const node = {
      nodeId: 3,
      endpointId: NEW_KEY,
      addPeer: () => this.#ask('addPeer', () => undefined),
      status: () =>
        ({ peers: this.state.nodes.map(({ endpointId }) => ({ endpointId, connected: true })) }) as unknown as NodeStatus,
      read: () => this.#ask('read', () => undefined),
    }
    await rejoinCluster({
      node: node,
      record: { role: this.#role, oldEndpointId: OLD_KEY, asideFolder: null, aside: true },
      cluster: new RejoinCluster([this.via(1), this.via(2)]),
      say: () => undefined,
      signal: new AbortController().signal,
      pollMs: 0,
    })
  }
}

describe('rejoinCluster: interrupted at each of its requests, twice', () => {
  for (const role of ['voter', 'learner'] as const) {
    for (const answersLost of [false, true]) {
      test(`a ${role}, ${answersLost ? 'whose answers are lost' : 'whose requests do not leave'}`, async () => {
        const undisturbed = new Model(role)
        await undisturbed.rejoin()
        const steps = undisturbed.fuse.taken
        assert.deepEqual(undisturbed.done, role === 'voter' ? ['removed', 'added', 'voted'] : ['removed', 'added'])
        assert.ok(steps > 10, `${steps} requests`)
        for (let first = 0; first < steps; first++) {
          for (let second = 0; ; second++) {
            const model = new Model(role)
            Object.assign(model, { answersLost, fuse: new Fuse(first) })
            await assert.rejects(model.rejoin(), Crash)
            model.fuse = new Fuse(second)
            const ended = await model.rejoin().then(
              () => true,
              (error: unknown) => assert.ok(error instanceof Crash, String(error)),
            )
            model.fuse = new Fuse()
            await model.rejoin()
            const words = `interrupted at request ${first}, then ${second}`
            assert.deepEqual(model.state, undisturbed.state, words)
            assert.deepEqual(model.done, undisturbed.done, `${words}: each change is made once`)
            if (ended === true) break
          }
        }
      })
    }
  }

  test('a member that somebody else has replaced between two runs is refused, and nothing is changed', async () => {
    const model = new Model('voter')
    const other = 'ef'.repeat(32)
    const nodes = model.state.nodes.map((node) => (node.id === 3 ? { ...node, endpointId: other } : node))
    model.state = { ...model.state, nodes }
    const before = structuredClone(model.state)
    await assert.rejects(model.rejoin(), /somebody else has replaced node 3 meanwhile/)
    assert.deepEqual([model.state, model.done], [before, []])
  })
})
