/**
 * Actors of this process, beside those of other libraries: rounds of all take turns, so that what disturbs the machine disturbs all. Then the resident
 * memory of idle ones, each library in a process of its own.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { summarise } from '../measure.ts'
import type { Budget, Report, Round } from '../measure.ts'
import type { Contender } from './contender.ts'
import { contenders } from './contenders.ts'

const IDLE = 1_000_000
/** Of those that would not fit: what each takes is the same. */
const IDLE_OF_OTHERS = 200_000

interface Match {
  readonly point: string
  readonly unit: string
  /** Operations of one run, which takes longer than reading a clock. */
  readonly count: number
  /** Null for one that cannot. */
  readonly run: (contender: Contender) => ((count: number) => Promise<void>) | null
}

const asks = (inFlight: number, count: number): Match => ({
  point: `ask, ${inFlight.toLocaleString('en')} in flight`,
  unit: 'asks',
  count,
  run: ({ ask }) => (ask === undefined ? null : (many) => ask(many, inFlight)),
})

const MATCHES: readonly Match[] = [
  { point: 'tell', unit: 'messages', count: 10_000, run: (one) => (count) => one.tell(count) },
  asks(1, 500),
  asks(1_000, 5_000),
  { point: 'ping-pong', unit: 'messages', count: 5_000, run: (one) => (count) => one.pingPong(count) },
  { point: 'spawn, tell and stop', unit: 'actors', count: 1_000, run: (one) => (count) => one.spawnAndStop(count) },
]

async function runFor(durationMs: number, count: number, run: (count: number) => Promise<void>): Promise<Round> {
  const started = performance.now()
  let operations = 0
  let elapsedMs = 0
  do {
    await run(count)
    operations += count
    elapsedMs = performance.now() - started
  } while (elapsedMs < durationMs)
  return { operations, elapsedMs }
}

async function play(
  { point, unit, count, run }: Match,
  all: readonly Contender[],
  budget: Budget,
  report: Report,
): Promise<void> {
  const playing = all.flatMap((contender) => {
    const play = run(contender)
    return play === null ? [] : [{ contender, play, rounds: [] as Round[] }]
  })
  for (const one of playing) await runFor(budget.warmupMs, count, one.play)
  for (let i = 0; i < budget.rounds; i++)
    for (const one of playing) one.rounds.push(await runFor(budget.roundMs, count, one.play))
  for (const { contender, rounds } of playing)
    report(summarise({ benchmark: 'actors', point: `${point}: ${contender.name}`, unit }, rounds))
}

async function measureIdle(name: string, count: number): Promise<number> {
  const child = fork(fileURLToPath(new URL('./idle-process.ts', import.meta.url)), [name, String(count)], {
    execArgv: ['--expose-gc', '--max-old-space-size=16384'],
  })
  const [bytes] = (await once(child, 'message')) as [number]
  return bytes
}

export async function benchmarkActors(budget: Budget, report: Report): Promise<void> {
  const all = await contenders()
  for (const match of MATCHES) await play(match, all, budget, report)
  for (const { name } of all) {
    const count = name === 'aspen' ? IDLE : IDLE_OF_OTHERS
    const bytes = await measureIdle(name, count)
    const point = `an idle actor of ${count.toLocaleString('en')}: ${name}`
    report({ benchmark: 'actors', point, unit: 'bytes', isAmount: true, median: bytes, slowest: bytes, fastest: bytes })
  }
}
