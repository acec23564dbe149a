/** The actors of a program in virtual time, for its own tests. */
import { checkNames, play, playSeeds } from '../scenario/index.ts'
import type { PlayOptions, SeedsOptions, Simulated } from '../scenario/index.ts'
import { ActorWorld } from './actor-world.ts'

export type ActorScenario<T> = (world: ActorWorld) => Promise<T>

const SIMULATE_OPTIONS = ['seed', 'limitMs', 'keepLines']
const EXPLORE_OPTIONS = ['firstSeed', 'seeds', 'twice', 'limitMs', 'keepLines']

/**
 * Runs a scenario on a system of actors in virtual time, and gives what it returns. Time passes only while the scenario waits: for
 * {@link ActorWorld.sleep}, or for an actor. Code that waits for anything real, or draws from `Math.random` or `Date`, cannot be repeated from
 * its seed: actors have `context.now()`, `context.after()` and `context.random`.
 *
 * @throws RangeError when an option is out of range, AspenError INVALID_REQUEST when it is not known
 * @throws SimulationFailure with the seed when the scenario fails, or the limit is reached
 * @example
 * await simulateActors({ seed: 1 }, async (world) => {
 *   const counter = world.system.spawn(counterActor)
 *   world.trouble({ crash: 0.1, slow: 0.2 })
 *   await counter.call('add', 1).catch(() => undefined)
 * })
 */
export async function simulateActors<T>(options: PlayOptions, scenario: ActorScenario<T>): Promise<Simulated<T>> {
  checkNames(options, SIMULATE_OPTIONS)
  const { value, hash, virtualMs } = await play(options, (stage) => new ActorWorld(options.seed, stage), scenario)
  return { value, hash, virtualMs }
}

export interface ExploreActorsOptions extends Omit<PlayOptions, 'seed'>, SeedsOptions {}

/**
 * Runs a scenario under many seeds, until one fails.
 * @throws RangeError when it is to run under none, or an option is out of range
 * @throws SimulationFailure with the seed that failed; give it to {@link simulateActors} to see it again
 */
export async function exploreActors(options: ExploreActorsOptions, scenario: ActorScenario<unknown>): Promise<void> {
  checkNames(options, EXPLORE_OPTIONS)
  const { limitMs, keepLines } = options
  const rest = { ...(limitMs === undefined ? {} : { limitMs }), ...(keepLines === undefined ? {} : { keepLines }) }
  await playSeeds(options, (seed) => simulateActors({ ...rest, seed }, scenario))
}
