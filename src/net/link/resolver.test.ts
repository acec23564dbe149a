import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../ports/index.ts'
import { LOOK_UP_WAIT_MS, Resolver } from './resolver.ts'
import type { LookUp } from './resolver.ts'
import { systemClock } from '../link/index.ts'

/** A system that answers when it is told to. */
class SlowSystem {
  readonly asked: string[] = []
  running = 0
  mostRunning = 0
  #answer: (error: Error | null, addresses: readonly string[]) => void = () => assert.fail('nothing is looked up')

  readonly lookUp: LookUp = (host, done) => {
    this.asked.push(host)
    this.running++
    this.mostRunning = Math.max(this.mostRunning, this.running)
    this.#answer = (error, addresses) => {
      this.running--
      done(error, addresses)
    }
  }

  async answer(...addresses: readonly string[]): Promise<void> {
    this.#answer(null, addresses)
    await settled()
  }

  async fail(code: string): Promise<void> {
    this.#answer(Object.assign(new Error(code), { code }), [])
    await settled()
  }
}

/** A clock whose timers run when they are told to. */
class HandClock implements Clock {
  readonly timers = new Set<() => void>()
  now = (): number => 0
  defer = (): void => undefined

  setTimer(delayMs: number, run: () => void): { cancel(): void } {
    assert.equal(delayMs, LOOK_UP_WAIT_MS)
    this.timers.add(run)
    return { cancel: () => void this.timers.delete(run) }
  }

  ring(): void {
    for (const run of this.timers) run()
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('Resolver: answers addresses as they are, and names as the system finds them now', async () => {
  const resolver = new Resolver()
  assert.deepEqual(await resolver.resolve('1.2.3.4', systemClock), ['1.2.3.4'])
  assert.deepEqual(await resolver.resolve('::1', systemClock), ['::1'])
  const found = await resolver.resolve('localhost', systemClock)
  assert(found.includes('127.0.0.1') || found.includes('::1'), found.join())
})

test('Resolver: looks up one name at a time, in order, and one that is asked for twice once', async () => {
  const system = new SlowSystem()
  const resolver = new Resolver(system.lookUp)
  const clock = new HandClock()
  const answers = ['a', 'b', 'a', 'c', 'b'].map((host) => resolver.resolve(host, clock))
  await settled()
  assert.deepEqual(system.asked, ['a'])
  await system.answer('1.1.1.1')
  assert.deepEqual(system.asked, ['a', 'b'])
  await system.answer('2.2.2.2')
  await system.answer('3.3.3.3')
  assert.deepEqual((await Promise.all(answers)).flat(), ['1.1.1.1', '2.2.2.2', '1.1.1.1', '3.3.3.3', '2.2.2.2'])
  assert.equal(system.mostRunning, 1)
  assert.equal(clock.timers.size, 0)
})

test('Resolver: asks anew each time, and a failure holds up nobody', async () => {
  const system = new SlowSystem()
  const resolver = new Resolver(system.lookUp)
  const clock = new HandClock()
  for (const address of ['1.1.1.1', '2.2.2.2']) {
    const answer = resolver.resolve('a', clock)
    await settled()
    await system.answer(address)
    assert.deepEqual(await answer, [address])
  }
  const gone = assert.rejects(resolver.resolve('a', clock), { code: 'ENOTFOUND' })
  const next = resolver.resolve('b', clock)
  await settled()
  await system.fail('ENOTFOUND')
  await gone
  await system.answer('3.3.3.3')
  assert.deepEqual(await next, ['3.3.3.3'])
})

test('Resolver: waits for a silent name server a while, and goes on with what it said last', async () => {
  const system = new SlowSystem()
  const resolver = new Resolver(system.lookUp)
  const clock = new HandClock()
  const first = resolver.resolve('a', clock)
  await settled()
  await system.answer('1.1.1.1')
  await first
  const again = resolver.resolve('a', clock)
  const unknown = assert.rejects(resolver.resolve('b', clock), /the name b was not found within 5000 ms/)
  await settled()
  clock.ring()
  assert.deepEqual(await again, ['1.1.1.1'])
  await unknown
  await system.fail('EAI_AGAIN')
  await system.answer('2.2.2.2')
  const later = resolver.resolve('b', clock)
  await settled()
  await system.fail('EAI_AGAIN')
  assert.deepEqual(await later, ['2.2.2.2'])
})

test('Resolver: takes no more than a bounded number of names and addresses', async () => {
  const system = new SlowSystem()
  const resolver = new Resolver(system.lookUp)
  const clock = new HandClock()
  const many = Array.from({ length: 2_048 }, (_, i) => resolver.resolve(`n${i}`, clock))
  await assert.rejects(resolver.resolve('more', clock), /2048 names wait/)
  await settled()
  await system.answer(...Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`))
  assert.equal((await many[0])?.length, 16)
})
