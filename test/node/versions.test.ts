/** Nodes of two versions in one cluster: what is proposed, when the version goes up, and what an old program makes of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { WriteCommand } from '../../src/api/index.ts'
import { encodeWrite, LANGUAGE, LaterVersion } from '../../src/commands/index.ts'
import { utf8Decode, utf8Encode } from '../../src/lib/index.ts'
import { VERSION_PATIENCE_MS } from '../../src/limits.ts'
import { faultOf } from '../../src/node/index.ts'
import { LANGUAGE_2 } from '../commands/language-2.ts'
import type { Machine } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'

const PATIENCE_MS = 2_000
const PATIENT = VERSION_PATIENCE_MS + 30_000

/** No command of this program's version holds it. */
function encodeIncrement(key: string): Uint8Array {
  const write = { Txn: { compare: [], then: [{ Increment: { key, by: 1 } }] } } as unknown as WriteCommand
  return encodeWrite(write, {}, LANGUAGE_2)
}

/** Asks a node for an increment, and waits for what it says. */
function increment(world: World, machine: Machine, key = 'n'): AspenError | null {
  let answer: Error | null | undefined
  machine.ask(({ replica }, now) => {
    replica.write(encodeIncrement(key), now + PATIENCE_MS, (error) => (answer = error ?? null))
  })
  world.until('the increment is answered', () => answer !== undefined)
  assert.ok(answer === null || answer instanceof AspenError)
  return answer
}

function refusalOf(world: World, request: Parameters<World['submit']>[1], machine = world.leader): AspenError {
  assert.ok(machine !== null)
  let answer: Error | null | undefined
  world.submit(machine, request, (error) => (answer = error ?? null))
  world.until('the request is answered', () => answer !== undefined)
  assert.ok(answer instanceof AspenError)
  return answer
}

function valueAt(machine: Machine, key = 'n'): string | null {
  const found = machine.process?.state.get(utf8Encode(key))
  return found === undefined ? null : (utf8Decode(found.value) ?? null)
}

function versionAt(machine: Machine): number | undefined {
  return machine.process?.state.info().clusterVersion
}

/** Another program takes the place of the one that runs on this machine. */
function replaceProgram(world: World, machine: Machine, language: typeof LANGUAGE): void {
  if (machine.process !== null) machine.crash('killed')
  machine.language = language
  machine.start()
  world.until(`node ${machine.id} is open`, () => machine.process !== null || machine.refusal !== null)
}

function underLoad(world: World, step: () => void): void {
  const load = (): void => {
    for (let i = 0; i < 5; i++) world.clients.write(world.leaderAmong(world.machines), `k${i}`)
  }
  load()
  step()
  load()
  world.assertProgress('after')
}

/** Nodes 1 and 2 run version 2, node 3 version 1. */
const mixed = (more: Partial<ConstructorParameters<typeof World>[0]> = {}): World =>
  new World({ seed: 1, nodes: 3, language: (id) => (id < 3 ? LANGUAGE_2 : LANGUAGE), ...more })

describe('a cluster of two versions', () => {
  test('nothing of version 2 is proposed while a member cannot apply it, and the refusal says which', () => {
    const world = mixed()
    world.run(PATIENT)
    const leader = world.leaderAmong(world.machines.slice(0, 2))
    const before = leader.process?.replica.view.lastLog.index
    const error = increment(world, leader)
    assert.equal(error?.code, 'CLUSTER_VERSION')
    assert.deepEqual(error.details, { needs: 2, cluster_version: 1, held_back_by: [3] })
    assert.match(
      error.message,
      /needs version 2 of the cluster, which is at version 1: it was not applied; node 3 can apply versions up to 1/,
    )
    assert.equal(leader.process?.replica.view.lastLog.index, before, 'nothing was proposed')
    const refused = refusalOf(world, { op: 'raise-version', version: 2 })
    assert.deepEqual([refused.code, refused.details['held_back_by']], ['CLUSTER_VERSION', [3]])
    assert.deepEqual(world.machines.map(versionAt), [1, 1, 1])
    assert.deepEqual(leader.process?.replica.versions, { cluster: 1, own: 2, heldBackBy: [3] })
    world.settle()
  })

  test('upgraded one by one under load, it is raised by itself after ten minutes, and then Increment works', () => {
    const world = new World({ seed: 2, nodes: 3 })
    for (const machine of world.machines) underLoad(world, () => replaceProgram(world, machine, LANGUAGE_2))
    world.run(VERSION_PATIENCE_MS - 60_000)
    assert.deepEqual(world.machines.map(versionAt), [1, 1, 1], 'not before the time')
    world.run(120_000)
    assert.deepEqual(world.machines.map(versionAt), [2, 2, 2])
    assert.equal(increment(world, world.leaderAmong(world.machines)), null)
    assert.equal(increment(world, world.others(world.leaderAmong(world.machines))[0] as Machine), null)
    world.settle()
    assert.deepEqual(
      world.machines.map((one) => valueAt(one)),
      ['2', '2', '2'],
    )
  })

  test('asked for, it is raised at once, and a setting holds it', () => {
    const held = new World({ seed: 3, nodes: 3, language: () => LANGUAGE_2, settings: { maxClusterVersion: 1 } })
    held.run(PATIENT)
    const refused = refusalOf(held, { op: 'raise-version', version: 2 })
    assert.match(refused.message, /max_cluster_version of node \d holds it at 1/)
    assert.deepEqual(held.machines.map(versionAt), [1, 1, 1])
    const world = new World({ seed: 3, nodes: 3, language: () => LANGUAGE_2 })
    world.administer({ op: 'raise-version', version: 2 })
    assert.equal(increment(world, world.leaderAmong(world.machines)), null)
    world.administer({ op: 'raise-version', version: 1 })
    world.settle()
    assert.deepEqual(world.machines.map(versionAt), [2, 2, 2], 'never down')
    const beyond = refusalOf(world, { op: 'raise-version', version: 3 })
    for (const id of [1, 2, 3]) assert.match(beyond.message, new RegExp(`node ${id} can apply versions up to 2`))
    assert.deepEqual(beyond.details['held_back_by'], [1, 2, 3])
    world.node(3).crash('killed')
    world.run(1_000)
    const heldBackBy = [1, 2].map((id) => world.node(id).process?.replica.versions.heldBackBy)
    assert.deepEqual(heldBackBy, [[], []], 'nobody keeps the cluster below what it is at')
  })

  test('a member that is away, or a learner of an old version, holds it back', () => {
    const away = new World({ seed: 4, nodes: 3, language: () => LANGUAGE_2 })
    away.node(3).crash('killed')
    away.run(1_000)
    const error = refusalOf(away, { op: 'raise-version', version: 2 }, away.leaderAmong(away.machines.slice(0, 2)))
    assert.match(error.message, /node 3 is not linked/)
    away.run(PATIENT)
    assert.deepEqual(
      [1, 2].map((id) => versionAt(away.node(id))),
      [1, 1],
    )
    const world = mixed({ voters: 2, seed: 5 })
    world.administer({ op: 'add-learner', nodeId: 3, endpointId: null })
    world.run(PATIENT)
    assert.deepEqual(refusalOf(world, { op: 'raise-version', version: 2 }).details['held_back_by'], [3])
    assert.deepEqual(world.machines.map(versionAt), [1, 1, 1])
  })

  test('a node of a version below is not added, and both versions are named', () => {
    const world = mixed({ voters: 2, seed: 6 })
    world.administer({ op: 'raise-version', version: 2 })
    const error = refusalOf(world, { op: 'add-learner', nodeId: 3, endpointId: null })
    assert.equal(error.code, 'CLUSTER_VERSION')
    assert.match(error.message, /node 3 can apply versions up to 1, and the cluster is at version 2/)
    replaceProgram(world, world.node(3), LANGUAGE_2)
    world.administer({ op: 'add-learner', nodeId: 3, endpointId: null })
    world.settle()
    assert.equal(versionAt(world.node(3)), 2)
  })

  test('forth and back under load while it is not raised', () => {
    const world = new World({ seed: 7, nodes: 3, retainedEntries: 5, checkpointIntervalEntries: 10 })
    for (const language of [LANGUAGE_2, LANGUAGE, LANGUAGE_2, LANGUAGE])
      for (const machine of world.machines) underLoad(world, () => replaceProgram(world, machine, language))
    world.settle()
    assert.deepEqual(world.machines.map(versionAt), [1, 1, 1])
  })
})

/** It stopped, in words that an operator can act on, of the kind that no restart cures. */
function assertStopped(error: Error | null): void {
  assert.ok(error !== null)
  assert.equal(faultOf(error).kind, 'version')
  assert.ok(error instanceof LaterVersion)
  assert.equal(error.needs, 2)
  assert.match(error.message, /needs version 2.* this program knows 1/)
}

describe('the old program, once the version was raised', () => {
  /** A cluster at version 2 whose node 3 was down when it did things that only version 2 can. */
  function raised(seed: number, compact: boolean): World {
    const few = compact ? { retainedEntries: 2, checkpointIntervalEntries: 4 } : {}
    const world = new World({ seed, nodes: 3, language: () => LANGUAGE_2, ...few })
    world.assertProgress('k')
    world.administer({ op: 'raise-version', version: 2 })
    world.converge()
    return world
  }

  test('does not start on its own log, nor on a snapshot; and the new one goes on from there', () => {
    for (const compact of [false, true]) {
      const world = raised(8, compact)
      const machine = world.others(world.leaderAmong(world.machines))[0] as Machine
      for (let i = 0; i < 20; i++) assert.equal(increment(world, world.leaderAmong(world.machines)), null)
      world.converge()
      machine.crash('killed')
      machine.language = LANGUAGE
      machine.start()
      world.until('it is refused', () => machine.refusal !== null)
      assertStopped(machine.refusal)
      assert.equal(machine.process, null)
      replaceProgram(world, machine, LANGUAGE_2)
      world.settle()
      assert.deepEqual(
        world.machines.map((one) => valueAt(one)),
        ['20', '20', '20'],
      )
    }
  })

  test('stops before the entry that raised it, or before the snapshot, and has stored nothing of them', () => {
    for (const compact of [false, true]) {
      const few = compact ? { retainedEntries: 2, checkpointIntervalEntries: 4 } : {}
      const world = new World({ seed: 9, nodes: 3, language: () => LANGUAGE_2, ...few })
      const machine = world.others(world.leaderAmong(world.machines))[0] as Machine
      world.assertProgress('k')
      world.run(VERSION_PATIENCE_MS - 5_000)
      const before = machine.process?.replica.view.lastLog
      machine.crash('killed')
      const others = world.others(machine)
      world.run(60_000)
      assert.deepEqual(others.map(versionAt), [2, 2], 'it was heard not long ago')
      for (let i = 0; i < 20; i++) assert.equal(increment(world, world.leaderAmong(others)), null)
      machine.language = LANGUAGE
      machine.start()
      world.until('it stops itself', () => machine.failure !== null)
      assertStopped(machine.failure)
      assert.equal(machine.process?.state.info().clusterVersion, 1)
      assert.deepEqual(machine.process.replica.view.lastLog, before)
      assert.equal(valueAt(machine), null)
      machine.crash('killed')
      replaceProgram(world, machine, LANGUAGE_2)
      world.settle()
      assert.deepEqual(
        world.machines.map((one) => valueAt(one)),
        ['20', '20', '20'],
      )
    }
  })
})
