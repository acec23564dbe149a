/** Clusters in virtual time, for the scenarios of a user. */
import { checkNames, play, playSeeds } from '../scenario/index.ts'
import type { PlayOptions, SeedsOptions, Simulated } from '../scenario/index.ts'
import { AspenRouter } from './aspen-router.ts'
import type { RouterOptions } from './aspen-router.ts'
import { noteRefusal, watchingUnawaited } from './unawaited.ts'

export type Scenario<T> = (router: AspenRouter) => Promise<T>

export interface SimulateOptions extends RouterOptions, PlayOptions {}

const SIMULATE_OPTIONS = ['seed', 'nodes', 'founders', 'requestTimeoutMs', 'network', 'limitMs', 'keepLines']
const EXPLORE_OPTIONS = [...SIMULATE_OPTIONS.filter((name) => name !== 'seed'), 'firstSeed', 'seeds', 'twice']

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
  const { value, hash, virtualMs, world } = await watchingUnawaited(() =>
    play(
      options,
      ({ fail, trace }) => {
        const run = { seed: options.seed, fail }
        return new AspenRouter(options, { fail, refused: (error) => noteRefusal(run, error), trace })
      },
      async (router) => {
        await router.found()
        return scenario(router)
      },
    ),
  )
  world.ended()
  return { value, hash, virtualMs }
}

export interface ExploreOptions extends Omit<SimulateOptions, 'seed'>, SeedsOptions {}

/**
 * Runs a scenario under many seeds, until one fails.
 * @throws RangeError when it is to run under none, or an option is out of range
 * @throws SimulationFailure with the seed that failed; give it to {@link simulate} to see it again
 */
export async function explore(options: ExploreOptions, scenario: Scenario<unknown>): Promise<void> {
  checkNames(options, EXPLORE_OPTIONS)
  const { firstSeed: _first, seeds: _seeds, twice: _twice, ...rest } = options
  await playSeeds(options, (seed) => simulate({ ...rest, seed }, scenario))
}
