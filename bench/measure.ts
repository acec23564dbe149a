/**
 * What every benchmark shares: a warm-up, several rounds, and the median with the slowest and the fastest of them.
 *
 * The median, because a shared machine disturbs single rounds; the spread beside it, because without it nobody can tell
 * a gain from noise.
 */

/** How long one point is measured. */
export interface Budget {
  readonly warmupMs: number
  readonly roundMs: number
  readonly rounds: number
}

/** What happened in one round. */
export interface Round {
  readonly operations: number
  readonly elapsedMs: number
  /** Of each operation, where it has a beginning and an end of its own. */
  readonly latenciesMs?: readonly number[]
}

export interface Point {
  readonly benchmark: string
  readonly point: string
  /** What is counted: `entries`, `requests`. */
  readonly unit: string
  /** It is no rate: so much there is of it. */
  readonly isAmount?: boolean
}

/** A row of the table. Rates are operations a second; latencies are taken over all rounds. */
export interface Result extends Point {
  readonly median: number
  readonly slowest: number
  readonly fastest: number
  readonly p50Ms?: number
  readonly p99Ms?: number
}

export type Report = (result: Result) => void

/** Measures its points one after the other, and reports each when it is done. */
export type Benchmark = (budget: Budget, report: Report) => Promise<void>

/** The smallest value that at least `share` (0 to 1) of the values do not exceed. @throws RangeError without values */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('there is no quantile of no values')
  return value
}

/** The middle value, or the mean of the two in the middle. @throws RangeError without values */
export function median(values: readonly number[]): number {
  const upper = quantile(values, Math.floor(values.length / 2 + 1) / values.length)
  return values.length % 2 === 1 ? upper : (quantile(values, 0.5) + upper) / 2
}

/** Summarises the rounds of a point. */
export function summarise(point: Point, rounds: readonly Round[]): Result {
  const rates = rounds.map(({ operations, elapsedMs }) => (operations / elapsedMs) * 1000)
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs ?? [])
  const result = { ...point, median: median(rates), slowest: quantile(rates, 0), fastest: quantile(rates, 1) }
  if (latenciesMs.length === 0) return result
  return { ...result, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) }
}

/**
 * Runs a point for the warm-up and then for each round. `between` is done after each, outside of the measured time:
 * what keeps files and memory from growing from round to round.
 */
export async function measure(
  budget: Budget,
  point: Point,
  run: (durationMs: number) => Round | Promise<Round>,
  between: () => void | Promise<void> = () => undefined,
): Promise<Result> {
  await run(budget.warmupMs)
  await between()
  const rounds: Round[] = []
  for (let i = 0; i < budget.rounds; i++) {
    rounds.push(await run(budget.roundMs))
    await between()
  }
  return summarise(point, rounds)
}

/** Repeats what needs no event loop. `run` says how many operations it did, and should take longer than reading a clock. */
export function repeatFor(durationMs: number, run: () => number): Round {
  const started = performance.now()
  let operations = 0
  let elapsedMs = 0
  do {
    operations += run()
    elapsedMs = performance.now() - started
  } while (elapsedMs < durationMs)
  return { operations, elapsedMs }
}

/**
 * A closed loop: `inFlight` lanes, each of which begins its next operation when the last one has ended. Lanes are
 * numbered from 0; each does at least one operation, and the round lasts until the last has ended.
 */
export async function keepInFlight(
  durationMs: number,
  inFlight: number,
  operation: (lane: number) => Promise<unknown>,
): Promise<Round> {
  const latenciesMs: number[] = []
  const started = performance.now()
  const runLane = async (lane: number): Promise<void> => {
    let begun = started
    do {
      await operation(lane)
      const ended = performance.now()
      latenciesMs.push(ended - begun)
      begun = ended
    } while (begun - started < durationMs)
  }
  await Promise.all(Array.from({ length: inFlight }, (_, lane) => runLane(lane)))
  return { operations: latenciesMs.length, elapsedMs: performance.now() - started, latenciesMs }
}
