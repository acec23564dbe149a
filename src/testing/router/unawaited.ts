/**
 * Requests of a simulation that are refused and that nobody awaits. Node ends the process over such a rejection, and without the seed nobody
 * could see it again: so the run fails with it, and the error names the seed too, for whoever else hears of it.
 */
import process from 'node:process'

export interface Run {
  readonly seed: number
  readonly fail: (error: Error) => void
}

/** What requests of the runs that go on were refused with. */
const refusals = new WeakMap<Error, Run>()
let running = 0

function onRejection(reason: unknown): void {
  const run = reason instanceof Error ? refusals.get(reason) : undefined
  if (run !== undefined && reason instanceof Error) {
    const said = reason.message
    reason.message = `seed ${run.seed}: nobody awaits a request that was refused: ${said}`
    reason.stack = reason.stack?.replace(said, () => reason.message) ?? reason.message
    run.fail(new Error(`nobody awaits a request that was refused: ${said}`, { cause: reason }))
  } else if (process.listenerCount('unhandledRejection') === 1) {
    // As if nobody listened.
    throw reason
  }
}

/** To be called for each error that a request of this run is refused with. */
export function noteRefusal(run: Run, error: unknown): void {
  if (error instanceof Error) refusals.set(error, run)
}

/** Listens while `run` goes on. */
export async function watchingUnawaited<T>(run: () => Promise<T>): Promise<T> {
  if (running++ === 0) process.prependListener('unhandledRejection', onRejection)
  try {
    return await run()
  } finally {
    if (--running === 0) process.off('unhandledRejection', onRejection)
  }
}
