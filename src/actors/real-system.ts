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
  constructor(options: ActorSystemOptions = {}) {
    super(withDefaults(options))
  }
}

function withDefaults(options: ActorSystemOptions): SystemOptions {
  // What is none is refused with words, and not taken apart here.
  if (typeof options !== 'object' || options === null) return options
  const { clock = systemClock, random = systemRandom(), report = printFailure, threads = workerThreads, ...rest } = options
  return { clock, random, report, threads, ...rest }
}

/** A failure that nobody hears of would go on unseen, restart by restart. */
function printFailure({ path, event, error, pauseMs }: ActorEvent): void {
  if (event === 'started' || event === 'restarted') return
  const what = [`actor ${path}: ${event}`]
  if (pauseMs !== undefined) what.push(`, starts again in ${pauseMs} ms`)
  if (error !== undefined) what.push(`: ${inspected(error)}`)
  console.error(what.join(''))
}

/** An error of a program may say itself how it is shown, and fail in that. */
function inspected(error: Error): string {
  try {
    const shown = inspect(error)
    return shown.includes(error.message) ? shown : error.message
  } catch {
    return error.message
  }
}
