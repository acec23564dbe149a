/** The command line of `npm run sim`. */
import { parseArgs } from 'node:util'
import { complainOf, DEFAULT_SETTINGS, isProfile, isTrouble, MAX_CLIENTS, MAX_FAULTS_MS, MAX_NODES } from './settings.ts'
import type { Settings, Trouble } from './settings.ts'
import { PROFILES } from './weather.ts'

export const ARTIFACTS = 'docs/simulations'

export const HELP = `Usage: npm run sim -- --seed N [options]          runs whole clusters in one process, over simulated time, network and disks
       npm run sim -- --replay FILE [--trace]     runs what a failure's artifact describes, once more

  --seed N          the seed, or the first of several
  --seeds COUNT     so many seeds, one after the other
  --profile NAME    ${PROFILES.join(', ')}; swarm when absent
  --nodes N         founding members, 1 to ${MAX_NODES}; drawn from the seed when absent
  --clients N       1 to ${MAX_CLIENTS}; drawn from the seed when absent
  --faults-ms MS    virtual time of trouble before the cluster is healed; ${DEFAULT_SETTINGS.faultsMs} when absent
  --calm A,B        kinds of trouble to leave out, by the names that an artifact shows
  --jobs N          threads, 1 to 64; 1 when absent
  --twice           runs each seed twice, and compares
  --trace           prints every event, and nothing else, on standard output
  --shrink          looks for a smaller run that fails in the same way
  --artifacts DIR   where a failing run writes its artifact; ${ARTIFACTS} when absent

A failing run writes an artifact and prints how to run it again.
Exit 0: clean; 1: a promise was broken; 2: wrong usage.`

const MAX_JOBS = 64

interface Reporting {
  readonly trace: boolean
  readonly shrink: boolean
  /** A folder, from where the program runs; null for the usual one. */
  readonly artifacts: string | null
}

export type Command =
  | { readonly mode: 'help' }
  | ({ readonly mode: 'replay'; readonly file: string } & Reporting)
  | ({
      readonly mode: 'run'
      readonly settings: Settings
      readonly seeds: number
      readonly twice: boolean
      readonly jobs: number
    } & Reporting)

/** The command line, or a file that it names, is not what it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  profile: { type: 'string' },
  nodes: { type: 'string' },
  clients: { type: 'string' },
  'faults-ms': { type: 'string' },
  calm: { type: 'string' },
  replay: { type: 'string' },
  jobs: { type: 'string' },
  twice: { type: 'boolean' },
  trace: { type: 'boolean' },
  shrink: { type: 'boolean' },
  artifacts: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; strict: true }>>['values']

function parseValues(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('.')[0]}; --help shows the options`)
  }
}

/** @throws UsageError for an unknown option, a value that makes no sense, or options that do not go together */
export function parseOptions(args: readonly string[]): Command {
  const values = parseValues(args)
  if (values.help === true) return { mode: 'help' }
  const { trace = false, shrink = false, twice = false, artifacts = null } = values
  if (values.replay !== undefined) {
    const others = Object.keys(values).filter((name) => !['replay', 'trace', 'shrink', 'artifacts'].includes(name))
    if (others.length > 0) throw new UsageError(`--replay takes everything from the file: leave out --${others.join(', --')}`)
    return { mode: 'replay', file: values.replay, trace, shrink, artifacts }
  }
  if (values.seed === undefined) throw new UsageError('give a --seed, a --replay file, or --help')
  const seeds = whole('seeds', values.seeds, 1, Number.MAX_SAFE_INTEGER) ?? 1
  if (trace && seeds > 1) throw new UsageError('--trace shows one run: leave out --seeds')
  const jobs = whole('jobs', values.jobs, 1, MAX_JOBS) ?? 1
  return { mode: 'run', settings: parseSettings(values), seeds, twice, jobs, trace, shrink, artifacts }
}

function parseSettings(values: Values): Settings {
  const { profile = DEFAULT_SETTINGS.profile } = values
  if (!isProfile(profile)) throw new UsageError(`there is no profile ${profile}: choose one of ${PROFILES.join(', ')}`)
  return {
    seed: whole('seed', values.seed, 0, Number.MAX_SAFE_INTEGER) ?? 0,
    profile,
    nodes: whole('nodes', values.nodes, 1, MAX_NODES),
    clients: whole('clients', values.clients, 1, MAX_CLIENTS),
    faultsMs: whole('faults-ms', values['faults-ms'], 1, MAX_FAULTS_MS) ?? DEFAULT_SETTINGS.faultsMs,
    calm: parseCalm(values.calm),
  }
}

function parseCalm(text: string | undefined): readonly Trouble[] {
  if (text === undefined) return DEFAULT_SETTINGS.calm
  const names = text.split(',')
  const complaint = complainOf(names)
  if (complaint !== null) throw new UsageError(`--calm ${text}: ${complaint}`)
  return names.filter(isTrouble)
}

function whole(name: string, text: string | undefined, least: number, most: number): number | null {
  if (text === undefined) return null
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${name} is ${text}: give a whole number from ${least} to ${most}`)
}
