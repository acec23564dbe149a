/** `npm run sim`: parses, runs, reports, and maps what happened to an exit code. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describeFailure, readSettings, writeArtifact } from './artifact.ts'
import { runCampaign, Totals } from './campaign.ts'
import { HELP, parseOptions, UsageError } from './options.ts'
import type { Command } from './options.ts'
import { runParallelCampaign } from './parallel-campaign.ts'
import { describeRun, FailedRun, traceSeed } from './run.ts'
import type { RunReport } from './run.ts'
import { toArguments } from './settings.ts'
import type { Settings } from './settings.ts'
import { attempt, shrink } from './shrink.ts'

const KEPT_LINES = 200
const ROOT = join(import.meta.dirname, '..')
const ARTIFACTS = 'docs/simulations'
const PROGRESS_INTERVAL_MS = 5_000
/** Above this, a line a seed is too much to read. */
const FEW_SEEDS = 20

type Run = Extract<Command, { mode: 'run' }>

async function main(args: readonly string[]): Promise<number> {
  const command = parseOptions(args)
  if (command.mode === 'help') {
    console.log(HELP)
    return 0
  }
  const run: Run =
    command.mode === 'run'
      ? command
      : { ...command, mode: 'run', settings: readSettings(command.file), seeds: 1, twice: false, jobs: 1 }
  const startedAt = performance.now()
  try {
    if (run.trace) await printTrace(run.settings)
    else await printCampaign(run, startedAt)
    return 0
  } catch (error) {
    if (!(error instanceof FailedRun)) throw error
    if (run.trace) console.log([...error.trace, error.message].join('\n'))
    else await reportFailure(error, run, performance.now() - startedAt)
    return 1
  }
}

/** Nothing but the trace: two outputs can be compared. */
async function printTrace(settings: Settings): Promise<void> {
  console.log((await traceSeed(settings)).join('\n'))
}

async function printCampaign({ settings, seeds, twice, jobs }: Run, startedAt: number): Promise<void> {
  const totals = new Totals()
  let nextProgress = startedAt + PROGRESS_INTERVAL_MS
  const rate = (): string => describeRate(totals, seeds, performance.now() - startedAt)
  const onRun = (report: RunReport): void => {
    totals.add(report)
    if (seeds <= FEW_SEEDS) console.log(describeRun(report))
    if (performance.now() < nextProgress) return
    nextProgress = performance.now() + PROGRESS_INTERVAL_MS
    console.log(`seed ${report.seed}: ${rate()}`)
  }
  if (jobs === 1) await runCampaign({ settings, seeds, stride: 1, twice, onRun })
  else {
    const failed = await runParallelCampaign({ settings, seeds, twice, onRun }, jobs)
    // Here again, where its failure can be told.
    if (failed !== null) await runCampaign({ settings: { ...settings, seed: failed }, seeds: 1, stride: 1, twice, onRun })
  }
  console.log(rate())
  if (seeds > 1) for (const [name, count] of Object.entries(totals.counters)) console.log(`  ${name.padEnd(32)}${count}`)
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

async function reportFailure(found: FailedRun, { shrink: wanted }: Run, realMs: number): Promise<void> {
  // Campaigns keep no traces: this run is made once more, for its own.
  let failure = (await attempt(found.settings, KEPT_LINES)) ?? found
  if (wanted) {
    console.error(`${found.message}\nlooking for a smaller run that fails like this`)
    const shrunk = await shrink(found, (settings) => attempt(settings, KEPT_LINES))
    failure = shrunk.failure
    console.error(`after ${shrunk.runs} runs: ${toArguments(found.settings)} became ${toArguments(failure.settings)}`)
  }
  const path = writeArtifact(join(ROOT, ARTIFACTS), describeFailure(failure, currentCommit(), realMs))
  console.error([...failure.trace, '', `${failure.kind}: ${failure.message}`].join('\n'))
  if (failure.kind === 'error') console.error(failure.cause)
  console.error(`artifact: ${path}`)
  console.error(`again:    npm run sim -- --replay ${path.slice(ROOT.length + 1)}`)
  console.error(`or:       npm run sim -- ${toArguments(failure.settings)}`)
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

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`sim: ${error.message}`)
  process.exitCode = 2
}
