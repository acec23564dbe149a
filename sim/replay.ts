/** `node sim/replay.ts SEED [COUNT]`: runs seeds; a failing one prints what happened last. Exits 0, 1 on a failure, 2 on wrong usage. */
import { describeRun, FailedRun, runSeed } from './run.ts'

const KEPT_LINES = 200

/** Runs `count` seeds from `first`; false when one of them failed. */
async function replay(first: number, count: number): Promise<boolean> {
  for (let seed = first; seed < first + count; seed++) {
    try {
      console.log(describeRun(runSeed({ seed, keepLines: KEPT_LINES })))
    } catch (error) {
      if (!(error instanceof FailedRun)) throw error
      console.error([...error.trace, error.message].join('\n'))
      console.error(error.cause)
      return false
    }
    // A finished world is let go only when the event loop turns.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return true
}

const [first, count] = [process.argv[2], process.argv[3] ?? '1'].map(Number)
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count)) {
  console.error('usage: node sim/replay.ts SEED [COUNT]; both are whole numbers')
  process.exitCode = 2
} else if (!(await replay(first as number, count as number))) process.exitCode = 1
