/**
 * The same tests in two worlds: threads that are simulated inline, and those of Node. Time passes when a test says so in both; what a thread of
 * Node does takes as long as it takes, and is waited for.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ActorSystem, InlineThreads, inThread } from '../../../src/actor/index.ts'
import type { ActorEvent, ActorRef, InThread } from '../../../src/actor/index.ts'
import { Prng } from '../../../src/lib/index.ts'
import { workerThreads } from '../../../src/threads/index.ts'
import { ManualClock } from '../../manual-clock.ts'
import type { badStart, badStop, counter, deadly, stuck } from './actors-of-threads.ts'

/** Far above what a thread takes to begin on a machine that has other things to do. */
const PATIENCE_MS = 120_000
const POLL_MS = 2
const END_STEP_MS = 50

export const MODULE = new URL('./actors-of-threads.ts', import.meta.url)
export const COUNTER = inThread<typeof counter>(MODULE, 'counter')
export const BAD_START = inThread<typeof badStart>(MODULE, 'badStart')
export const BAD_STOP = inThread<typeof badStop>(MODULE, 'badStop')
export const STUCK = inThread<typeof stuck>(MODULE, 'stuck')
export const DEADLY = inThread<typeof deadly>(MODULE, 'deadly')
type HandlersOf<D> = D extends InThread<infer H, infer _> ? H : never
export type Deadly = HandlersOf<typeof DEADLY>

const require = createRequire(import.meta.url)

/** Timers are moved by hand; what is deferred is deferred by Node. */
class HandTimedClock extends ManualClock {
  override defer(run: () => void): void {
    setImmediate(run)
  }
}

export abstract class World {
  readonly events: ActorEvent[] = []
  abstract readonly clock: ManualClock
  abstract readonly system: ActorSystem

  protected newSystem(options: Pick<ConstructorParameters<typeof ActorSystem>[0], 'clock' | 'threads'>): ActorSystem {
    const supervision = { restarts: { maxRestarts: 100 } }
    return new ActorSystem({ ...options, supervision, random: new Prng(1), report: (event) => this.events.push(event) })
  }

  /** What goes on by itself goes on. */
  protected abstract turn(): Promise<void>
  protected abstract readonly patience: () => boolean

  async until(holds: () => boolean, what: string): Promise<void> {
    const { patience } = this
    while (!holds()) {
      assert.ok(patience(), `${what}: it did not come`)
      await this.turn()
    }
  }

  /** What a promise is settled with. */
  async settled<T>(promise: Promise<T>, what = 'an answer'): Promise<T> {
    let isSettled = false
    const noted = (): void => void (isSettled = true)
    promise.then(noted, noted)
    await this.until(() => isSettled, what)
    return promise
  }

  count(event: ActorEvent['event'], path?: string): number {
    return this.events.filter((seen) => seen.event === event && (path === undefined || seen.path === path)).length
  }

  happens(event: ActorEvent['event'], path: string, times = 1): Promise<void> {
    return this.until(() => this.count(event, path) >= times, `${event} of ${path}`)
  }

  /** Time passes, when nothing more is to happen at this one. */
  async pass(ms: number): Promise<void> {
    await this.rest()
    this.clock.advance(ms)
    await this.rest()
  }

  abstract rest(): Promise<void>

  /** The thread of an actor dies, with all that are in it: by what the actor does, or at the hands of whoever simulates it. */
  abstract killThread(of: ActorRef<Deadly>): void

  /** Time passes for those that do not end before theirs is over. */
  async end(): Promise<void> {
    let hasEnded = false
    this.system.end(() => (hasEnded = true))
    const ended = (): boolean => {
      if (!hasEnded) this.clock.advance(END_STEP_MS)
      return hasEnded
    }
    await this.until(ended, 'the end of the system')
  }
}

export class InlineWorld extends World {
  readonly clock = new ManualClock()
  readonly threads = new InlineThreads((module) => require(fileURLToPath(module)) as unknown)
  readonly system = this.newSystem({ clock: this.clock, threads: this.threads })

  protected override get patience(): () => boolean {
    let turns = 0
    return () => ++turns < 1_000
  }

  protected override async turn(): Promise<void> {
    this.clock.settle()
    await Promise.resolve()
  }

  /** It was the first to be started. */
  override killThread(): void {
    this.threads.running[0]?.crash(new Error('its thread ended by itself, with code 3'))
  }

  override async rest(): Promise<void> {
    for (let turns = 0; turns < 30; turns++) await this.turn()
  }
}

export class ThreadedWorld extends World {
  readonly clock = new HandTimedClock()
  readonly system = this.newSystem({ clock: this.clock, threads: workerThreads })

  protected override get patience(): () => boolean {
    const end = performance.now() + PATIENCE_MS
    return () => performance.now() < end
  }

  protected override turn(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }

  override killThread(of: ActorRef<Deadly>): void {
    of.cast('exit', 3)
  }

  /** Nobody knows what threads are still about to do: a test waits for what it is after. */
  override rest(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }
}

export const WORLDS: readonly { readonly name: string; readonly make: () => World }[] = [
  { name: 'inline', make: () => new InlineWorld() },
  { name: 'in threads of Node', make: () => new ThreadedWorld() },
]

/** The error that a promise is rejected with. */
export async function errorOf(
  world: World,
  promise: Promise<unknown>,
): Promise<Error & { readonly code?: string; readonly begun?: boolean }> {
  const outcome = await world.settled(
    promise.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  )
  assert.ok('error' in outcome, `it was answered, with ${JSON.stringify(outcome)}`)
  assert.ok(outcome.error instanceof Error)
  return outcome.error
}
