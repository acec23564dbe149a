/** Actors in threads behave as others do: the same tests, inline and in threads of Node. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor, inThread, Refusal } from '../../../src/actor/index.ts'
import type { ActorContext, ActorError, ActorRef, Restart } from '../../../src/actor/index.ts'
import { MAX_ACTOR_THREADS } from '../../../src/limits.ts'
import { badStop } from './actors-of-threads.ts'
import type { Counter } from './actors-of-threads.ts'
import { BAD_START, BAD_STOP, COUNTER, DEADLY, errorOf, MODULE, WORLDS } from './worlds.ts'
import type { World } from './worlds.ts'

function spawnCounter(world: World, name = 'counter', restart: Restart = 'permanent'): ActorRef<Counter> {
  return world.system.spawn(COUNTER, { name, argument: 10, mailboxCapacity: 3, restart })
}

for (const { name, make } of WORLDS) {
  describe(`an actor in a thread, ${name}`, () => {
    const within = (title: string, run: (world: World) => Promise<void>): void => {
      test(title, async () => {
        const world = make()
        try {
          await run(world)
        } finally {
          await world.end()
        }
      })
    }

    within('call: is answered in order, by an actor that is where it was spawned, on the clock of the system', async (world) => {
      const ref = spawnCounter(world)
      const answers = await world.settled(Promise.all([ref.call('add', 1), ref.call('add', 2), ref.call('get')]))
      assert.deepEqual(answers, [11, 13, { total: 13 }])
      assert.equal(await world.settled(ref.call('path')), '/counter')
      assert.equal(ref.path, '/counter')
      assert.equal(typeof (await world.settled(ref.call('draw'))), 'number')
      assert.ok((await world.settled(ref.call('now'))) < 60_000)
      assert.equal(world.count('started', '/counter'), 1)
    })

    within('call: what crosses is a copy of what was there when it was sent, both ways', async (world) => {
      const ref = spawnCounter(world)
      const given = { list: [1], bytes: new Uint8Array([7, 8]).subarray(1) }
      const call = ref.call('scribble', given)
      given.list.push(2)
      assert.deepEqual(await world.settled(call), { list: [1, 99], bytes: new Uint8Array([8]) })
      assert.deepEqual(given.list, [1, 2])
    })

    within('cast, send, call: what cannot cross is refused where it is sent, with the path to it', async (world) => {
      const bad = { list: [1, () => 1] as unknown as number[] }
      const ref = spawnCounter(world)
      const refused = { code: 'UNSENDABLE', begun: false, message: /^scribble: body\.list\[1\] is a function/ }
      assert.throws(() => ref.trySend('scribble', bad), refused)
      assert.throws(() => ref.cast('scribble', bad), refused)
      await assert.rejects(ref.send('scribble', bad), refused)
      await assert.rejects(ref.call('scribble', bad), refused)
      const itself = { list: ref as unknown as number[] }
      await assert.rejects(ref.call('scribble', itself), /scribble: body\.list is an instance of/)
      const error = await errorOf(world, ref.call('answerFunction'))
      assert.match(error.message, /^answer\.list\[0\] is a function/)
      assert.deepEqual([error.code, error.begun], ['UNSENDABLE', true])
      assert.equal(await world.settled(ref.call('add', 1)), 11, 'nothing was taken, and nothing has crashed')
      assert.throws(() => world.system.spawn(COUNTER, { argument: (() => 1) as unknown as number }), /argument is a function/)
      const mayRestart = (): boolean => true
      assert.throws(
        () => world.system.spawn(COUNTER, { argument: 1, supervision: { mayRestart } }),
        /supervision\.mayRestart is a function/,
      )
    })

    within('refuse: a Refusal reaches the caller with its name, words and facts, and the actor lives', async (world) => {
      const ref = spawnCounter(world)
      const error = await errorOf(world, ref.call('add', 5_000))
      assert.ok(error instanceof Refusal)
      const { limit } = error as { readonly limit?: unknown }
      assert.deepEqual([error.name, error.message, limit], ['OutOfRange', 'at most 1000', 1_000])
      ref.cast('add', 5_000)
      await world.happens('refused', '/counter')
      assert.equal(await world.settled(ref.call('add', 1)), 11)
      assert.equal(world.count('failed'), 0)
    })

    within('call: a message that it does not handle is refused, whatever it is called', async (world) => {
      const ref = spawnCounter(world) as unknown as ActorRef<Record<string, () => void>>
      for (const unknown of ['subtract', 'then', 'toString', '']) {
        const { code, begun } = await errorOf(world, ref.call(unknown))
        assert.deepEqual({ unknown, code }, { unknown, code: 'UNKNOWN_MESSAGE' })
        assert.equal(begun, false)
      }
      assert.equal(world.count('unknown-message', '/counter'), 4)
    })

    within(
      'crash: the caller hears it with its stack; what waits is handled by the next life, which begins anew',
      async (world) => {
        const ref = spawnCounter(world)
        await world.settled(ref.call('add', 1))
        const crash = errorOf(world, ref.call('crash', 'no more'))
        const next = ref.call('get')
        const error = await crash
        assert.deepEqual([error.code, error.begun], ['CRASHED', true])
        assert.match(error.message, /^\/counter failed .*no more/)
        const cause = error.cause as Error
        assert.deepEqual([cause.name, cause.message], ['RangeError', 'no more'])
        assert.match(cause.stack ?? '', /actors-of-threads\.ts/)
        await world.happens('failed', '/counter')
        await world.pass(1_000)
        assert.deepEqual(await world.settled(next), { total: 10 })

        assert.match((await errorOf(world, ref.call('crashLate', 'late'))).message, /late/)
        await world.happens('failed', '/counter', 2)
        await world.pass(2_000)
        await world.happens('started', '/counter', 3)
        // Answered before its time comes, which another call might not be.
        await world.settled(ref.call('crashIn', 1))
        await world.pass(1)
        await world.happens('failed', '/counter', 3)
        assert.match(world.events.at(-1)?.error?.message ?? '', /in its own time/)
      },
    )

    within('Later: the mailbox goes on meanwhile; who waits is answered, refused, or told of the crash', async (world) => {
      const ref = spawnCounter(world)
      const held = [ref.call('hold'), ref.call('holdLate')]
      assert.equal(await world.settled(ref.call('add', 1)), 11)
      // Nobody waits for this one.
      ref.cast('hold')
      assert.equal(await world.settled(ref.call('release')), 3)
      assert.deepEqual(await world.settled(Promise.all(held)), [11, 11])
      const refused = errorOf(world, ref.call('hold'))
      ref.cast('refuseHeld')
      const { name, message } = await refused
      assert.deepEqual([name, message], ['TypeError', 'no more'])
      const lost = errorOf(world, ref.call('hold'))
      ref.cast('crash', 'with one in hand')
      const { code, begun } = await lost
      assert.deepEqual([code, begun], ['CRASHED', true])
    })

    within('offer: no more wait than the mailbox holds, and no more than one is in the thread', async (world) => {
      const ref = spawnCounter(world)
      const never = errorOf(world, ref.call('never', undefined, { timeoutMs: 100 }))
      await world.happens('started', '/counter')
      await world.until(() => world.system.snapshot()[0]?.depth === 0, 'the message in hand')
      assert.deepEqual(
        [1, 2, 3, 4].map((amount) => ref.trySend('add', amount)),
        [true, true, true, false],
      )
      await world.rest()
      assert.equal(world.system.snapshot()[0]?.depth, 3)
      await world.pass(100)
      const { code, begun } = await never
      assert.deepEqual([code, begun], ['DEADLINE_EXCEEDED', true])
    })

    within('call: one that is over its deadline before its turn is never begun', async (world) => {
      const ref = spawnCounter(world)
      ref.cast('never')
      const waits = errorOf(world, ref.call('add', 1, { timeoutMs: 50 }))
      await world.happens('started', '/counter')
      await world.pass(50)
      const { code, begun } = await waits
      assert.deepEqual([code, begun], ['DEADLINE_EXCEEDED', false])
    })

    within('stop: ends it in good order, whoever asks; then it is down', async (world) => {
      const one = spawnCounter(world, 'one')
      const two = spawnCounter(world, 'two', 'transient')
      assert.equal(await world.settled(one.call('add', 1)), 11)
      two.cast('stop')
      const behind = errorOf(world, two.call('get'))
      await world.settled(one.stop())
      assert.equal((await errorOf(world, one.call('get'))).code, 'DOWN')
      assert.deepEqual([(await behind).code, (await behind).begun], ['DOWN', false])
      await world.until(() => world.system.snapshot().length === 0, 'the end of both')
      const three = world.system.spawn(BAD_STOP, { name: 'three', argument: 'throws' })
      assert.equal(await world.settled(three.call('hello')), 'hello')
      await world.settled(three.stop())
      assert.equal(world.events.find(({ event }) => event === 'stop-failed')?.error?.message, 'cannot stop')
      assert.equal(world.count('killed') + world.count('failed'), 0)
    })

    within('stop: one that is permanent and stops itself is started again, with what waits', async (world) => {
      const ref = spawnCounter(world)
      assert.equal(await world.settled(ref.call('add', 5)), 15)
      ref.cast('stop')
      const behind = ref.call('get')
      await world.happens('failed', '/counter')
      await world.pass(1_000)
      assert.deepEqual(await world.settled(behind), { total: 10 })
      assert.equal(world.count('started', '/counter'), 2)
      await world.settled(ref.stop())
      assert.deepEqual(world.system.snapshot(), [])
    })

    within('stop: what an actor wants of itself while it is ended counts, as it does of one in no thread', async (world) => {
      for (const [place, definition] of [
        ['here', badStop],
        ['there', BAD_STOP],
      ] as const) {
        const restarted = async (name: string, argument: 'leaves' | 'for good', restart: Restart): Promise<string> => {
          const ref = world.system.spawn(definition, { name: `${name}-${place}`, argument, restart })
          assert.equal(await world.settled(ref.call('hello')), 'hello')
          const outcome = ref.restart().then(
            () => 'restarted',
            ({ code }: ActorError) => code,
          )
          return world.settled(outcome)
        }
        assert.equal(await restarted('again', 'leaves', 'permanent'), 'restarted')
        assert.equal(await restarted('left', 'leaves', 'transient'), 'DOWN')
        assert.equal(await restarted('gone', 'for good', 'permanent'), 'DOWN')
      }
      const paths = world.system.snapshot().map(({ path }) => path)
      assert.deepEqual(paths, ['/again-here', '/again-there'])
    })

    within('stop: what does not end in time is killed: in its start, with a message in hand, in its end', async (world) => {
      const options = { shutdownMs: 500 }
      const start = world.system.spawn(BAD_START, { ...options, argument: 'hangs', name: 'start' })
      const busy = world.system.spawn(COUNTER, { ...options, argument: 1, name: 'busy' })
      const end = world.system.spawn(BAD_STOP, { ...options, argument: 'hangs', name: 'end' })
      const never = errorOf(world, busy.call('never', undefined, { timeoutMs: 90_000 }))
      await world.settled(end.call('hello'))
      await world.until(() => world.system.snapshot()[1]?.depth === 0, 'the message in hand')
      const stopped = Promise.all([start.stop(), busy.stop(), end.stop()])
      await world.rest()
      await world.pass(500)
      await world.settled(stopped)
      assert.deepEqual([(await never).code, (await never).begun], ['CRASHED', true])
      assert.equal(world.count('killed'), 3)
    })

    within('start: what keeps it from starting is a failure, and is said', async (world) => {
      const failures = async (path: string): Promise<string> => {
        await world.happens('failed', path)
        return world.events.find((event) => event.path === path && event.event === 'failed')?.error?.message ?? ''
      }
      const thread = world.system.threadPool({ size: 1 })
      for (const argument of ['throws', 'rejects', 'nothing'] as const)
        world.system.spawn(BAD_START, { name: argument, argument, thread })
      assert.equal(await failures('/throws'), 'cannot start')
      assert.equal(await failures('/rejects'), 'cannot start late')
      assert.match(await failures('/nothing'), /no object with handlers/)
      world.system.spawn(inThread(MODULE, 'countre'), { name: 'misspelt', thread })
      assert.match(await failures('/misspelt'), /countre of file:.*exports nothing of this name: it has .*counter/)
      world.system.spawn(inThread(new URL('nowhere.ts', MODULE), 'counter'), { name: 'nowhere', thread })
      assert.match(await failures('/nowhere'), /nowhere\.ts/)
      world.system.spawn(inThread(MODULE, 'notAnActor'), { name: 'number', thread })
      assert.match(await failures('/number'), /exports something else/)
    })

    within('spawn: its children are in its thread, are supervised there, and reported here', async (world) => {
      const ref = spawnCounter(world)
      assert.equal(await world.settled(ref.call('child', false)), '/counter/child 6')
      await world.happens('started', '/counter/child')
      assert.match((await errorOf(world, ref.call('nest'))).message, /an actor in a thread starts none/)
    })

    within('restart: an actor begins anew when it is asked to, from here or by itself', async (world) => {
      const ref = spawnCounter(world)
      await world.settled(ref.call('add', 1))
      await world.settled(ref.restart())
      assert.deepEqual(await world.settled(ref.call('get')), { total: 10 })
      assert.equal(await world.settled(ref.call('restartSelf')), 'soon')
      await world.happens('restarted', '/counter', 2)
      await world.happens('started', '/counter', 3)
      assert.equal(world.count('failed') + world.count('killed'), 0)
    })

    within('self: an actor writes to itself in its thread', async (world) => {
      const ref = spawnCounter(world)
      assert.equal(await world.settled(ref.call('addToSelf', 5)), 10)
      await world.settled(ref.call('get'))
      assert.deepEqual(await world.settled(ref.call('get')), { total: 15 })
      // What it refuses there has no caller here.
      await world.settled(ref.call('addToSelf', 5_000))
      await world.happens('refused', '/counter')
    })

    within('monitor, link, named: others have to do with it as with any actor', async (world) => {
      const ref = world.system.spawn(COUNTER, { name: 'counter', argument: 10, registerAs: 'the-counter' })
      const seen: string[] = []
      const watcher = defineActor({
        start: (context) => {
          context.monitor(ref, (event) => seen.push(event.type === 'up' ? 'up' : `${event.type} ${event.reason} ${event.final}`))
          return {}
        },
      })
      const linked = defineActor({
        start: (context) => {
          context.link(ref)
          return {}
        },
      })
      world.system.spawn(watcher, { name: 'watcher' })
      await world.happens('started', '/counter')
      world.system.spawn(linked, { name: 'linked', restart: 'temporary' })
      await world.happens('started', '/linked')
      const named = world.system.named<Counter>('the-counter') as ActorRef<Counter>
      assert.equal(await world.settled(named.call('add', 1)), 11)
      named.cast('crash', 'for all to see')
      await world.until(() => seen.length === 1, 'what the monitor is told')
      await world.until(() => world.system.snapshot().length === 2, 'the end of the one that is linked')
      await world.pass(1_000)
      await world.until(() => seen.length === 2, 'that it is up again')
      await world.settled(ref.stop())
      await world.until(() => seen.length === 3, 'that it is gone')
      assert.deepEqual(seen, ['down crashed false', 'up', 'down stopped true'])
      assert.equal(world.system.named('the-counter'), undefined)
    })

    within('threadPool: actors share its threads; those in one that dies begin anew in another, and no others', async (world) => {
      const pool = world.system.threadPool({ size: 2 })
      const deadly = world.system.spawn(DEADLY, { name: 'deadly', thread: pool })
      const counters = Array.from({ length: 5 }, (_, i) =>
        world.system.spawn(COUNTER, { name: `c${i}`, argument: i, thread: pool }),
      )
      await world.settled(Promise.all(counters.map((counter) => counter.call('add', 100))))
      assert.deepEqual([pool.threads, pool.load], [2, 6])
      // The first, third and fifth of all live with the deadly one.
      const inHand = errorOf(world, counters[1]?.call('never', undefined, { timeoutMs: 90_000 }) as Promise<number>)
      const held = counters[0]?.call('hold', undefined, { timeoutMs: 90_000 })
      await world.settled(counters[3]?.call('get') as Promise<unknown>)
      await world.until(() => world.system.snapshot().every(({ depth }) => depth === 0), 'the message in hand')
      world.killThread(deadly)
      const { code, begun, message } = await inHand
      assert.deepEqual([code, begun], ['CRASHED', true])
      assert.match(message, /its thread ended by itself, with code 3/)
      for (const path of ['/deadly', '/c1', '/c3']) await world.happens('failed', path)
      assert.equal(world.count('failed'), 3)
      assert.equal(pool.threads, 1)
      await world.settled(counters[2]?.call('add', 1) as Promise<unknown>)
      await world.pass(1_000)
      const totals = await world.settled(Promise.all(counters.map((counter) => counter.call('add', 0))))
      assert.deepEqual(totals, [100, 1, 103, 3, 104])
      await world.settled(counters[0]?.call('release') as Promise<unknown>)
      assert.equal(await held, 100)
      assert.deepEqual([pool.threads, pool.load], [2, 6])
    })

    within('stop: a pool ends those who live in it, in good order and for good, then its threads', async (world) => {
      const pool = world.system.threadPool({ size: 1 })
      const one = world.system.spawn(COUNTER, { name: 'one', argument: 1, thread: pool })
      const between = world.system.spawn(COUNTER, { name: 'between', argument: 2, thread: pool })
      await world.settled(one.call('get'))
      await errorOf(world, between.call('crash', 'and starts again'))
      await world.happens('failed', '/between')
      await world.settled(pool.stop())
      assert.deepEqual([pool.threads, pool.load], [0, 0])
      assert.equal((await errorOf(world, one.call('get'))).code, 'DOWN')
      await world.pass(1_000)
      await world.until(() => world.system.snapshot().length === 0, 'the end of the one that was to be started again')
      assert.throws(() => world.system.spawn(COUNTER, { argument: 1, thread: pool }), /has been stopped/)
      assert.equal(world.count('killed'), 0)
      await world.settled(pool.stop())
    })
  })
}

describe('where an actor lives', () => {
  test('spawn: says what it cannot place', async () => {
    const [inline] = WORLDS
    const world = inline?.make() as World
    const closure = defineActor({ start: () => ({ hello: () => 'hello' }) })
    assert.throws(() => world.system.spawn(closure, { thread: 'own' }), /functions of this one do not cross/)
    assert.throws(() => world.system.spawn(COUNTER, { argument: 1, thread: 'mine' as 'own' }), /thread is mine: give 'own'/)
    assert.throws(
      () => world.system.spawn(COUNTER, { argument: 1, thread: { maxHeapMb: 1 } }),
      /maxHeapMb is 1: give a whole number/,
    )
    assert.throws(() => world.system.spawn(COUNTER, { argument: 1, thread: { unresponsiveMs: 0.5 } }), /unresponsiveMs is 0.5/)
    assert.throws(
      () => world.system.spawn(COUNTER, { argument: 1, thread: { size: 2 } as object }),
      /"size" in the options of a thread is no setting: there are maxHeapMb, unresponsiveMs/,
    )
    assert.throws(() => inThread(new URL('https://example.org/a.js'), 'counter'), /takes the URL of a file/)
    assert.throws(() => inThread('./a.ts' as unknown as URL, 'counter'), /takes the URL of a file/)
    assert.throws(() => inThread(MODULE, ''), /name of an export/)
    assert.throws(() => world.system.threadPool({ size: 0 }), /size is 0/)
    const other = WORLDS[0]?.make() as World
    const pool = other.system.threadPool({ size: 1 })
    assert.throws(() => world.system.spawn(COUNTER, { argument: 1, thread: pool }), /of another system/)
    await other.end()
    assert.throws(() => COUNTER.start({} as ActorContext, 1), /give this definition to spawn/)
    assert.deepEqual(world.system.snapshot(), [])
    await world.end()
  })
})

describe('threads of a system', () => {
  test('onDropped: is told what was sent, and not how it was packed', async () => {
    const world = WORLDS[0]?.make() as World
    const dropped: unknown[] = []
    const onDropped = (message: string, body: unknown): void => void dropped.push([message, body])
    const ref = world.system.spawn(COUNTER, { argument: 1, keepsMessages: false, onDropped })
    ref.cast('crash', 'with one waiting')
    ref.cast('scribble', { list: [1] })
    await world.happens('failed', '/1')
    assert.deepEqual(dropped, [['scribble', { list: [1] }]])
    await world.end()
  })

  test('spawn: there are so many and no more; who finds none is started again', async () => {
    const world = WORLDS[0]?.make() as World
    for (let i = 0; i <= MAX_ACTOR_THREADS; i++) world.system.spawn(COUNTER, { name: `c${i}`, argument: 1 })
    await world.rest()
    const phases = world.system.snapshot().map(({ phase }) => phase)
    assert.deepEqual([phases.filter((phase) => phase === 'running').length, phases.at(-1)], [MAX_ACTOR_THREADS, 'down'])
    assert.match(world.events.find(({ event }) => event === 'failed')?.error?.message ?? '', /there are 256 threads/)
    await world.end()
  })
})

/** Never called: it is right when it compiles, and each line that must not is wrong without its mark. */
export function types(world: World): unknown[] {
  const ref = world.system.spawn(COUNTER, { argument: 1 })
  // @ts-expect-error an argument of another type
  world.system.spawn(COUNTER, { argument: 'one' })
  // @ts-expect-error a body of another type
  ref.cast('add', 'one')
  const total: Promise<number> = ref.call('add', 1)
  const later: Promise<number> = ref.call('hold')
  const late: Promise<number> = ref.call('holdLate')
  // @ts-expect-error an answer of another type
  const wrong: Promise<string> = ref.call('holdLate')
  return [total, later, late, wrong]
}
