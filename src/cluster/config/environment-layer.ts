import { ConfigError } from './config-error.ts'
import { LayerBuilder } from './given.ts'
import type { Layer } from './given.ts'
import { nearest } from './nearest.ts'
import { environmentName, SETTING_NAMES } from './settings.ts'

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that names the configuration file. */
export const CONFIG_VARIABLE = 'ASPEN_CONFIG'

/** Variables of the cluster script. One environment may serve several programs, so a node skips these. */
export const CLUSTER_SCRIPT_VARIABLES: readonly string[] = [
  'ASPEN_NODE_COUNT',
  'ASPEN_STORAGE',
  'ASPEN_BASE_HTTP',
  'ASPEN_BASE_RACTOR',
  'ASPEN_DATA_DIR',
  'ASPEN_COOKIE',
]

const NODE_VARIABLES: ReadonlyMap<string, (typeof SETTING_NAMES)[number]> = new Map(
  SETTING_NAMES.map((name) => [environmentName(name.name), name]),
)

/** Every variable that some program of Aspen reads. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...new Set([...NODE_VARIABLES.keys(), CONFIG_VARIABLE, ...CLUSTER_SCRIPT_VARIABLES]),
]

/**
 * What container runtimes put into the environment of everything that runs beside a service: for one that is called
 * `aspen-ractor`, Kubernetes sets ASPEN_RACTOR_PORT=tcp://10.0.0.7:26000, whoever may have meant something else by that name.
 */
const LINK_NAME = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const LINK_VALUE = /^(tcp|udp|sctp):\/\//i

function isServiceLink(name: string, value: string): boolean {
  return LINK_NAME.test(name) || (name.endsWith('_PORT') && LINK_VALUE.test(value))
}

/** Interval and duration settings end with their unit, which is easily left out. */
const UNITS = ['_MS', '_SECS']

function meantBy(name: string): string | undefined {
  return UNITS.map((unit) => `${name}${unit}`).find((full) => KNOWN_VARIABLES.includes(full)) ?? nearest(name, KNOWN_VARIABLES)
}

const MAX_NAMES_SHOWN = 20

function listed(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES_SHOWN
  return names.slice(0, MAX_NAMES_SHOWN).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

/** The variables that some program of Aspen reads, and warnings about the others that look as if. */
export interface KnownVariables {
  readonly known: Environment
  readonly warnings: readonly string[]
}

/**
 * The variables of the environment that are settings of some program of Aspen; an empty one is an absent one. Others that begin with
 * ASPEN_ are put there by machinery, and named in one warning, unless one looks like a misspelt setting.
 * @throws ConfigError for a misspelt setting
 */
export function knownVariables(env: Environment): KnownVariables {
  const known: Record<string, string> = {}
  const foreign: string[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('ASPEN_') || value === undefined || value === '') continue
    if (isServiceLink(name, value)) foreign.push(name)
    else if (KNOWN_VARIABLES.includes(name)) known[name] = value
    else {
      const meant = meantBy(name)
      if (meant !== undefined) throw new ConfigError(`environment variable ${name} is not known: did you mean ${meant}?`)
      foreign.push(name)
    }
  }
  if (foreign.length === 0) return { known, warnings: [] }
  const what = foreign.length === 1 ? 'environment variable' : 'environment variables'
  return { known, warnings: [`${what} ${listed(foreign)}: no setting of Aspen, not used`] }
}

/** The settings in the environment. @throws ConfigError for a misspelt one */
export function readEnvironment(env: Environment): { readonly layer: Layer; readonly warnings: readonly string[] } {
  const { known, warnings } = knownVariables(env)
  const layer = new LayerBuilder()
  for (const [variable, name] of NODE_VARIABLES) {
    const text = known[variable]
    if (text !== undefined) layer.add(name, `environment variable ${variable}`, text)
  }
  return { layer: layer.build(), warnings }
}
