/** What a run is made from: with these, and the same code, it is the same run on every machine. */
import { drawWeather, PROFILES, TROUBLES } from './weather.ts'
import type { ProfileName, Troubles, Weather } from './weather.ts'
import { forkPrng } from '../src/simulation/index.ts'

/** A kind of trouble. */
export type Trouble = keyof Troubles

export interface Settings {
  readonly seed: number
  readonly profile: ProfileName
  /** Founding members; null for what the seed draws. */
  readonly nodes: number | null
  readonly clients: number | null
  /** Virtual milliseconds of trouble. */
  readonly faultsMs: number
  /** What is left out. */
  readonly calm: readonly Trouble[]
}

export const DEFAULT_FAULTS_MS = 4_000
export const MAX_NODES = 9
export const MAX_CLIENTS = 64
export const MAX_FAULTS_MS = 3_600_000

export const DEFAULT_SETTINGS: Omit<Settings, 'seed'> = {
  profile: 'swarm',
  nodes: null,
  clients: null,
  faultsMs: DEFAULT_FAULTS_MS,
  calm: [],
}

/** The kinds of trouble that this weather holds. */
export function troublesOf(weather: Weather): Trouble[] {
  return TROUBLES.filter((name) => weather[name] > 0)
}

export function weatherOf({ seed, profile, nodes, clients, calm }: Settings): Weather {
  const drawn = drawWeather(forkPrng(seed, 'weather'), profile, nodes ?? undefined)
  const calmed = Object.fromEntries(calm.map((trouble) => [trouble, 0]))
  return { ...drawn, ...(clients === null ? {} : { clients }), ...calmed }
}

/** The options of `npm run sim` that name these settings. */
export function toArguments({ seed, profile, nodes, clients, faultsMs, calm }: Settings): string {
  return [
    `--seed ${seed} --profile ${profile}`,
    nodes === null ? '' : `--nodes ${nodes}`,
    clients === null ? '' : `--clients ${clients}`,
    faultsMs === DEFAULT_FAULTS_MS ? '' : `--faults-ms ${faultsMs}`,
    calm.length === 0 ? '' : `--calm ${calm.join(',')}`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}

export function isProfile(name: unknown): name is ProfileName {
  return PROFILES.some((profile) => profile === name)
}

export function isTrouble(name: unknown): name is Trouble {
  return TROUBLES.some((trouble) => trouble === name)
}

/** What to say of a list that names something else than kinds of trouble; null when there is nothing to say. */
export function complainOf(calm: readonly unknown[]): string | null {
  const unknown = calm.filter((name) => !isTrouble(name))
  if (unknown.length === 0) return null
  return `there is no trouble ${unknown.map((name) => JSON.stringify(name)).join(', ')}: choose from ${TROUBLES.join(', ')}`
}
