import { inspect } from 'node:util'
import { ActorSystem as System } from '../actor/index.ts'
import type { ActorEvent, ActorSystemOptions as SystemOptions } from '../actor/index.ts'
import { systemClock, systemRandom } from '../machine/index.ts'
import { workerThreads } from '../threads/index.ts'

/** What may be given, and need not be. */
export type ActorSystemOptions = Partial<SystemOptions>

/**
 * Actors that share a thread, and the supervisor of those that have no other. On the clock, the randomness and the threads of the machine, unless others are given; failures are
 * printed to standard error, unless `report` is given. Actors that wait for messages do not keep the process alive.
 */
export class ActorSystem extends System {
  constructor({
    clock = systemClock,
    random = systemRandom(),
    report = printFailure,
    threads = workerThreads,
    ...rest
  }: ActorSystemOptions = {}) {
    super({ clock, random, report, threads, ...rest })
  }
}

/** A failure that nobody hears of would go on unseen, restart by restart. */
function printFailure({ path, event, error, pauseMs }: ActorEvent): void {
  if (event === 'started' || event === 'restarted') return
  const what = [`actor ${path}: ${event}`]
  if (pauseMs !== undefined) what.push(`, starts again in ${pauseMs} ms`)
  if (error !== undefined) what.push(`: ${inspect(error)}`)
  console.error(what.join(''))
}
