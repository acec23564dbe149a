import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ActorError, defineActor, Later, Refusal } from '../../src/actor/index.ts'
import { codeOf, watch } from './stage.ts'
import { RemoteWorld } from './remote-world.ts'

class Worker {
  readonly seen: unknown[] = []
  readonly kept: Later<unknown>[] = []
  note(value: unknown): void {
    this.seen.push(value)
  }
  echo(value: unknown): unknown {
    return value
  }
  refuse(words: string): void {
    throw Object.assign(new Refusal(words), { code: 'NO', run: () => 1 })
  }
  crash(words: string): void {
    throw new Error(words)
  }
  keep(): Later<unknown> {
    const later = new Later<unknown>()
    this.kept.push(later)
    return later
  }
  never(): Promise<void> {
    return new Promise(() => undefined)
  }
  pretend(): Later<unknown> {
    const later = new Later<unknown>()
    later.refuse(Object.assign(new ActorError('DOWN', 'of my own'), { code: 'MINE', message: 7 }))
    return later
  }
  odd(): unknown {
    return { run: () => 1 }
  }
}

/** Two nodes, and a worker registered on the second. */
async function pair(mailboxCapacity?: number) {
  const world = new RemoteWorld([1, 2])
  const workers: Worker[] = []
  const definition = defineActor<Worker>({
    start: () => {
      const worker = new Worker()
      workers.push(worker)
      return worker
    },
  })
  const options = { registerAs: 'worker', ...(mailboxCapacity === undefined ? {} : { mailboxCapacity }) }
  world.node(2).system.spawn(definition, options)
  await world.pass(100)
  const remote = world.node(1).system.remote<Worker>(2, 'worker')
  return { world, workers, worker: workers[0] as Worker, remote }
}

describe('RemoteRef', () => {
  test('call: is answered with a copy, and bodies are copies', async () => {
    const { world, remote, worker } = await pair()
    const body = { list: [1, 2n, new Date(5)], bytes: Uint8Array.of(1) }
    const answer = watch(remote.call('echo', body))
    remote.cast('note', body)
    body.list.push(3)
    await world.rest()
    const expected = { list: [1, 2n, new Date(5)], bytes: Uint8Array.of(1) }
    assert.deepEqual(answer.value, expected)
    assert.deepEqual(worker.seen, [expected])
  })

  test('messages of one node to one actor arrive in the order in which they were sent, however they were', async () => {
    const { world, remote, worker } = await pair()
    const expected: number[] = []
    for (let i = 0; i < 300; i++) {
      expected.push(i)
      if (i % 3 === 0) remote.cast('note', i)
      else if (i % 3 === 1) watch(remote.call('note', i))
      else watch(remote.send('note', i))
    }
    await world.rest()
    assert.deepEqual(worker.seen, expected)
  })

  test('call: refusals, crashes, unknown messages and names are told apart, and whether it was begun', async () => {
    const { world, remote } = await pair()
    const nobody = world.node(1).system.remote<Worker>(2, 'nobody')
    const outcomes = [
      watch(remote.call('refuse', 'not today')),
      watch(remote.call('crash', 'boom')),
      watch(nobody.call('echo', 1)),
      watch((remote as unknown as { call(message: string): Promise<unknown> }).call('constructor')),
      watch(remote.call('odd')),
    ]
    await world.pass(2_000)
    assert.ok(outcomes[0]?.error instanceof Refusal)
    assert.equal(outcomes[0].error.message, 'not today')
    assert.equal((outcomes[0].error as { code?: unknown }).code, 'NO')
    const said = outcomes.slice(1).map(({ error }) => [(error as ActorError).code, (error as ActorError).begun])
    assert.deepEqual(said, [
      ['CRASHED', true],
      ['DOWN', false],
      ['UNKNOWN_MESSAGE', false],
      ['UNSENDABLE', true],
    ])
    const called = ['crash to worker of node 2: ', 'echo to nobody of node 2: ', 'constructor to worker of node 2: ']
    for (const [i, what] of called.entries()) assert.equal(outcomes[i + 1]?.error?.message.startsWith(what), true, what)
    assert.match(String(outcomes[1]?.error?.message), /boom/)
    assert.match(String(outcomes[4]?.error?.message), /answer\.run is a function/)
  })

  test('call: an error names the message, the actor as its caller knows it and its node, and no place in that node', async () => {
    const { world, remote } = await pair()
    const { system } = world.node(2)
    system.spawn(defineActor<Worker>({ start: () => new Worker() }), { name: 'secret', registerAs: 'jobs' })
    await world.pass(100)
    const jobs = world.node(1).system.remote<Worker>(2, 'jobs')
    const wrong = jobs as unknown as { call(message: string): Promise<unknown> }
    const crashed = watch(jobs.call('crash', 'boom'))
    const unknown = watch(wrong.call('nonsense'))
    const odd = watch(remote.call('odd'))
    await world.pass(2_000)
    const late = watch(jobs.call('never', undefined, { timeoutMs: 5_000 }))
    await world.rest()
    while (jobs.trySend('echo', 1));
    const full = watch(jobs.send('echo', 1, { timeoutMs: 4_000 }))
    assert.throws(() => jobs.cast('echo', 1), {
      code: 'OVERLOADED',
      message:
        'echo to jobs of node 2: it was not sent: its receiver is slower than its senders; send it later, or fewer at a time',
    })
    await world.pass(6_000)
    const gone = watch(world.node(1).system.remote<Worker>(2, 'nobody').call('echo', 1))
    await world.rest()
    const open = watch(remote.call('never'))
    await world.rest()
    world.cut(1, 2)
    await world.rest()
    const said = [crashed, unknown, odd, late, full, gone, open].map((call) => `${codeOf(call)} ${call.error?.message}`)
    const again = 'it may have been done: send again only what may be done twice'
    assert.deepEqual(said, [
      `CRASHED crash to jobs of node 2: jobs failed with the message in hand: it crashed: boom; ${again}`,
      'UNKNOWN_MESSAGE nonsense to jobs of node 2: jobs handles no message called "nonsense"; see that both nodes run the same version of the program',
      'UNSENDABLE odd to worker of node 2: answer.run is a function: only plain data can be sent',
      'DEADLINE_EXCEEDED never to jobs of node 2 was not answered in time: it may have been handled, or may still be; send again only what may be done twice, with more time',
      'OVERLOADED echo to jobs of node 2: it was not taken in time: its receiver is slower than its senders; send it later, or fewer at a time',
      'DOWN echo to nobody of node 2: no actor is registered as nobody: echo was not handled; monitor it, and send when it is up',
      `UNREACHABLE never to worker of node 2: the link to node 2 is lost, before it was answered; ${again}`,
    ])
  })

  test('call: an error of the runtime that a program has made up harms nobody', async () => {
    const { world, remote } = await pair()
    const call = watch(remote.call('pretend'))
    await world.pass(2_000)
    assert.ok(call.error instanceof Refusal)
    const next = watch(remote.call('echo', 1))
    await world.rest()
    assert.equal(next.value, 1)
  })

  test('what is no plain data is refused where it is sent, and nothing leaves', async () => {
    const { world, remote, worker } = await pair()
    const body = { items: [{ run: () => 1 }] }
    const words = 'note to worker of node 2: body.items[0].run is a function: only plain data can be sent'
    const isRefusal = (error: unknown): boolean =>
      error instanceof ActorError && error.code === 'UNSENDABLE' && error.message === words && !error.begun
    assert.throws(() => remote.cast('note', body), isRefusal)
    assert.throws(() => remote.trySend('note', body), isRefusal)
    await assert.rejects(remote.call('note', body), isRefusal)
    await assert.rejects(remote.send('note', body), isRefusal)
    await world.rest()
    assert.deepEqual(worker.seen, [])
  })

  test("call: is over at its deadline, and said to be perhaps begun; a late answer is nobody's", async () => {
    const { world, remote, worker } = await pair()
    const call = watch(remote.call('keep', undefined, { timeoutMs: 50 }))
    await world.pass(60)
    assert.equal(codeOf(call), 'DEADLINE_EXCEEDED')
    assert.equal((call.error as ActorError).begun, true)
    worker.kept[0]?.answer('late')
    const next = watch(remote.call('echo', 'next'))
    await world.rest()
    assert.equal(next.value, 'next')
  })

  test('call: is not begun once its time is over', async () => {
    const { world, remote, worker } = await pair()
    let release: () => void = () => undefined
    worker.never = () => new Promise<void>((resolve) => (release = resolve))
    watch(remote.call('never', undefined, { timeoutMs: 100_000 }))
    const call = watch(remote.call('note', 'late', { timeoutMs: 50 }))
    await world.pass(60)
    assert.equal(codeOf(call), 'DEADLINE_EXCEEDED')
    release()
    await world.rest()
    assert.deepEqual(worker.seen, [])
    remote.cast('note', 'next')
    await world.rest()
    assert.deepEqual(worker.seen, ['next'])
  })

  test('without a link: trySend says false, everything else fails at once as UNREACHABLE and not begun', async () => {
    const { world, remote } = await pair()
    world.cut(1, 2)
    await world.rest()
    const stranger = world.node(1).system.remote<Worker>(7, 'worker')
    for (const [ref, words] of [
      [remote, /^note to worker of node 2: it was not sent: node 2 is not linked; ask another node/],
      [stranger, /^note to worker of node 7: it was not sent: no member of the cluster has the id 7; ask another node/],
    ] as const) {
      assert.equal(ref.trySend('note', 1), false)
      const isRefusal = (error: unknown): boolean =>
        error instanceof ActorError && error.code === 'UNREACHABLE' && !error.begun && words.test(error.message)
      assert.throws(() => ref.cast('note', 1), isRefusal)
      await assert.rejects(ref.call('note', 1), isRefusal)
      await assert.rejects(ref.send('note', 1), isRefusal)
    }
  })

  test('a lost link settles what is open: sent calls as perhaps begun, waiting ones as not', async () => {
    const { world, remote } = await pair()
    const sent = watch(remote.call('keep', undefined, { timeoutMs: 60_000 }))
    watch(remote.call('never', undefined, { timeoutMs: 60_000 }))
    const flood = Array.from({ length: 1_500 }, () => watch(remote.call('note', 1, { timeoutMs: 60_000 })))
    await world.rest()
    assert.equal(sent.settled, false)
    world.cut(1, 2)
    await world.rest()
    assert.equal(codeOf(sent), 'UNREACHABLE')
    assert.equal((sent.error as ActorError).begun, true)
    assert.ok(flood.every((call) => codeOf(call) === 'UNREACHABLE'))
    const begun = flood.map(({ error }) => (error as ActorError).begun)
    assert.deepEqual([begun[0], begun.at(-1)], [true, false])
  })

  test('a slow receiver slows its senders: trySend says false, cast throws, send and call wait, all in order', async () => {
    const { world, remote, worker } = await pair(10)
    let release: () => void = () => undefined
    worker.never = () => new Promise<void>((resolve) => (release = resolve))
    watch(remote.call('never', undefined, { timeoutMs: 60_000 }))
    await world.rest()
    let sent = 0
    while (remote.trySend('note', sent)) sent++
    assert.equal(sent, 1_000)
    await world.rest()
    assert.equal(remote.trySend('note', -1), false)
    assert.throws(() => remote.cast('note', -1), { code: 'OVERLOADED' })
    const waiting = watch(remote.send('note', sent, { timeoutMs: 60_000 }))
    const call = watch(remote.call('note', sent + 1, { timeoutMs: 60_000 }))
    const late = watch(remote.send('note', -1, { timeoutMs: 100 }))
    await world.pass(200)
    assert.deepEqual([waiting.settled, call.settled, codeOf(late)], [false, false, 'OVERLOADED'])
    release()
    await world.rest()
    assert.deepEqual([waiting.settled, call.settled], [true, true])
    assert.deepEqual(
      worker.seen,
      Array.from({ length: sent + 2 }, (_, i) => i),
    )
    assert.equal(remote.trySend('note', 1), true)
  })

  test('to the own node: copies, deadlines, refusals and names are the same', async () => {
    const { world, worker } = await pair()
    const self = world.node(2).system.remote<Worker>(2, 'worker')
    const body = { a: [1] }
    const echo = watch(self.call('echo', body))
    self.cast('note', body)
    assert.equal(self.trySend('note', body), true)
    const sending = watch(self.send('note', body))
    const odd = watch(self.call('odd'))
    const refused = watch(self.call('refuse', 'no'))
    const nobody = watch(world.node(2).system.remote<Worker>(2, 'nobody').call('echo', 1))
    body.a.push(2)
    await world.rest()
    assert.deepEqual(echo.value, { a: [1] })
    assert.deepEqual(worker.seen, [{ a: [1] }, { a: [1] }, { a: [1] }])
    assert.deepEqual([sending.settled, codeOf(odd), codeOf(nobody)], [true, 'UNSENDABLE', 'DOWN'])
    assert.ok(refused.error instanceof Refusal)
    assert.throws(() => self.cast('note', Symbol('x')), { code: 'UNSENDABLE' })
  })

  test('nodes of versions without a common one do not talk, and say which they speak', async () => {
    const world = new RemoteWorld([1, 2], { versions: { 2: { min: 2, max: 3 } } })
    await world.pass(100)
    const call = watch(world.node(1).system.remote<Worker>(2, 'worker').call('echo', 1))
    await world.rest()
    assert.equal(codeOf(call), 'UNREACHABLE')
    const words = 'node 2 speaks versions 2 to 3 of aspen/actor/1, and this node 1 to 1'
    assert.equal(
      call.error?.message,
      `echo to worker of node 2: it was not sent: ${words}; ask another node, or monitor it and send when it is up`,
    )
    assert.ok(world.node(1).said.some((line) => line.endsWith(words)))
  })

  test('a node that knows nothing of actors is unreachable, and is once it takes part', async () => {
    const world = new RemoteWorld([1, 2], { without: [2] })
    await world.pass(100)
    const call = watch(world.node(1).system.remote<Worker>(2, 'worker').call('echo', 1))
    await world.rest()
    assert.equal(
      call.error?.message,
      'echo to worker of node 2: it was not sent: node 2 has not said that it speaks aspen/actor/1; ask another node, or monitor it and send when it is up',
    )
    world.node(2).system.spawn(defineActor<Worker>({ start: () => new Worker() }), { registerAs: 'worker' })
    world.connect(2)
    await world.rest()
    const next = watch(world.node(1).system.remote<Worker>(2, 'worker').call('echo', 1))
    await world.rest()
    assert.equal(next.value, 1)
  })
})
