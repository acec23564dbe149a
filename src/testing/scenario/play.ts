/** Plays a scenario in a world of virtual time: events one by one, and after each of them whatever the user's code makes of it. */
import { inspect } from 'node:util'
import { checked, givenFields } from '../../api/index.ts'
import { Trace } from '../../simulation/index.ts'

/** What time passes in. */
export interface World {
  readonly now: number
  /** Runs the next event, at `untilMs` at the latest; false when there was none. */
  step(untilMs: number): boolean
  /** Everything that followed from the last event has happened. */
  settled(): void
}

export interface PlayOptions {
  readonly seed: number
  /** Virtual milliseconds that a scenario may take. 600,000 when absent. */
  readonly limitMs?: number
  /** Lines of the trace that a failure shows. 40 when absent. */
  readonly keepLines?: number
}

export interface Simulated<T> {
  readonly value: T
  /** Equal for two runs that were the same run. */
  readonly hash: string
  readonly virtualMs: number
}

export interface SeedsOptions {
  /** 1 when absent. */
  readonly firstSeed?: number
  /** How many seeds to try. 100 when absent. */
  readonly seeds?: number
  /** Runs each seed twice, to find code that cannot be repeated. */
  readonly twice?: boolean
}

const DEFAULT_LIMIT_MS = 600_000
const DEFAULT_KEEP_LINES = 40
/** Events at one instant of virtual time: more than any cluster has, and less than for ever. */
const MAX_EVENTS_AT_ONCE = 100_000

/** A scenario did not hold. The message names the seed that shows it again. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
  readonly seed: number
  /** What happened last. */
  readonly trace: readonly string[]

  constructor(seed: number, cause: unknown, trace: readonly string[]) {
    const words = cause instanceof Error ? cause.message : String(cause)
    super([`seed ${seed}: ${words}`, ...trace.map((line) => `  ${line}`)].join('\n'), { cause })
    this.seed = seed
    this.trace = trace
  }
}

/** A misspelt option would quietly be its default. @throws AspenError INVALID_REQUEST that names it */
export function checkNames(options: object, known: readonly string[]): void {
  checked('the options', () => givenFields(options, 'the options', known))
}

function checkFromZero(name: string, seed: number): void {
  if (!(Number.isSafeInteger(seed) && seed >= 0)) throw new RangeError(`${name} is ${seed}: give a whole number from 0`)
}

/** Code of a user may throw anything. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error
    ? thrown
    : new Error(`the scenario threw ${inspect(thrown)}, which is no Error`, { cause: thrown })
}

/** What a world is made with: where it fails, and what is written down of it. */
export interface Stage {
  readonly fail: (error: Error) => void
  readonly trace: Trace
}

/**
 * @param build makes the world
 * @param scenario what happens in it
 * @throws RangeError when an option is out of range
 * @throws SimulationFailure with the seed when the scenario or the world fails, or the limit is reached
 */
export async function play<W extends World, T>(
  { seed, limitMs = DEFAULT_LIMIT_MS, keepLines = DEFAULT_KEEP_LINES }: PlayOptions,
  build: (stage: Stage) => W,
  scenario: (world: W) => Promise<T>,
): Promise<Simulated<T> & { readonly world: W }> {
  checkFromZero('seed', seed)
  if (!(limitMs > 0)) throw new RangeError(`limitMs is ${limitMs}: give milliseconds above 0`)
  checkFromZero('keepLines', keepLines)
  const trace = new Trace(keepLines)
  const failures: Error[] = []
  const world = build({ fail: (error) => void failures.push(error), trace })
  const settled: { value: T }[] = []
  const run = async (): Promise<void> => void settled.push({ value: await scenario(world) })
  run().catch((error: unknown) => void failures.push(asError(error)))
  try {
    await drive(world, limitMs, () => failures.length > 0 || settled.length > 0)
    if (failures[0] !== undefined) throw failures[0]
  } catch (error) {
    throw new SimulationFailure(seed, asError(error), trace.lines())
  }
  return { value: (settled[0] as { value: T }).value, hash: trace.hash, virtualMs: world.now, world }
}

async function drive(world: World, limitMs: number, over: () => boolean): Promise<void> {
  let instant = 0
  let events = 0
  for (;;) {
    // What follows from the last event, through however many promises, happens before the next one.
    await new Promise((resolve) => setImmediate(resolve))
    world.settled()
    if (over()) return
    if (!world.step(limitMs)) throw new Error(`the scenario has not ended after ${limitMs} ms of virtual time`)
    events = world.now === instant ? events + 1 : 0
    instant = world.now
    if (events > MAX_EVENTS_AT_ONCE) throw new Error(`${MAX_EVENTS_AT_ONCE} events at one instant: something runs in circles`)
  }
}

/**
 * Plays under many seeds, until one fails.
 * @throws RangeError when it is to be under none, or an option is out of range; SimulationFailure with the seed that failed
 */
export async function playSeeds(
  { firstSeed = 1, seeds = 100, twice = false }: SeedsOptions,
  playOne: (seed: number) => Promise<Simulated<unknown>>,
): Promise<void> {
  if (!(Number.isSafeInteger(seeds) && seeds >= 1)) throw new RangeError(`seeds is ${seeds}: give a whole number from 1`)
  checkFromZero('firstSeed', firstSeed)
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const { hash } = await playOne(seed)
    if (!twice) continue
    const again = await playOne(seed)
    if (again.hash !== hash) {
      const words = 'two runs differ: the scenario uses time, randomness or I/O that the simulation does not know'
      throw new SimulationFailure(seed, new Error(words), [])
    }
  }
}
