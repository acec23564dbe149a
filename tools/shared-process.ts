/**
 * Runs several test files in this process, each as a suite of its own with its hooks. What a process of its own would have
 * shown is shown here too, with the name of the file: a file without tests, one that leaves the process other than it found it, one that
 * keeps it alive, and one that ends it. What a test throws after its end Node's runner reports itself.
 */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, beforeEach, describe } from 'node:test'
import { describeHeld, endAfterTests, heldOpen } from './afterlife.ts'

const require = createRequire(import.meta.url)

/** What files in one process share, and must leave alone. */
interface ProcessState {
  readonly exitCode: unknown
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly listeners: Readonly<Record<string, number>>
  readonly globals: readonly string[]
}

function processState(): ProcessState {
  return {
    exitCode: process.exitCode,
    folder: process.cwd(),
    environment: { ...process.env },
    listeners: Object.fromEntries(
      // Whoever has something to flush when the process ends listens for that once, and harms nobody.
      process
        .eventNames()
        .filter((name) => name !== 'exit')
        .map((name) => [String(name), process.listenerCount(name)]),
    ),
    globals: Object.getOwnPropertyNames(globalThis),
  }
}

function assertAsBefore(state: ProcessState, file: string): void {
  assert.deepEqual(processState(), state, `${file} changes the process that it shares with other test files`)
}

interface Progress {
  /** What files still held when they were done, in the turn after. */
  readonly leftovers: string[]
  readonly waiting: Set<string>
}

/** Registers one file: what it registers at its top belongs to a suite, which therefore has to load it in one piece. */
function describeFile(root: string, file: string, progress: Progress): Promise<void> {
  return describe(file, () => {
    let tests = 0
    let state = processState()
    let held = heldOpen()
    before(() => {
      state = processState()
      held = heldOpen()
    })
    beforeEach(() => void tests++)
    require(join(root, file))
    assertAsBefore(state, file)
    // Behind those of the file.
    after(async () => {
      await new Promise(setImmediate)
      const left = describeHeld(held)
      if (left !== '') progress.leftovers.push(`${file} (${left})`)
      progress.waiting.delete(file)
      assertAsBefore(state, file)
      assert.ok(tests > 0, `${file} has no tests`)
    })
  })
}

/** Runs the files, whose paths are relative to the root. */
export async function runInOneProcess(root: string, files: readonly string[], maxAfterlifeMs?: number): Promise<void> {
  const progress: Progress = { leftovers: [], waiting: new Set(files) }
  const suites = files.map((file) => describeFile(root, file, progress))
  endAfterTests(() => progress.leftovers.join('; '), maxAfterlifeMs)
  process.on('exit', () => {
    const [file] = progress.waiting
    if (file === undefined) return
    console.error(`the process ended before ${file} was done`)
    process.exitCode = 1
  })
  await Promise.all(suites)
}
