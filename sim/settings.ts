/** What a run is made from: with these, and the same code, it is the same run on every machine. */
import { drawWeather, PROFILES } from './weather.ts'
import type { ProfileName, Weather } from './weather.ts'
import { forkPrng } from '../src/simulation/index.ts'

export interface Settings {
  readonly seed: number
  readonly profile: ProfileName
  /** Founding members; null for what the seed draws. */
  readonly nodes: number | null
  readonly clients: number | null
  /** Virtual milliseconds of trouble. */
  readonly faultsMs: number
  /** Kinds of trouble, by the names of {@link Weather}, that are left out. */
  readonly calm: readonly string[]
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

/** The kinds of trouble that this weather holds: those with a probability of their own. */
export function troublesOf(weather: Weather): string[] {
  return Object.entries(weather)
    .filter(([, value]) => typeof value === 'number' && value > 0 && value < 1)
    .map(([name]) => name)
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
