/**
 * From command line, file and environment to a checked {@link NodeConfig}. Pure: everything comes in as an argument.
 */
import { checkRelations } from './check.ts'
import { readCommandLine } from './command-line-layer.ts'
import { ConfigError } from './config-error.ts'
import { CONFIG_VARIABLE, readEnvironment } from './environment-layer.ts'
import type { Environment } from './environment-layer.ts'
import { notAllowed } from './given.ts'
import type { Given, Layer } from './given.ts'
import { helpText } from './help.ts'
import type { NodeConfig } from './node-config.ts'
import { SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'
import { readToml } from './toml-layer.ts'

export interface ConfigSources {
  /** Arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Environment
  /** The text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string
}

export type LoadedConfig =
  | { readonly kind: 'run'; readonly config: NodeConfig; readonly warnings: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }

type Values = Partial<Record<keyof NodeConfig, unknown>>
type ReadFile = ConfigSources['readFile']

function readNamedFile(readFile: ReadFile, path: string, source: string): string {
  try {
    return readFile(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError(`${source}: the file ${path} cannot be read: ${reason}`, { cause: error })
  }
}

/** The text that a layer gives, from the file it names where it names one. */
function textOf(given: Given, readFile: ReadFile): string {
  if (!given.isFile) return given.text
  if (given.text === '') throw new ConfigError(`${given.source}: give the path of a file`)
  return readNamedFile(readFile, given.text, given.source).trim()
}

function parseGiven(given: Given, readFile: ReadFile): unknown {
  const { setting, source, isFile } = given
  const text = textOf(given, readFile)
  const value = setting.parser.parse(text)
  if (value === undefined) throw notAllowed(setting, isFile ? `${source}, file ${given.text}` : source, JSON.stringify(text))
  return value
}

/** The lower layer first. Every layer that gives a setting must give it right, whether or not a higher one wins. */
function resolve(layers: readonly Layer[], readFile: ReadFile): { readonly values: Values; readonly winners: Layer } {
  const values: Values = {}
  const winners = new Map<Setting, Given>()
  for (const layer of layers) {
    for (const [setting, given] of layer) {
      values[setting.field] = parseGiven(given, readFile)
      winners.set(setting, given)
    }
  }
  return { values, winners }
}

/** Fills in defaults, those that depend on other settings included. */
function complete(values: Values): NodeConfig {
  const filled: Values = Object.fromEntries(SETTINGS.map((setting) => [setting.field, setting.default]))
  Object.assign(filled, values)
  if (filled.nodeId === undefined) {
    throw new ConfigError(`node_id is not set: give --node-id N, the variable ASPEN_NODE_ID, or node_id in a configuration file`)
  }
  const config = filled as unknown as NodeConfig
  return values.dataDir === undefined ? { ...config, dataDir: `./data/node-${config.nodeId}` } : config
}

/** A list of all nodes may go to each of them: the node's own entry says nothing new. */
function withoutSelf(config: NodeConfig): NodeConfig {
  return { ...config, peers: config.peers.filter(({ nodeId }) => nodeId !== config.nodeId) }
}

function warningsOf(winners: Layer): string[] {
  return [...winners.values()]
    .filter(({ setting, text }) => setting.field === 'storageBackend' && text.toLowerCase() === 'redb')
    .map(({ source, text }) => `${source}: ${text} is deprecated and means Sqlite: give Sqlite`)
}

/**
 * Reads all layers: the environment, below the file, below the command line; what a layer gives wins over the layers
 * below it, even when it gives the default.
 * @throws ConfigError for anything unknown, unreadable, out of range or contradictory
 */
export function loadConfig({ argv, env, readFile }: ConfigSources): LoadedConfig {
  const commandLine = readCommandLine(argv)
  if (commandLine.help) return { kind: 'help', text: helpText() }
  if (commandLine.version) return { kind: 'version' }
  const flags = commandLine.settings()
  const variables = readEnvironment(env)
  const file = commandLine.configFile ?? env[CONFIG_VARIABLE]
  const fileSource = commandLine.configFile === undefined ? `environment variable ${CONFIG_VARIABLE}` : 'flag --config'
  if (file === '') throw new ConfigError(`${fileSource}: give the path of a TOML file`)
  const fromFile = file === undefined ? [] : [readToml(file, readNamedFile(readFile, file, fileSource))]
  const { values, winners } = resolve([variables, ...fromFile, flags], readFile)
  const config = complete(values)
  checkRelations(config, (field) => [...winners.values()].find(({ setting }) => setting.field === field)?.source ?? 'default')
  return { kind: 'run', config: withoutSelf(config), warnings: warningsOf(winners) }
}

/**
 * The configuration of a node inside another program: `given` over the defaults, with the same checks between settings.
 * @throws ConfigError
 */
export function completeConfig(given: Partial<NodeConfig> & Pick<NodeConfig, 'nodeId'>): NodeConfig {
  for (const setting of SETTINGS) {
    const value = given[setting.field]
    if (value === undefined || value === null || setting.field === 'peers') continue
    if (setting.parser.parse(setting.parser.format(value)) === undefined) {
      throw notAllowed(setting, `option ${setting.field}`, JSON.stringify(value))
    }
  }
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const config = complete(present)
  checkRelations(config, (field) => (present[field] === undefined ? 'default' : `option ${field}`))
  return withoutSelf(config)
}
