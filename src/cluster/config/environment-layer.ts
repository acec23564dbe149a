import { ConfigError } from './config-error.ts'
import { LayerBuilder } from './given.ts'
import type { Layer } from './given.ts'
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

/** Whether some program of Aspen reads the variable. */
export function isKnownVariable(name: string): boolean {
  return NODE_VARIABLES.has(name) || name === CONFIG_VARIABLE || CLUSTER_SCRIPT_VARIABLES.includes(name)
}

/** The variables that begin with ASPEN_ and that no program of Aspen reads. */
export function unknownVariables(env: Environment): string[] {
  return Object.keys(env).filter((name) => name.startsWith('ASPEN_') && env[name] !== undefined && !isKnownVariable(name))
}

/** The settings in the environment. @throws ConfigError for an ASPEN_ variable that no program reads */
export function readEnvironment(env: Environment): Layer {
  const [unknown] = unknownVariables(env)
  if (unknown !== undefined) {
    throw new ConfigError(`environment variable ${unknown} is not known: unset it, or see --help for the names that are`)
  }
  const layer = new LayerBuilder()
  for (const [variable, name] of NODE_VARIABLES) {
    const text = env[variable]
    if (text !== undefined) layer.add(name, `environment variable ${variable}`, text)
  }
  return layer.build()
}
