import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from './clock.ts'
import { LogThrottle } from './log-throttle.ts'
import type { Metrics } from './metrics.ts'
import { MAX_LOG_SOURCES_PER_CAUSE, MAX_REPEATED_LOG_LINES } from '../limits.ts'

const MINUTE = 60_000

/** A throttle, the time, and what came through. */
class World {
  readonly lines: { readonly at: number; readonly text: string }[] = []
  readonly counted = new Map<string, number>()
  readonly throttle: LogThrottle
  timers: { readonly at: number; readonly run: () => void }[] = []
  now = 0

  constructor() {
    const clock: Clock = {
      now: () => this.now,
      setTimer: (delayMs, run) => {
        const timer = { at: this.now + delayMs, run }
        this.timers.push(timer)
        return { cancel: () => void (this.timers = this.timers.filter((each) => each !== timer)) }
      },
      defer: (run) => run(),
    }
    const metrics: Metrics = {
      counter: (_name, labels) => ({
        add: (amount = 1) => {
          const cause = labels?.cause ?? ''
          this.counted.set(cause, (this.counted.get(cause) ?? 0) + amount)
        },
      }),
      histogram: () => ({ observe: () => undefined }),
    }
    const logger = { log: (_level: string, text: string): void => void this.lines.push({ at: this.now, text }) }
    this.throttle = new LogThrottle(logger, metrics, clock)
  }

  warn(cause: string, from: string, message = 'no link'): void {
    this.throttle.log('warn', message, {}, { cause, from })
  }

  pass(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.timers = this.timers.filter((timer) => timer !== due)
      this.now = due.at
      due.run()
    }
    this.now = end
  }

  get texts(): string[] {
    return this.lines.map(({ text }) => text)
  }
}

describe('LogThrottle', () => {
  test('LogThrottle: says it once, then how many more there were, each time after twice as long', () => {
    const world = new World()
    for (let second = 0; second < 480; second++) {
      world.warn('COOKIE_MISMATCH', 'a')
      world.pass(1_000)
    }
    assert.deepEqual(world.texts, [
      'no link',
      'no link: 59 more in the last minute',
      'no link: 120 more in the last 2 minutes',
      'no link: 240 more in the last 4 minutes',
    ])
    assert.equal(world.counted.get('COOKIE_MISMATCH'), 479)
  })

  test('LogThrottle: says the rest when it has ended, and it is news when it comes again', () => {
    const world = new World()
    for (let i = 0; i < 5; i++) world.warn('X', 'a')
    world.pass(3 * MINUTE)
    assert.deepEqual(world.texts, ['no link', 'no link: 4 more in the last minute'])
    assert.equal(world.timers.length, 0, 'nothing is waited for')
    world.warn('X', 'a')
    assert.deepEqual(world.texts.slice(2), ['no link'])
  })

  test('LogThrottle: never writes two lines of the same within a minute, however they come', () => {
    const world = new World()
    let said = 0
    for (let i = 0; i < 2_000; i++) {
      // A fixed walk through short and long pauses, of up to two minutes.
      world.pass((i * 7_919) % 120_001)
      world.warn('X', 'a')
      said++
    }
    world.throttle.close()
    const times = world.lines.slice(0, -1).map(({ at }) => at)
    for (const [i, at] of times.entries()) {
      if (i > 0) assert.ok(at - (times[i - 1] as number) >= MINUTE, `lines at ${times[i - 1]} and ${at}`)
    }
    const more = world.texts.reduce((sum, text) => sum + Number(/: (\d+) more/.exec(text)?.[1] ?? 0), 0)
    assert.equal(world.texts.filter((text) => text === 'no link').length + more, said, 'each is written or counted')
    assert.equal(world.counted.get('X'), more)
  })

  test('LogThrottle: different causes, sources and messages are different news', () => {
    const world = new World()
    for (const cause of ['X', 'Y']) for (const from of ['a', 'b']) world.warn(cause, from)
    world.warn('X', 'a', 'another message')
    world.throttle.log('warn', 'unnamed')
    world.throttle.log('warn', 'unnamed')
    world.throttle.log('fatal', 'never counted')
    world.throttle.log('fatal', 'never counted')
    assert.deepEqual(world.texts, [
      ...Array.from({ length: 4 }, () => 'no link'),
      'another message',
      'unnamed',
      'never counted',
      'never counted',
    ])
  })

  test('LogThrottle: a crowd of sources is counted together, and hides no other cause', () => {
    const world = new World()
    for (let i = 0; i < 1_000; i++) world.warn('X', `stranger ${i}`)
    assert.equal(world.lines.length, MAX_LOG_SOURCES_PER_CAUSE + 1)
    world.warn('Y', 'a')
    assert.equal(world.lines.length, MAX_LOG_SOURCES_PER_CAUSE + 2)
    world.pass(2 * MINUTE)
    assert.equal(world.texts.at(-1), `no link: ${1_000 - MAX_LOG_SOURCES_PER_CAUSE - 1} more in the last minute`)
    world.warn('X', 'somebody')
    assert.equal(world.texts.at(-1), 'no link', 'when the crowd has left, each is told apart again')
  })

  test('LogThrottle: remembers no more than it may, and loses no count over it', () => {
    const world = new World()
    for (let i = 0; i < MAX_REPEATED_LOG_LINES + 1; i++) for (let twice = 0; twice < 2; twice++) world.warn(`cause ${i}`, 'a')
    assert.equal(world.texts.at(-2), 'no link: 1 more in the last minute', 'the oldest makes room')
  })

  test('LogThrottle: a burst is written whole; what is closed writes all', () => {
    const world = new World()
    const same = { cause: 'LINK_OPENED', from: 'a', burst: 3 }
    for (let i = 0; i < 10; i++) world.throttle.log('info', 'link opened', {}, same)
    for (let i = 0; i < 10; i++) world.throttle.log('info', 'role changed')
    assert.equal(world.lines.length, 13)
    world.throttle.close()
    assert.equal(world.texts.at(-1), 'link opened: 7 more in the last minute')
    world.warn('X', 'a')
    world.warn('X', 'a')
    assert.equal(world.lines.length, 16)
    assert.equal(world.timers.length, 0)
  })
})
