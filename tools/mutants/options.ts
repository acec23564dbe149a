import { parseArgs } from 'node:util'
import type { Mutant } from './mutant.ts'

/** A command line that means nothing. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface Options {
  readonly mutants: readonly Mutant[]
  readonly list: boolean
  readonly jobs: number
}

const MAX_JOBS = 64

function choose(known: readonly Mutant[], parts: readonly string[]): readonly Mutant[] {
  for (const part of parts) {
    if (!known.some(({ name }) => name.includes(part))) throw new UsageError(`no mutant has "${part}" in its name: see --list`)
  }
  return parts.length === 0 ? known : known.filter(({ name }) => parts.some((part) => name.includes(part)))
}

/** @throws UsageError for an unknown option, a number that is none, or a name that no mutant has */
export function parseOptions(args: readonly string[], known: readonly Mutant[]): Options {
  let parsed
  try {
    const options = { list: { type: 'boolean' }, jobs: { type: 'string' } } as const
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? '', { cause: error })
  }
  const { values, positionals } = parsed
  const jobs = Number(values.jobs ?? '1')
  if (!Number.isSafeInteger(jobs) || jobs < 1 || jobs > MAX_JOBS) {
    throw new UsageError(`--jobs is ${values.jobs}: give a whole number from 1 to ${MAX_JOBS}`)
  }
  return { mutants: choose(known, positionals), list: values.list === true, jobs }
}
