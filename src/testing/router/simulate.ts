/** Drives a router: events one by one, and after each of them whatever the user's programs make of it. */
import { inspect } from 'node:util'
import { checked, givenFields } from '../../api/index.ts'
import { Trace } from '../../simulation/index.ts'
import { AspenRouter } from './aspen-router.ts'
import type { RouterOptions } from './aspen-router.ts'
import { wordsOf } from './programs.ts'
import { noteRefusal, watchingUnawaited } from './unawaited.ts'

export type Scenario<T> = (router: AspenRouter) => Promise<T>

export interface SimulateOptions extends RouterOptions {
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
    super([`seed ${seed}: ${wordsOf(cause)}`, ...trace.map((line) => `  ${line}`)].join('\n'), { cause })
    this.seed = seed
    this.trace = trace
  }
}

const SIMULATE_OPTIONS = ['seed', 'nodes', 'founders', 'requestTimeoutMs', 'network', 'limitMs', 'keepLines']
const EXPLORE_OPTIONS = [...SIMULATE_OPTIONS.filter((name) => name !== 'seed'), 'firstSeed', 'seeds', 'twice']

/** A misspelt option would quietly be its default. @throws AspenError INVALID_REQUEST that names it */
function checkNames(options: object, known: readonly string[]): void {
  checked('the options', () => givenFields(options, 'the options', known))
}

/**
 * Forms a cluster, runs a scenario on it in virtual time, and gives what it returns.
 * Within a scenario time passes only in {@link AspenRouter.sleep} and in requests: code that waits for anything real, or draws from
 * `Math.random` or `Date`, cannot be repeated from its seed.
 *
 * @throws RangeError when an option is out of range, AspenError INVALID_REQUEST when it is not known
 * @throws SimulationFailure with the seed when the scenario, a program or an invariant fails, or the limit is reached
 * @example
 * await simulate({ seed: 1 }, async (router) => {
 *   const client = router.client()
 *   await client.write({ Set: { key: 'hello', value: 'world' } })
 *   router.crash(router.leader ?? 1)
 *   await client.read('hello')
 * })
 */
export async function simulate<T>(options: SimulateOptions, scenario: Scenario<T>): Promise<Simulated<T>> {
  checkNames(options, SIMULATE_OPTIONS)
  checkFromZero('seed', options.seed)
  const { limitMs = DEFAULT_LIMIT_MS, keepLines = DEFAULT_KEEP_LINES } = options
  if (!(limitMs > 0)) throw new RangeError(`limitMs is ${limitMs}: give milliseconds above 0`)
  checkFromZero('keepLines', keepLines)
  const trace = new Trace(keepLines)
  const failures: Error[] = []
  const fail = (error: Error): void => void failures.push(error)
  const run = { seed: options.seed, fail }
  const router = new AspenRouter(options, { fail, refused: (error) => noteRefusal(run, error), trace })
  const settled: { value: T }[] = []
  const play = async (): Promise<void> => {
    await router.found()
    settled.push({ value: await scenario(router) })
  }
  play().catch((error: unknown) => void failures.push(asError(error)))
  try {
    await watchingUnawaited(() => drive(router, limitMs, () => failures.length > 0 || settled.length > 0))
    if (failures[0] !== undefined) throw failures[0]
  } catch (error) {
    throw new SimulationFailure(options.seed, asError(error), trace.lines())
  }
  router.ended()
  return { value: (settled[0] as { value: T }).value, hash: trace.hash, virtualMs: router.now }
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

async function drive(router: AspenRouter, limitMs: number, over: () => boolean): Promise<void> {
  let instant = 0
  let events = 0
  for (;;) {
    // What follows from the last event, through however many promises, happens before the next one.
    await new Promise((resolve) => setImmediate(resolve))
    router.settled()
    if (over()) return
    if (!router.step(limitMs)) throw new Error(`the scenario has not ended after ${limitMs} ms of virtual time`)
    events = router.now === instant ? events + 1 : 0
    instant = router.now
    if (events > MAX_EVENTS_AT_ONCE) throw new Error(`${MAX_EVENTS_AT_ONCE} events at one instant: something runs in circles`)
  }
}

export interface ExploreOptions extends Omit<SimulateOptions, 'seed'> {
  /** 1 when absent. */
  readonly firstSeed?: number
  /** How many seeds to try. 100 when absent. */
  readonly seeds?: number
  /** Runs each seed twice, to find code that cannot be repeated. */
  readonly twice?: boolean
}

/**
 * Runs a scenario under many seeds, until one fails.
 * @throws RangeError when it is to run under none, or an option is out of range
 * @throws SimulationFailure with the seed that failed; give it to {@link simulate} to see it again
 */
export async function explore(options: ExploreOptions, scenario: Scenario<unknown>): Promise<void> {
  checkNames(options, EXPLORE_OPTIONS)
  const { firstSeed = 1, seeds = 100, twice = false, ...rest } = options
  if (!(Number.isSafeInteger(seeds) && seeds >= 1)) throw new RangeError(`seeds is ${seeds}: give a whole number from 1`)
  checkFromZero('firstSeed', firstSeed)
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const { hash } = await simulate({ ...rest, seed }, scenario)
    if (!twice) continue
    const again = await simulate({ ...rest, seed }, scenario)
    if (again.hash !== hash) {
      const words = 'two runs differ: the scenario uses time, randomness or I/O that the router does not know'
      throw new SimulationFailure(seed, new Error(words), [])
    }
  }
}
