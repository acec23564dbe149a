/**
 * `npm run bench`: measures and prints one table, the machine on top. It judges nothing.
 *
 *     npm run bench                          everything, in about two minutes
 *     npm run bench -- core log              some
 *     npm run bench -- --rounds 9 --round-ms 1000 node
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BENCHMARKS } from './benchmarks.ts'
import { describeMachine } from './machine.ts'
import type { Budget, Result } from './measure.ts'
import { tableHead, tableRow } from './table.ts'

const DEFAULT_ROUNDS = 5
const DEFAULT_ROUND_MS = 300

interface Selection {
  readonly names: readonly string[]
  readonly budget: Budget
}

function positiveInteger(option: string, text: string | undefined, standard: number): number {
  const value = text === undefined ? standard : Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${option} is ${text}: it must be a whole number from 1`)
  return value
}

/** @throws Error for an unknown benchmark, an unknown option or a bad number */
export function parseSelection(args: readonly string[]): Selection {
  const options = { rounds: { type: 'string' }, 'round-ms': { type: 'string' } } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  for (const name of positionals) {
    if (!BENCHMARKS.has(name)) throw new Error(`there is no benchmark ${name}: there are ${[...BENCHMARKS.keys()].join(', ')}`)
  }
  const roundMs = positiveInteger('round-ms', values['round-ms'], DEFAULT_ROUND_MS)
  const rounds = positiveInteger('rounds', values.rounds, DEFAULT_ROUNDS)
  const names = [...BENCHMARKS.keys()].filter((name) => positionals.length === 0 || positionals.includes(name))
  return { names, budget: { warmupMs: roundMs, roundMs, rounds } }
}

/** Each benchmark has a process to itself: what one leaves on the heap, or teaches the compiler, is not the next one's. */
async function runOne(name: string, budget: Budget): Promise<boolean> {
  const child = fork(join(import.meta.dirname, 'run-one.ts'), [name, JSON.stringify(budget)])
  child.on('message', (result) => console.log(tableRow(result as unknown as Result)))
  // A channel is read to its end before it disconnects, and that may be after the exit.
  const [[code]] = (await Promise.all([once(child, 'exit'), once(child, 'disconnect')])) as [[number | null], unknown]
  if (code !== 0) console.error(`bench: ${name} failed`)
  return code === 0
}

if (import.meta.main) {
  try {
    const { names, budget } = parseSelection(process.argv.slice(2))
    console.log(
      `${describeMachine()}\n${budget.rounds} rounds of ${budget.roundMs} ms after a warm-up of the same length\n\n${tableHead()}`,
    )
    for (const name of names) if (!(await runOne(name, budget))) process.exitCode = 1
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 2
  }
}
