/**
 * `npm test` and `npm run test:slow`: hands the test files to Node's runner and ends with its summary.
 *
 *     npm test                      every *.test.ts but the slow ones
 *     npm test -- raft              those with `raft` in their path
 *     npm test -- property          those of a category: see test-categories.ts
 *     npm test -- --test-name-pattern=truncates
 *     npm test -- --full            as CI does: all seeds and inputs; see test/volume.ts
 *
 * Node answers a pattern without a match with "tests 0" and success; here a folder without tests is an error, so that
 * a renamed folder cannot leave the suite unseen.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { filesWithTests, planProcesses, ProcessSharing } from './process-sharing.ts'
import { isChosen } from './test-categories.ts'
import type { ReadFile } from './test-categories.ts'
import { TEST_FOLDERS } from './tidy-rules.ts'

const MINUTE_MS = 60_000
/** For one test or file, and for all of them: far above what they take, for a limit ends what hangs, not what is slow. */
const FAST_BOUNDS = { testMinutes: 10, allMinutes: 40 }
const SLOW_BOUNDS = { testMinutes: 20, allMinutes: 45 }
/** Test processes are short and at least as many as processors: threads that help with garbage only take them from one another. */
const ENGINE_OPTIONS = ['--single-threaded-gc']
/** For the runner to say which files it was still waiting for. */
const LAST_WORDS_MS = 5_000

export interface Selection {
  readonly slow: boolean
  /** A file is run when one of these is a part of its path, or names a category that it is in; none means all. */
  readonly words: readonly string[]
}

export interface Command extends Selection {
  /** Whether tests draw as many seeds and inputs as CI demands. */
  readonly full: boolean
  /** Options for Node's runner, as they are. */
  readonly options: readonly string[]
}

/** Splits a command line into what selects files and what is for Node. */
export function parseCommand(args: readonly string[]): Command {
  const slow = args.includes('--slow')
  const full = args.includes('--full')
  const rest = args.filter((argument) => argument !== '--slow' && argument !== '--full')
  const isOption = (argument: string): boolean => argument.startsWith('-')
  return { slow, full, words: rest.filter((argument) => !isOption(argument)), options: rest.filter(isOption) }
}

/**
 * The test files to run, out of all files of the test folders.
 * @throws Error when a folder has no fast test, or when nothing is left to run
 */
export function selectTests(files: readonly string[], { slow, words }: Selection, read: ReadFile): string[] {
  const isSlow = (file: string): boolean => file.endsWith('.slow.test.ts')
  for (const folder of TEST_FOLDERS) {
    if (!files.some((file) => file.startsWith(`${folder}/`) && !isSlow(file))) {
      throw new Error(`${folder}/ has no tests: a folder was renamed, or run-tests.ts looks in the wrong place`)
    }
  }
  const selected = files
    .filter((file) => isSlow(file) === slow)
    .filter((file) => words.length === 0 || words.some((word) => isChosen(word, file, read)))
    .sort()
  if (selected.length === 0)
    throw new Error(`no ${slow ? 'slow ' : ''}test file matches ${words.join(', ') || 'the test folders'}`)
  return selected
}

/** Ends a process and all that it has started: it leads a process group of its own. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** What Node is to run in a process of its own: a test file, or a program in the folder that runs several of them. */
function writeProgram(root: string, folder: string, files: readonly string[], number: number): string {
  const [first = ''] = files
  if (files.length === 1) return first
  const program = join(folder, `shared-${number}.mjs`)
  const runner = pathToFileURL(join(root, 'tools/shared-process.ts')).href
  writeFileSync(
    program,
    `import { runInOneProcess } from '${runner}'\nawait runInOneProcess(${JSON.stringify([root, files]).slice(1, -1)})\n`,
  )
  return program
}

/**
 * Runs Node's test runner. Ctrl-C ends the tests too, and so does the deadline: a process that outlives its last test, or
 * waits for a child that never ends, would otherwise hold everything up for ever. The runner then names what still ran.
 */
async function runPrograms(root: string, programs: readonly string[], { slow, full, options }: Command): Promise<number> {
  const { testMinutes, allMinutes } = slow ? SLOW_BOUNDS : FAST_BOUNDS
  const bounds = [`--test-concurrency=${concurrencyOf(slow)}`, `--test-timeout=${testMinutes * MINUTE_MS}`]
  const preload = `--import=${pathToFileURL(join(root, 'tools/alone-process.ts')).href}`
  const child = spawn(process.execPath, [...ENGINE_OPTIONS, '--test', preload, ...bounds, ...options, ...programs], {
    cwd: root,
    stdio: 'inherit',
    detached: true,
    env: {
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
      ...process.env,
      ...(full ? { TEST_VOLUME: 'full' } : {}),
    },
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  const timers = [
    setTimeout(() => {
      console.error(`run-tests: not done after ${allMinutes} minutes; what still runs is ended`)
      child.kill('SIGINT')
    }, allMinutes * MINUTE_MS),
    setTimeout(() => endGroup(child, 'SIGKILL'), allMinutes * MINUTE_MS + LAST_WORDS_MS),
  ]
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => endGroup(child, signal))
  const [code] = await exit
  for (const timer of timers) clearTimeout(timer)
  // What a test has left behind goes with it.
  endGroup(child, 'SIGKILL')
  return code ?? 1
}

/** Slow tests start clusters of their own and measure time, so they have the machine to themselves. */
function concurrencyOf(slow: boolean): number {
  return slow ? 1 : Math.max(2, availableParallelism())
}

async function runFiles(root: string, files: readonly string[], command: Command, read: ReadFile): Promise<number> {
  const sharing = new ProcessSharing(read)
  const tests = filesWithTests(files, sharing)
  // An option asks for something particular (a name, a debugger), of tests as they stand in their files.
  const alone = command.slow || command.options.length > 0
  const processes = alone ? tests.map((file) => [file]) : planProcesses(tests, sharing, concurrencyOf(false))
  const folder = mkdtempSync(join(tmpdir(), 'aspen-tests-'))
  try {
    const programs = processes.map((shared, number) => writeProgram(root, folder, shared, number + 1))
    return await runPrograms(root, programs, command)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function run(root: string, command: Command): Promise<number> {
  const found = TEST_FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root }))
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const files = selectTests(
    found.map((file) => file.replaceAll(sep, '/')),
    command,
    read,
  )
  return runFiles(root, files, command, read)
}

if (import.meta.main) {
  try {
    process.exitCode = await run(join(import.meta.dirname, '..'), parseCommand(process.argv.slice(2)))
  } catch (error) {
    console.error(`run-tests: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
