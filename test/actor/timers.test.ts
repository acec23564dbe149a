import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ActorSystem, defineActor } from '../../src/actor/index.ts'
import type { ActorContext } from '../../src/actor/index.ts'
import { Prng } from '../../src/lib/index.ts'
import type { Timer } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { codeOf, Stage, watch } from './stage.ts'

interface Runner {
  run(what: (context: ActorContext) => unknown): unknown
}

const runner = defineActor<Runner>({ start: (context) => ({ run: (what) => what(context) }) })

/** For more timers than can be sorted each time. They are due when a test says so. */
class ManyTimers extends ManualClock {
  readonly timers = new Set<() => void>()

  override setTimer(_: number, run: () => void): Timer {
    this.timers.add(run)
    return { cancel: () => void this.timers.delete(run) }
  }

  fire(): void {
    for (const run of this.timers) {
      this.timers.delete(run)
      run()
    }
  }
}

describe('context.after', () => {
  test('is not run when it was cancelled, also when it was due and waited for a message', async () => {
    const stage = new Stage()
    const log: string[] = []
    const ref = stage.system.spawn(runner)
    let due: Timer | null = null
    ref.cast('run', (context) => {
      due = context.after(10, () => void log.push('cancelled when it was due'))
      context.after(10, () => void log.push('runs'))
      context.after(10, () => void log.push('cancelled before')).cancel()
      return context.sleep(20)
    })
    await stage.pass(15)
    ;(due as Timer | null)?.cancel()
    await stage.pass(15)
    assert.deepEqual(log, ['runs'])
  })

  test('a life has so many that have not run, and no more: also of those that are due', async () => {
    const clock = new ManyTimers()
    const system = new ActorSystem({ clock, random: new Prng(1) })
    const ref = system.spawn(runner)
    const rest = async (): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) {
        clock.settle()
        await Promise.resolve()
      }
    }
    let ran = 0
    const held = Promise.withResolvers<void>()
    let context: ActorContext | null = null
    ref.cast('run', (its) => {
      context = its
      for (let timers = 0; timers < 100_000; timers++) its.after(1, () => void ran++)
      return held.promise
    })
    await rest()
    const more = (): unknown => context?.after(1, () => undefined)
    assert.throws(more, { code: 'OVERLOADED', message: /100000 timers of this actor have not run/ })
    const slept = watch((context as ActorContext | null)?.sleep(1) ?? assert.fail())
    // They are due, and wait for the end of the message in hand.
    clock.fire()
    await rest()
    assert.deepEqual([codeOf(slept), ran], ['OVERLOADED', 0])
    assert.throws(more, { code: 'OVERLOADED' })
    held.resolve()
    await rest()
    for (let turn = 0; turn < 1_000 && ran < 100_000; turn++) await rest()
    assert.equal(ran, 100_000)
    more()
    const gone = watch(ref.stop())
    await rest()
    assert.equal(gone.settled, true)
    more()
    assert.equal(clock.timers.size, 0)
  })
})
