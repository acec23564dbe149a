/** `npm run sim`: parses, runs, reports, and maps what happened to an exit code. */
import { execFileSync } from 'node:child_process'
import { join, relative, resolve } from 'node:path'
import { inspect } from 'node:util'
import { describeFailure, readSettings, writeArtifact } from './artifact.ts'
import { runCampaign, Totals } from './campaign.ts'
import { ARTIFACTS, HELP, parseOptions, UsageError } from './options.ts'
import type { Command } from './options.ts'
import { runParallelCampaign } from './parallel-campaign.ts'
import { describeRun, FailedRun, traceSeed } from './run.ts'
import type { RunReport } from './run.ts'
import { toArguments } from './settings.ts'
import type { Settings } from './settings.ts'
import { attempt, shrink } from './shrink.ts'
import type { TimedFailure } from './shrink.ts'

const KEPT_LINES = 200
const ROOT = join(import.meta.dirname, '..')
const PROGRESS_INTERVAL_MS = 5_000
/** Above this, a line a seed is too much to read. */
const FEW_SEEDS = 20

type Run = Extract<Command, { mode: 'run' }>

/** Where its lines go: to standard output and standard error, when it is a program. */
export interface Output {
  readonly log: (lines: string) => void
  readonly error: (lines: string) => void
}

/** Does what the arguments say, and gives the exit code. */
export async function main(args: readonly string[], output: Output): Promise<number> {
  try {
    return await execute(parseOptions(args), output)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    output.error(`sim: ${error.message}`)
    return 2
  }
}

async function execute(command: Command, output: Output): Promise<number> {
  if (command.mode === 'help') {
    output.log(HELP)
    return 0
  }
  const run: Run =
    command.mode === 'run'
      ? command
      : { ...command, mode: 'run', settings: readSettings(command.file), seeds: 1, twice: false, jobs: 1 }
  try {
    if (run.trace) await printTrace(run.settings, output)
    else await printCampaign(run, output)
    return 0
  } catch (error) {
    if (!(error instanceof FailedRun)) throw error
    await reportFailure(error, run, output)
    return 1
  }
}

/** Nothing but the trace, whether the run fails or not: two outputs can be compared. */
async function printTrace(settings: Settings, output: Output): Promise<void> {
  try {
    output.log((await traceSeed(settings)).join('\n'))
  } catch (error) {
    if (error instanceof FailedRun) output.log(error.trace.join('\n'))
    throw error
  }
}

async function printCampaign({ settings, seeds, twice, jobs }: Run, output: Output): Promise<void> {
  const startedAt = performance.now()
  const totals = new Totals()
  let nextProgress = startedAt + PROGRESS_INTERVAL_MS
  const rate = (): string => describeRate(totals, seeds, performance.now() - startedAt)
  const onRun = (report: RunReport): void => {
    totals.add(report)
    if (seeds <= FEW_SEEDS) output.log(describeRun(report))
    if (performance.now() < nextProgress) return
    nextProgress = performance.now() + PROGRESS_INTERVAL_MS
    output.log(`seed ${report.seed}: ${rate()}`)
  }
  if (jobs === 1) await runCampaign({ settings, seeds, stride: 1, twice, onRun })
  else await runParallelCampaign({ settings, seeds, twice, onRun }, jobs)
  output.log(rate())
  if (seeds > 1) for (const [name, count] of Object.entries(totals.counters)) output.log(`  ${name.padEnd(32)}${count}`)
}

function describeRate(totals: Totals, seeds: number, realMs: number): string {
  const hours = totals.simulatedMs / 3_600_000
  const rate = (1000 * totals.seeds) / realMs
  const each = hours / (realMs / 60_000)
  return (
    `${totals.seeds} of ${seeds} seeds clean, ${rate.toFixed(1)} a second, ${hours.toFixed(2)} simulated hours, ` +
    `${each.toFixed(2)} for each minute; ${totals.committed} commits, ${totals.operations} operations`
  )
}

/** Everything about a failure goes to standard error. */
async function reportFailure(found: FailedRun, { shrink: wanted, trace, artifacts }: Run, output: Output): Promise<void> {
  const startedAt = performance.now()
  // Campaigns keep no traces, and no time of a single run: this one is made once more, for its own.
  const repeated = await attempt(found.settings, KEPT_LINES)
  let reported = repeated ?? { failure: unrepeatable(found), realMs: performance.now() - startedAt }
  if (wanted && repeated !== null) reported = await findSmaller(repeated, output)
  const { failure, realMs } = reported
  const folder = artifacts === null ? join(ROOT, ARTIFACTS) : resolve(artifacts)
  const path = writeArtifact(folder, describeFailure(failure, currentCommit(), realMs))
  const isShown = trace && !wanted
  output.error([...(isShown ? [] : [...failure.trace, '']), `${failure.kind}: ${failure.message}`].join('\n'))
  if (failure.kind === 'error') output.error(inspect(failure.cause))
  const shown = relative(ROOT, path)
  output.error(`artifact: ${path}`)
  output.error(`again:    npm run sim -- --replay ${shown.startsWith('..') ? path : shown}`)
  output.error(`or:       npm run sim -- ${toArguments(failure.settings)}`)
}

/** A run is made of its seed alone: one that is clean when it is run again is a failure of its own. */
function unrepeatable({ settings, message, cause, figures, trace }: FailedRun): FailedRun {
  const words = `cannot be repeated: it is clean when it is run again, and failed before with: ${message}`
  return new FailedRun(settings, new AggregateError([cause], words), figures, trace.slice(-KEPT_LINES))
}

async function findSmaller(first: TimedFailure, output: Output): Promise<TimedFailure> {
  const { settings, message } = first.failure
  output.error(`${message}\nlooking for a smaller run that fails like this`)
  const shrunk = await shrink(first, (smaller) => attempt(smaller, KEPT_LINES))
  output.error(`after ${shrunk.runs} runs: ${toArguments(settings)} became ${toArguments(shrunk.failure.settings)}`)
  return shrunk
}

function currentCommit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return `${git('rev-parse', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), console)
