/** Many seeds, and what they came across together. */
import { FailedRun, runSeed } from './run.ts'
import type { RunReport } from './run.ts'
import type { Settings } from './settings.ts'

export interface CampaignOptions {
  /** Those of the first seed; the others differ in the seed alone. */
  readonly settings: Settings
  readonly seeds: number
  /** From one seed to the next. */
  readonly stride: number
  /** Runs each seed twice; two runs that differ are a failure. */
  readonly twice: boolean
  /** Called after every seed. */
  readonly onRun: (report: RunReport) => void
}

export class Totals {
  readonly counters: Record<string, number> = {}
  seeds = 0
  simulatedMs = 0
  events = 0
  committed = 0
  operations = 0

  add({ virtualMs, events, committed, clients, counters }: RunReport): void {
    this.seeds++
    this.simulatedMs += virtualMs
    this.events += events
    this.committed += committed
    this.operations += clients.ok + clients.failed + clients.unknown
    for (const [name, count] of Object.entries<number>({ ...counters })) {
      this.counters[name] = (this.counters[name] ?? 0) + count
    }
  }
}

/** Runs until a seed fails, without keeping traces. @throws FailedRun */
export async function runCampaign({ settings, seeds, stride, twice, onRun }: CampaignOptions): Promise<void> {
  for (let i = 0; i < seeds; i++) {
    const one = { ...settings, seed: settings.seed + i * stride }
    const report = await runSeed(one)
    if (twice) assertSame(one, report, await runSeed(one))
    onRun(report)
  }
}

function assertSame(settings: Settings, first: RunReport, second: RunReport): void {
  if (first.hash === second.hash && first.nextRandom === second.nextRandom) return
  const what = `two runs differ: traces ${first.hash} and ${second.hash}, next random numbers ${first.nextRandom} and ${second.nextRandom}`
  throw new FailedRun(settings, new Error(what), second, [])
}
