import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

const TASKS = '/proc/self/task'
/** V8's workers, which compile and collect garbage beside the main thread, under the name that Node gives them. */
const V8_WORKER = 'node-V8Worker'
/** Above that of the process. A third of the share of a thread at 0. A collection waits for its workers: at 15, for up to 75 ms on a busy machine. */
const NICENESS = 5

/**
 * Lets V8's workers step back when there are fewer cores than work. Every request passes the main thread, and one that
 * waited for a core behind a compilation took up to 4 ms more.
 * Only Linux has priorities for threads, and names for them.
 */
export function yieldToMainThread(): void {
  if (process.platform !== 'linux') return
  try {
    const niceness = Math.min(getPriority() + NICENESS, constants.priority.PRIORITY_LOW)
    for (const id of readdirSync(TASKS)) {
      const name = readFileSync(`${TASKS}/${id}/comm`, 'utf8').trimEnd()
      if (name === V8_WORKER) setPriority(Number(id), niceness)
    }
  } catch {
    // No /proc, or a thread that has just ended: speed is all that is lost.
  }
}
