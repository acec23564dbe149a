import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorRef, Target, ActorSystem } from '../../src/actor/index.ts'
import { writeLives, writeOpen, writeWatch } from '../../src/actor/remote/write-statements.ts'
import { RemotePeer } from './remote-peer.ts'
import { RemoteWorld } from './remote-world.ts'

class Worker {
  crash(words: string): void {
    throw new Error(words)
  }
}

class Watcher {
  readonly seen: string[]
  readonly #watch: (target: Target) => { cancel(): void }
  readonly #monitors: { cancel(): void }[] = []
  constructor(seen: string[], watch: (target: Target) => { cancel(): void }) {
    this.seen = seen
    this.#watch = watch
  }
  monitor(target: Target): void {
    this.#monitors.push(this.#watch(target))
  }
  cancel(): void {
    for (const monitor of this.#monitors) monitor.cancel()
  }
}

function watcherOn(system: ActorSystem): {
  readonly ref: ActorRef<Watcher>
  readonly seen: string[]
} {
  const seen: string[] = []
  const definition = defineActor<Watcher>({
    start: (context) =>
      new Watcher(seen, (target) =>
        context.monitor(target, (event) => {
          seen.push(event.type === 'up' ? 'up' : `${event.reason}${event.final ? ' for good' : ''}`)
        }),
      ),
  })
  return { ref: system.spawn(definition), seen }
}

function startWorker(world: RemoteWorld, id: number): ActorRef<Worker> {
  return world.node(id).system.spawn(defineActor<Worker>({ start: () => new Worker() }), { registerAs: 'worker' })
}

async function watched() {
  const world = new RemoteWorld([1, 2])
  const worker = startWorker(world, 2)
  await world.pass(100)
  const { ref, seen } = watcherOn(world.node(1).system)
  ref.cast('monitor', world.node(1).system.remote<Worker>(2, 'worker'))
  await world.rest()
  return { world, worker, watcher: ref, seen }
}

describe('a monitor of a remote actor', () => {
  test('is told nothing of one that lives, and then of each end and each beginning', async () => {
    const { world, worker, seen } = await watched()
    assert.deepEqual(seen, [])
    worker.cast('crash', 'boom')
    await world.rest()
    assert.deepEqual(seen, ['crashed'])
    await world.pass(1_100)
    assert.deepEqual(seen, ['crashed', 'up'])
    await worker.stop()
    await world.rest()
    assert.deepEqual(seen, ['crashed', 'up', 'stopped'])
    startWorker(world, 2)
    await world.rest()
    assert.deepEqual(seen, ['crashed', 'up', 'stopped', 'up'])
  })

  test('is told at once of one that is not there, and not linked', async () => {
    const world = new RemoteWorld([1, 2])
    await world.pass(100)
    const { ref, seen } = watcherOn(world.node(1).system)
    const { system } = world.node(1)
    for (const target of [
      system.remote<Worker>(2, 'worker'),
      system.remote<Worker>(9, 'worker'),
      system.remote<Worker>(1, 'worker'),
    ])
      ref.cast('monitor', target)
    await world.rest()
    assert.deepEqual(seen.toSorted(), ['gone', 'gone', 'unreachable'])
  })

  test('is told of a lost link, of its return, and of what the actor was doing meanwhile', async () => {
    const { world, worker, seen } = await watched()
    world.cut(1, 2)
    await world.rest()
    assert.deepEqual(seen, ['unreachable'])
    world.heal(1, 2)
    await world.pass(100)
    assert.deepEqual(seen, ['unreachable', 'up'])
    world.cut(1, 2)
    await world.rest()
    await worker.stop()
    world.heal(1, 2)
    await world.pass(100)
    assert.deepEqual(seen, ['unreachable', 'up', 'unreachable'])
    startWorker(world, 2)
    await world.rest()
    assert.deepEqual(seen.at(-1), 'up')
  })

  test('is told of a node that is killed, and of the one that comes back with its id', async () => {
    const { world, seen } = await watched()
    world.kill(2)
    await world.pass(100)
    assert.deepEqual(seen, ['unreachable'])
    world.start(2)
    await world.pass(100)
    assert.deepEqual(seen, ['unreachable'])
    startWorker(world, 2)
    await world.rest()
    assert.deepEqual(seen, ['unreachable', 'up'])
  })

  test('leaves nothing behind when it is cancelled, or its watcher ends', async () => {
    for (const end of ['cancel', 'stop'] as const) {
      const it = new RemotePeer()
      it.greet()
      const { ref, seen } = watcherOn(it.system)
      ref.cast('monitor', it.system.remote<Worker>(2, 'worker'))
      ref.cast('monitor', it.system.remote<Worker>(2, 'worker'))
      const [opened, on, ...more] = it.said()
      assert.deepEqual([opened, on, more], [['open', 1, 'worker'], ['watch', 1, true], []])
      if (end === 'stop') await Promise.all([ref.stop(), it.rest()])
      else ref.cast('cancel')
      assert.deepEqual(it.said(), [['watch', 1, false]])
      it.say((writer) => writeLives(writer, 1, { reason: 'crashed', words: '' }))
      await it.rest()
      assert.deepEqual(seen, [])
      it.unlink()
      it.link()
      it.greet()
      assert.deepEqual(it.said(), [])
    }
  })

  test('is told down and up in turns, whatever the peer says', async () => {
    const it = new RemotePeer()
    it.greet()
    const { ref, seen } = watcherOn(it.system)
    ref.cast('monitor', it.system.remote<Worker>(2, 'worker'))
    it.clock.settle()
    const down = { reason: 'crashed', words: 'x' } as const
    for (const lives of [null, null, down, down, null, null, down]) {
      it.say((writer) => writeLives(writer, 1, lives))
      await it.rest()
    }
    assert.deepEqual(seen, ['crashed', 'up', 'crashed'])
  })

  test('of a peer is told of each life of whoever has the name, and of none when it has ended', async () => {
    const it = new RemotePeer()
    it.greet()
    const lives = (): string[] =>
      it
        .said()
        .map(
          ([kind, stream, ended]) =>
            `${kind} ${String(stream)} ${(ended as { readonly reason?: string } | null)?.reason ?? 'up'}`,
        )
    const start = (): ActorRef<Worker> =>
      it.system.spawn(defineActor<Worker>({ start: () => new Worker() }), { registerAs: 'worker' })
    it.say(
      (writer) => writeOpen(writer, 1, 'worker'),
      (writer) => writeWatch(writer, 1, true),
    )
    assert.deepEqual(lives(), ['lives 1 gone'])
    const first = start()
    assert.deepEqual(lives(), ['lives 1 up'])
    first.cast('crash', 'x')
    assert.deepEqual(lives(), ['lives 1 crashed'])
    it.clock.advance(1_000)
    assert.deepEqual(lives(), ['lives 1 up'])
    await Promise.all([first.stop(), it.rest()])
    const second = start()
    assert.deepEqual(lives(), ['lives 1 stopped', 'lives 1 up'])
    it.say((writer) => writeWatch(writer, 1, false))
    second.cast('crash', 'x')
    it.clock.advance(1_000)
    assert.deepEqual(lives(), [])
    it.say((writer) => writeWatch(writer, 1, true))
    assert.deepEqual(lives(), ['lives 1 up'])
    it.unlink()
    second.cast('crash', 'x')
    await Promise.all([second.stop(), it.rest()])
    start()
    assert.deepEqual(lives(), [])
  })
})
