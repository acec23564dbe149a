import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { volume } from '../../volume.ts'

const THREADS = volume(50, 3)
/** Far above what they take on a machine that has other things to do. */
const PATIENCE_MS = 240_000

test('stop: a program that has ended its actors has nothing left that keeps it alive, however many threads there were', async () => {
  const program = join(import.meta.dirname, 'many-threads-program.ts')
  // Rejects when it has to be killed, or ends with another code than 0.
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(THREADS)], { timeout: PATIENCE_MS })
  const silent = 'the event loop of its thread did not turn for 200 ms: the thread was ended'
  assert.equal(stdout, `${silent}\n${2 * THREADS} of ${THREADS}\n`)
})
