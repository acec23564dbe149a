/**
 * Runs a fuzzer: many inputs in rounds, each round with a random source of its own that a seed repeats. What the runner
 * of the tests might let pass is an error here: a rejection nobody handles, a warning, a stall, memory that grows.
 *
 *     FUZZ_SEED=7 FUZZ_ROUND=12 npm test -- fuzz/log      repeats one round
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Prng } from '../../src/lib/index.ts'

const MIB = 1024 * 1024
const DEFAULT_SEED = 20_261_122
/** Far above what a round takes, so that a machine that pauses fails nothing. */
const MAX_ROUND_MS = 60_000
/** What may be held at the end beyond what was held after the first tenth. */
const MAX_GROWTH_BYTES = 16 * MIB

export interface FloodOptions {
  readonly inputs: number
  /** Inputs that share one world; the last round may have fewer. */
  readonly perRound: number
  /** Sends this many inputs, and checks after them that the system still works. */
  readonly round: (random: Prng, inputs: number) => void | Promise<void>
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** What is left when sockets have let go of their native halves, which they do in the turn after they were collected. */
async function retainedBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await new Promise(setImmediate)
  }
  return usedBytes()
}

/** Notes what no test awaits, until `end`. */
class ProcessWatch {
  readonly #seen: string[] = []
  readonly #note = (problem: unknown): void => {
    this.#seen.push(problem instanceof Error ? (problem.stack ?? String(problem)) : String(problem))
  }
  readonly #events = ['unhandledRejection', 'uncaughtExceptionMonitor', 'warning'] as const

  constructor() {
    for (const event of this.#events) process.on(event, this.#note)
  }

  check(): void {
    assert.deepEqual(this.#seen, [], 'something failed that nobody waits for')
  }

  end(): void {
    for (const event of this.#events) process.off(event, this.#note)
  }
}

function setting(name: string): number | undefined {
  const text = process.env[name]
  return text === undefined ? undefined : Number(text)
}

async function withinTime(work: void | Promise<void>): Promise<void> {
  if (work === undefined) return
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the round hangs: it has taken ${MAX_ROUND_MS} ms`)), MAX_ROUND_MS)
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

export async function flood(context: TestContext, options: FloodOptions): Promise<void> {
  const { inputs, perRound, round } = options
  const seed = setting('FUZZ_SEED') ?? DEFAULT_SEED
  const only = setting('FUZZ_ROUND')
  const rounds = Math.ceil(inputs / perRound)
  const watch = new ProcessWatch()
  const started = performance.now()
  let peak = 0
  let early: number | undefined
  let growth: number | undefined
  let done = 0
  try {
    for (let i = only ?? 0; i < (only === undefined ? rounds : only + 1); i++) {
      const count = Math.min(perRound, inputs - i * perRound)
      const roundStarted = performance.now()
      try {
        await withinTime(round(new Prng(seed + i * 2 ** 32), count))
        await new Promise(setImmediate)
        watch.check()
        assert.ok(performance.now() - roundStarted < MAX_ROUND_MS, `the round took more than ${MAX_ROUND_MS} ms`)
      } catch (error) {
        throw new Error(`repeat with FUZZ_SEED=${seed} FUZZ_ROUND=${i}: ${(error as Error).message}`, { cause: error })
      }
      done += count
      peak = Math.max(peak, usedBytes())
      if (i === Math.ceil(rounds / 10)) early = await retainedBytes()
    }
    // A flood of one round has no tenth.
    if (early !== undefined) growth = (await retainedBytes()) - early
    assert.ok(
      growth === undefined || growth < MAX_GROWTH_BYTES,
      `memory grew by ${growth} bytes from a tenth of the flood to its end`,
    )
  } finally {
    watch.end()
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const grown = growth === undefined ? '' : `, ${growth} bytes more at the end`
  context.diagnostic(`seed ${seed}: ${done} inputs in ${seconds} s, peak heap ${Math.ceil(peak / MIB)} MiB${grown}`)
}

/** How often each thing happened, for the line that tells what a flood reached. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
  }

  count(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  toString(): string {
    return [...this.#counts]
      .toSorted((a, b) => b[1] - a[1])
      .map(([what, count]) => `${count} x ${what}`)
      .join('; ')
  }
}
