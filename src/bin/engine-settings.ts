import { setFlagsFromString } from 'node:v8'

/**
 * Every request passes one thread, and a compilation or a collection that runs beside it takes the core that it, or a
 * client, waits for: up to 5 ms, since the kernel lets whatever runs go on to its next tick. Measured with one client that
 * waits for each answer: the 99th percentile of puts fell from 4.7 to 2.4 ms (docs/performance.md).
 *
 * V8 has started when these are set. Each is one that it reads anew at every decision, to compile a function or to share out
 * a collection. Not every flag is: with `--no-parallel-marking` set here, the process dies of a failed check of V8 at a
 * collection of the old generation. The test of this file goes through such collections.
 */
export const ENGINE_FLAGS: readonly string[] = [
  // The cheap compiler early, while a node warms up; the dear one for what is called very often, where it pays.
  '--invocation-count-for-maglev=100',
  '--minimum-invocations-after-ic-update=50',
  '--invocation-count-for-turbofan=100000',
  // What survives a collection of the young generation is little, and copied before a helper would be awake.
  '--no-parallel-scavenge',
]

/** Sets V8 up for a process that is a node. To be called before there is much code to compile. */
export function tuneEngine(): void {
  for (const flag of ENGINE_FLAGS) setFlagsFromString(flag)
}
