/** A system of actors on a clock that a test moves. */
import { ActorSystem } from '../../src/actor/index.ts'
import type { ActorEvent, SupervisionSettings } from '../../src/actor/index.ts'
import { Prng } from '../../src/lib/index.ts'
import { ManualClock } from '../manual-clock.ts'

/** Promises that follow each other within what is due. */
const PROMISES_DEEP = 20

export class Stage {
  readonly clock = new ManualClock()
  readonly events: ActorEvent[] = []
  readonly system: ActorSystem

  constructor(supervision: SupervisionSettings = {}) {
    this.system = new ActorSystem({
      clock: this.clock,
      random: new Prng(1),
      report: (event) => this.events.push(event),
      supervision,
    })
  }

  /** Everything that is due happens, also behind promises. */
  async rest(): Promise<void> {
    for (let i = 0; i < PROMISES_DEEP; i++) {
      this.clock.settle()
      await Promise.resolve()
    }
  }

  async pass(ms: number): Promise<void> {
    await this.rest()
    this.clock.advance(ms)
    await this.rest()
  }
}

/** What became of a promise so far. */
export function watch<T>(promise: Promise<T>): { value?: T; error?: Error; settled: boolean } {
  const seen: { value?: T; error?: Error; settled: boolean } = { settled: false }
  promise.then(
    (value) => Object.assign(seen, { value, settled: true }),
    (error: unknown) => Object.assign(seen, { error, settled: true }),
  )
  return seen
}

/** Of the error that it was settled with; undefined while there is none. */
export function codeOf({ error }: { readonly error?: Error }): string | undefined {
  return (error as { readonly code?: string } | undefined)?.code
}
