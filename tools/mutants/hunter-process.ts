/** Starts hunters in a copy and reads their verdicts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { isSimulator } from './mutant.ts'
import type { Hunter } from './mutant.ts'
import type { Verdict } from './verdict.ts'

/** For one hunter: as many seeds as that, and no new one after so many seconds. */
export interface Bounds {
  readonly seeds: number
  readonly seconds: number
}

/** How much longer than its bound a hunter may take for its last seed before it is ended. */
const GRACE_SECONDS = 60

export interface Assignment {
  readonly folder: string
  readonly hunter: Hunter
  /** Where a simulator begins. */
  readonly firstSeed: number
  readonly bounds: Bounds
}

function argumentsFor({ hunter, firstSeed, bounds }: Assignment): string[] {
  if (!isSimulator(hunter)) return ['tools/mutants/hunt-test.ts', hunter]
  return ['tools/mutants/hunt.ts', hunter, String(firstSeed), String(bounds.seeds), String(bounds.seconds)]
}

function parse(output: string, code: number | null, complaint: string): Verdict {
  const line = output.trim().split('\n').at(-1) ?? ''
  if (code === 0 && line.startsWith('{')) return JSON.parse(line) as Verdict
  if (code === null) return { kind: 'missed', looked: 'until its time was up' }
  const reason = complaint.split('\n').find((words) => /Error/.test(words))
  return { kind: 'broken', message: reason?.trim() ?? `the hunter ended with ${code}` }
}

/** Node's test runner refuses to run inside of itself, which it tells by this variable. */
const { NODE_TEST_CONTEXT: _, ...OUTSIDE_TESTS } = process.env

/** Processes that run now: they are ended with this one. */
const running = new Set<() => void>()

export function endHunters(): void {
  for (const end of running) end()
}

/** A process group of its own, because a test file may start others. */
export async function sendHunter(assignment: Assignment): Promise<Verdict> {
  const child = spawn(process.execPath, argumentsFor(assignment), {
    cwd: assignment.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: OUTSIDE_TESTS,
  })
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  running.add(end)
  const timer = setTimeout(end, (assignment.bounds.seconds + GRACE_SECONDS) * 1000)
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  clearTimeout(timer)
  running.delete(end)
  return parse(output, code, complaint)
}
