/**
 * Loaded before a test file that has a process of its own, with `--import`: what it leaves open is named. Whatever the tests start
 * inherits the option, and is left alone.
 */
import { relative } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const [, file = ''] = process.argv

if (isMainThread && process.env['NODE_TEST_CONTEXT'] !== undefined && file.endsWith('.test.ts')) {
  const { describeHeld, endAfterTests, heldOpen } = await import('./afterlife.ts')
  const held = heldOpen()
  const milliseconds = process.env['TEST_AFTERLIFE_MS']
  endAfterTests(
    () => `${relative(process.cwd(), file)} (${describeHeld(held)})`,
    milliseconds === undefined ? undefined : Number(milliseconds),
  )
}
