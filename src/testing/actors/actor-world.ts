import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ActorSystem, crashFromOutside, InlineThreads } from '../../actor/index.ts'
import type { ActorEvent, Fault, Target } from '../../actor/index.ts'
import { chance, randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { forkPrng, Scheduler } from '../../simulation/index.ts'
import type { Stage, World } from '../scenario/index.ts'

/** What befalls actors: with which probability, in [0, 1], at each message. */
export interface ActorTrouble {
  /** It crashes with the message in hand. 0 when absent. */
  readonly crash?: number
  /** It is slow with it. 0 when absent. */
  readonly slow?: number
  /** How slow at most, in virtual milliseconds. 1,000 when absent. */
  readonly slowMs?: number
  /** Whether it befalls an actor, by its path. All when absent. */
  readonly among?: (path: string) => boolean
}

const LOOK_INTERVAL_MS = 10
const DEFAULT_SLOW_MS = 1_000
/** At once, so that a run does not depend on how long it takes. */
const load = createRequire(import.meta.url)

/** A system of actors in virtual time, under a seed: your own actors as they are, with crashes and slow handlers. */
export class ActorWorld implements World {
  readonly system: ActorSystem
  /** For what the scenario draws. */
  readonly random: Random
  readonly #scheduler = new Scheduler()
  readonly #chance: Random
  readonly #stage: Stage
  #trouble: ActorTrouble = {}

  constructor(seed: number, stage: Stage) {
    this.#stage = stage
    this.random = forkPrng(seed, 'scenario')
    this.#chance = forkPrng(seed, 'trouble')
    const scheduler = this.#scheduler
    this.system = new ActorSystem({
      clock: {
        now: () => scheduler.now,
        setTimer: (delayMs, run) => {
          const event = scheduler.after(delayMs, run)
          return { cancel: () => scheduler.cancel(event) }
        },
        defer: (run) => void scheduler.after(0, run),
      },
      random: forkPrng(seed, 'actors'),
      report: (event) => this.#write(event),
      // What would run in a thread runs in this one, with copied messages.
      threads: new InlineThreads((module) => load(fileURLToPath(module)) as unknown),
      faults: { at: (path, message) => this.#fault(path, message) },
    })
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#scheduler.now
  }

  /** Time passes, and nothing else does in the scenario. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#scheduler.after(ms, resolve))
  }

  /** Waits until `reached` gives true. @throws Error when it does not within so many virtual milliseconds */
  async until(what: string, withinMs: number, reached: () => boolean): Promise<void> {
    const deadline = this.now + withinMs
    while (!reached()) {
      if (this.now >= deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.sleep(LOOK_INTERVAL_MS)
    }
  }

  /** Ends the present life of an actor as an error in it would, whatever it is doing. */
  crash(ref: Target): void {
    this.#stage.trace.record(this.now, ref.path, 'is crashed')
    crashFromOutside(ref, new Error('crashed by the scenario'))
  }

  /** From here on, until healed. @throws RangeError for what is no probability */
  trouble(trouble: ActorTrouble): void {
    for (const name of ['crash', 'slow'] as const) {
      const { [name]: probability = 0 } = trouble
      if (!(probability >= 0 && probability <= 1)) throw new RangeError(`${name} is ${probability}: give a probability, 0 to 1`)
    }
    this.#trouble = { ...trouble }
  }

  heal(): void {
    this.#trouble = {}
  }

  /** A line of the trace, for people. */
  note(text: string): void {
    this.#stage.trace.record(this.now, 'scenario', 'notes', text)
  }

  /** For whoever drives the world. */
  step(untilMs: number): boolean {
    return this.#scheduler.step(untilMs)
  }

  settled(): void {
    // Nothing is held to be always so, but what the scenario itself looks at.
  }

  #fault(path: string, message: string): Fault | null {
    const { crash = 0, slow = 0, slowMs = DEFAULT_SLOW_MS, among } = this.#trouble
    if (crash + slow === 0 || among?.(path) === false) return null
    if (chance(this.#chance, crash)) return { crash: new Error(`crashed at ${message} by the trouble of the scenario`) }
    if (!chance(this.#chance, slow)) return null
    const delayMs = randomBetween(this.#chance, 1, slowMs)
    this.#stage.trace.record(this.now, path, 'is slow', message, delayMs)
    return { delayMs }
  }

  #write({ path, event, error, pauseMs }: ActorEvent): void {
    this.#stage.trace.record(this.now, path, event, error?.message ?? null, pauseMs ?? null)
  }
}
