/** Looks for less that fails in the same way: shorter, with fewer kinds of trouble, fewer clients, fewer nodes. */
import { FailedRun, runSeed } from './run.ts'
import { troublesOf, weatherOf } from './settings.ts'
import type { Settings } from './settings.ts'

/** A run takes up to some seconds. */
const MAX_RUNS = 200
const SHORTEST_MS = 100

/** A run that failed, and the milliseconds that it took. */
export interface TimedFailure {
  readonly failure: FailedRun
  readonly realMs: number
}

export interface Shrunk extends TimedFailure {
  /** How many were tried. */
  readonly runs: number
}

/** Null when nothing failed. */
export type Trial = (settings: Settings) => Promise<TimedFailure | null>

/** Runs the settings; null when nothing fails. */
export async function attempt(settings: Settings, keepLines: number): Promise<TimedFailure | null> {
  const startedAt = performance.now()
  try {
    await runSeed({ ...settings, keepLines })
    return null
  } catch (error) {
    if (error instanceof FailedRun) return { failure: error, realMs: performance.now() - startedAt }
    throw error
  }
}

/** Greedy: goes on from every smaller run that fails, until none of those one step away does. */
export async function shrink(first: TimedFailure, run: Trial): Promise<Shrunk> {
  let best = first
  let runs = 0
  for (let improved = true; improved && runs < MAX_RUNS;) {
    improved = false
    for (const settings of smaller(best.failure.settings)) {
      if (runs++ >= MAX_RUNS) break
      const tried = await run(settings)
      if (tried === null || !isAlike(tried.failure, first.failure)) continue
      best = tried
      improved = true
      break
    }
  }
  return { ...best, runs }
}

function isAlike(one: FailedRun, other: FailedRun): boolean {
  return one.kind === other.kind && one.property === other.property
}

/** Settings one step smaller, the larger steps first. */
function* smaller(settings: Settings): Generator<Settings> {
  const weather = weatherOf(settings)
  const { faultsMs, calm } = settings
  for (const share of [0.25, 0.5, 0.75, 0.9]) {
    const shorter = Math.floor((faultsMs * share) / SHORTEST_MS) * SHORTEST_MS
    if (shorter >= SHORTEST_MS) yield { ...settings, faultsMs: shorter }
  }
  for (const trouble of troublesOf(weather)) yield { ...settings, calm: [...calm, trouble] }
  for (const nodes of [1, 3, 5]) if (nodes < weather.founders) yield { ...settings, nodes }
  for (const clients of [1, 2, 3, 5]) if (clients < weather.clients) yield { ...settings, clients }
}
