import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Life } from './life.ts'
import { Scheduler } from './scheduler.ts'

function drain(scheduler: Scheduler, untilMs: number): void {
  while (scheduler.step(untilMs));
}

test('Life: does nothing while it is paused, and everything late and in order when it wakes', () => {
  const scheduler = new Scheduler()
  const ran: string[] = []
  const life = new Life(scheduler, 'n1')
  const note = (what: string) => (): void => void ran.push(`${what} at ${scheduler.now}`)
  life.clock.setTimer(5, note('timer'))
  life.after(8, note('disk'))
  const cancelled = life.clock.setTimer(9, note('cancelled'))
  life.clock.setTimer(30, note('later'))
  life.pause()
  drain(scheduler, 20)
  assert.deepEqual(ran, [])
  cancelled.cancel()
  life.resume()
  drain(scheduler, 100)
  assert.deepEqual(ran, ['timer at 20', 'disk at 20', 'later at 30'])
})

test('Life: may be paused again before it has caught up, and loses nothing', () => {
  const scheduler = new Scheduler()
  const ran: number[] = []
  const life = new Life(scheduler, 'n1')
  for (const i of [1, 2, 3]) life.after(i, () => ran.push(i))
  life.pause()
  drain(scheduler, 10)
  life.resume()
  life.pause()
  drain(scheduler, 20)
  assert.deepEqual(ran, [])
  assert.equal(life.pauses, 2)
  life.resume()
  drain(scheduler, 30)
  assert.deepEqual(ran, [1, 2, 3])
})

test('Life: takes with it what waited for it to wake', () => {
  const scheduler = new Scheduler()
  const life = new Life(scheduler, 'n1')
  life.after(1, () => assert.fail('it ran after the end'))
  life.pause()
  drain(scheduler, 10)
  life.end()
  life.resume()
  drain(scheduler, 20)
})

test('Life: keeps time at its own pace, and its timers with it', () => {
  for (const pace of [0.9, 1 + 102 / 1024]) {
    const scheduler = new Scheduler()
    const life = new Life(scheduler, 'n1', () => undefined, pace)
    let firedAt = 0
    life.clock.setTimer(100, () => {
      firedAt = scheduler.now
      assert.ok(life.clock.now() >= 100, `early, at ${life.clock.now()}`)
    })
    drain(scheduler, 1000)
    assert.ok(Math.abs(firedAt - 100 / pace) < 0.01, `${firedAt}`)
    assert.equal(life.clock.now(), 1000 * pace)
  }
})

test('Life: finds its timers due when its clock has jumped over them, and the others nearer', () => {
  const scheduler = new Scheduler()
  const ran: string[] = []
  const life = new Life(scheduler, 'n1')
  life.clock.setTimer(50, () => ran.push(`first at ${scheduler.now}`))
  life.clock.setTimer(150, () => ran.push(`second at ${scheduler.now}`))
  life.clock.setTimer(60, () => ran.push('cancelled')).cancel()
  drain(scheduler, 10)
  life.jumpClock(100)
  assert.equal(life.clock.now(), 110)
  drain(scheduler, 200)
  assert.deepEqual(ran, ['first at 10', 'second at 50'])
})

test('Life: a machine that is suspended finds its clock where it was, and what fell due meanwhile done late', () => {
  const scheduler = new Scheduler()
  const life = new Life(scheduler, 'n1')
  const ran: number[] = []
  life.clock.setTimer(10, () => ran.push(scheduler.now))
  while (scheduler.step(5));
  life.pause('suspended')
  while (scheduler.step(50));
  assert.deepEqual(ran, [])
  life.resume()
  assert.equal(life.clock.now(), 5)
  while (scheduler.step(60));
  assert.deepEqual(ran, [50])
  assert.equal(life.clock.now(), 15)
})

test('Life: a fuse lets so many effects happen, and ends the life when the event of the next one is over', () => {
  const scheduler = new Scheduler()
  const seen: string[] = []
  const life = new Life(scheduler, 'n1', () => seen.push('observed'))
  const effect = (name: string): void => void (life.affects() && seen.push(name))
  const burnt = (): void => {
    seen.push('burnt')
    life.end()
  }
  life.after(1, () => {
    life.lightFuse(2, burnt)
    effect('first')
  })
  life.after(2, () => ['second', 'third', 'fourth'].forEach(effect))
  life.after(3, () => effect('after its death'))
  drain(scheduler, 10)
  assert.deepEqual(seen, ['first', 'observed', 'second', 'observed', 'burnt'])
})
