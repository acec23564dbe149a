import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RunQueue } from './run-queue.ts'
import type { Runnable } from './run-queue.ts'

/** A process of its own: what runs behind a call, and what has a turn of the event loop. */
class Process {
  time = 0
  readonly micro: (() => void)[] = []
  readonly macro: (() => void)[] = []
  turns = 0
  readonly clock = {
    now: () => this.time,
    setTimer: () => ({ cancel: () => undefined }),
    defer: (run: () => void) => void this.macro.push(run),
    soon: (run: () => void) => void this.micro.push(run),
  }

  /** A call, and what runs behind it. */
  call(run: () => void): void {
    run()
    for (let next = this.micro.shift(); next !== undefined; next = this.micro.shift()) next()
  }

  /** One turn of the event loop: what waited for it when it began. */
  turn(): void {
    this.turns++
    for (const run of this.macro.splice(0)) this.call(run)
  }
}

describe('RunQueue', () => {
  test('add: runs behind the call at hand, when there are microtasks', () => {
    const process = new Process()
    const queue = new RunQueue(process.clock)
    const log: string[] = []
    process.call(() => {
      queue.add({ run: () => (log.push('runs'), false) })
      log.push('the call goes on')
    })
    assert.deepEqual(log, ['the call goes on', 'runs'])
  })

  test('add: who comes again and again has 4 ms of each turn of the event loop, and no more', () => {
    const process = new Process()
    const queue = new RunQueue(process.clock)
    let rounds = 0
    const one: Runnable = {
      run: () => {
        rounds++
        process.time += 0.5
        // Whoever has its answer asks again, behind the slice.
        process.micro.push(() => {
          if (rounds < 100) queue.add(one)
        })
        return false
      },
    }
    process.call(() => queue.add(one))
    assert.equal(rounds, 8)
    const seen: number[] = []
    while (rounds < 100 && process.turns < 50) {
      const before = rounds
      process.turn()
      seen.push(rounds - before)
    }
    assert.equal(rounds, 100)
    assert.ok(
      seen.every((some) => some <= 8),
      seen.join(),
    )
  })

  test('add: without microtasks everything has a turn, in slices of 4 ms', () => {
    const process = new Process()
    const { soon: _none, ...clock } = process.clock
    const queue = new RunQueue(clock)
    let visits = 0
    process.call(() => queue.add({ run: () => ((process.time += 1), ++visits < 10) }))
    const seen = [visits]
    while (process.macro.length > 0) {
      process.turn()
      seen.push(visits)
    }
    assert.deepEqual(seen, [0, 4, 8, 10])
  })

  test('add: the room that very many took is given back, and those who come later have theirs', () => {
    const process = new Process()
    const queue = new RunQueue(process.clock)
    let ran = 0
    for (let i = 0; i < 70_000; i++) queue.add({ run: () => (ran++, false) })
    while (process.micro.length > 0 || process.macro.length > 0) process.turn()
    assert.equal(ran, 70_000)
    process.call(() => queue.add({ run: () => (ran++, false) }))
    while (process.macro.length > 0) process.turn()
    assert.equal(ran, 70_001)
  })
})
