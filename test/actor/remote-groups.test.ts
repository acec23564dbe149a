import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { GroupEvent } from '../../src/actor/index.ts'
import { writeGroup, writeLives } from '../../src/actor/remote/write-statements.ts'
import { RemotePeer } from './remote-peer.ts'
import { RemoteWorld } from './remote-world.ts'
import { watch } from './stage.ts'

class Worker {
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  who(): string {
    return this.#name
  }
}

const definition = defineActor<Worker, string>({ start: (_context, name) => new Worker(name) })

function join(world: RemoteWorld, id: number, name: string): void {
  const { system } = world.node(id)
  system.spawn(definition, { registerAs: name, argument: name })
  system.groups.join('workers', name)
}

function seenBy(world: RemoteWorld, id: number): string[] {
  return world
    .node(id)
    .system.groups.members('workers')
    .map(({ node, name }) => `${node ?? id}/${name}`)
    .toSorted()
}

describe('groups across nodes', () => {
  test('every node sees the members of all, before and after it is linked, and can call them', async () => {
    const world = new RemoteWorld([1, 2, 3])
    join(world, 2, 'early')
    await world.pass(100)
    join(world, 1, 'late')
    join(world, 3, 'late')
    await world.rest()
    for (const id of [1, 2, 3]) assert.deepEqual(seenBy(world, id), ['1/late', '2/early', '3/late'])
    const members = world.node(1).system.groups.members<Worker>('workers')
    const answers = members.map(({ ref }) => watch(ref.call('who')))
    await world.rest()
    assert.deepEqual(answers.map(({ value }) => String(value)).toSorted(), ['early', 'late', 'late'])
  })

  test('who leaves, or is gone, is told with a reason; who is out of reach too, until its node is back', async () => {
    const world = new RemoteWorld([1, 2])
    const told: string[] = []
    const note = (event: GroupEvent): void => {
      const { node, name } = event.member
      told.push(`${node}/${name} ${event.type === 'left' ? event.reason : 'joined'}`)
    }
    world.node(1).system.groups.watch('workers', note)
    join(world, 2, 'a')
    join(world, 2, 'b')
    await world.pass(100)
    world.node(2).system.groups.leave('workers', 'a')
    await world.rest()
    assert.deepEqual(told.splice(0), ['2/a joined', '2/b joined', '2/a left'])
    world.cut(1, 2)
    await world.rest()
    assert.deepEqual(told.splice(0), ['2/b unreachable'])
    assert.deepEqual(seenBy(world, 1), [])
    join(world, 2, 'c')
    world.heal(1, 2)
    await world.pass(100)
    assert.deepEqual(told.splice(0), ['2/b joined', '2/c joined'])
    world.kill(2)
    await world.pass(100)
    world.start(2)
    await world.pass(100)
    assert.deepEqual(told.splice(0), ['2/b unreachable', '2/c unreachable'])
    assert.deepEqual(seenBy(world, 1), [])
  })

  test('a node that takes part no more is forgotten, and known again when it does', async () => {
    const world = new RemoteWorld([1, 2])
    join(world, 2, 'a')
    await world.pass(100)
    assert.deepEqual(seenBy(world, 1), ['2/a'])
    world.remoting(2).close()
    await world.rest()
    assert.deepEqual(seenBy(world, 1), [])
    assert.equal(world.node(1).system.remote<Worker>(2, 'a').trySend('who'), false)
    assert.equal(world.node(2).system.remote<Worker>(1, 'b').trySend('who'), false)
    world.connect(2)
    await world.rest()
    assert.deepEqual(seenBy(world, 1), ['2/a'])
    assert.equal(world.node(1).system.remote<Worker>(2, 'a').trySend('who'), true)
  })

  test('a peer has no more members than a node may have, and is cut off', async () => {
    const it = new RemotePeer()
    it.greet()
    for (let i = 0; i < 10_000; i++) it.say((writer) => writeGroup(writer, 'g', `n${i}`, true))
    assert.equal(it.system.groups.members('g').length, 10_000)
    it.say((writer) => writeGroup(writer, 'g', 'n0', true))
    it.say(
      (writer) => writeGroup(writer, 'g', 'n1', false),
      (writer) => writeGroup(writer, 'g', 'n10000', true),
    )
    assert.deepEqual(it.kinds(), [])
    it.say((writer) => writeGroup(writer, 'g', 'n10001', true))
    assert.deepEqual(it.kinds(), ['bye'])
    assert.equal(it.system.groups.members('g').length, 0)
  })

  test('a peer whose key no id is bound to is no node: its members are known, and its actors reached, from when it is', async () => {
    const it = new RemotePeer()
    it.isBound = false
    it.greet()
    it.say((writer) => writeGroup(writer, 'workers', 'a', true))
    const told: string[] = []
    it.system.groups.watch('workers', (event) => void told.push(event.type === 'left' ? event.reason : event.type))
    const watcher = defineActor({
      start: (context) => {
        context.monitor(
          it.system.remote<Worker>(2, 'a'),
          (event) => void told.push(event.type === 'down' ? event.words : event.type),
        )
        return {}
      },
    })
    it.system.spawn(watcher)
    await it.rest()
    assert.deepEqual(told.splice(0), ['no member of the cluster has the id 2'])
    assert.deepEqual(it.said(), [])
    it.isBound = true
    it.remoting.bindingsChanged()
    await it.rest()
    assert.deepEqual(told.splice(0), ['joined'])
    assert.deepEqual(it.kinds(), ['open', 'watch'])
    it.say((writer) => writeLives(writer, 1, null))
    await it.rest()
    assert.deepEqual(told.splice(0), ['up'])
    assert.equal(it.system.remote<Worker>(2, 'a').trySend('who'), true)
    it.isBound = false
    it.remoting.bindingsChanged()
    await it.rest()
    assert.deepEqual(told.splice(0).toSorted(), ['no member of the cluster has the id 2', 'unreachable'])
    assert.equal(it.system.remote<Worker>(2, 'a').trySend('who'), false)
  })
})
