/**
 * From command line, file and environment to a checked {@link NodeConfig}. Pure: everything comes in as an argument.
 */
import { checkRelations } from './check.ts'
import { readCommandLine } from './command-line-layer.ts'
import { ConfigError } from './config-error.ts'
import { CONFIG_VARIABLE, readEnvironment } from './environment-layer.ts'
import type { Environment } from './environment-layer.ts'
import { notAllowed, optionNotAllowed } from './given.ts'
import type { Given, Layer } from './given.ts'
import { helpText } from './help.ts'
import { nearest } from './nearest.ts'
import type { NodeConfig } from './node-config.ts'
import { SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'
import { readToml } from './toml-layer.ts'
import { show } from './untyped.ts'

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

export interface CompleteConfig {
  readonly config: NodeConfig
  /** For the log: what was given and has no effect. */
  readonly warnings: readonly string[]
}

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
  const { setting, source, isFile, problem } = given
  if (problem !== undefined) throw problem
  const text = textOf(given, readFile)
  const value = setting.parser.parse(text)
  if (value === undefined) throw notAllowed(setting, isFile ? `${source}, file ${given.text}` : source, JSON.stringify(text))
  return value
}

interface Resolved {
  readonly values: Values
  readonly winners: Layer
  readonly warnings: readonly string[]
}

/**
 * The highest layer first. What is wrong in a layer below the one that gives the setting is said, and stops nothing: the
 * node does not use it, and who starts the node has not always written what stands there.
 */
function resolve(layers: readonly Layer[], readFile: ReadFile): Resolved {
  const values: Values = {}
  const winners = new Map<Setting, Given>()
  const warnings: string[] = []
  for (const layer of layers) {
    for (const [setting, given] of layer) {
      const winner = winners.get(setting)
      try {
        const value = parseGiven(given, readFile)
        if (winner === undefined) values[setting.field] = value
      } catch (error) {
        if (winner === undefined || !(error instanceof ConfigError)) throw error
        warnings.push(`${error.message}; it is not used, because ${winner.source} gives ${setting.name}`)
      }
      if (winner === undefined) winners.set(setting, given)
    }
  }
  return { values, winners, warnings }
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

/** What a person has asked for and does not get. */
function warningsOf(winners: Layer, config: NodeConfig): string[] {
  const deprecated = [...winners.values()]
    .filter(({ setting, text }) => setting.field === 'storageBackend' && text.toLowerCase() === 'redb')
    .map(({ source, text }) => `${source}: ${text} is deprecated and means Sqlite: give Sqlite`)
  const sourceOf = (field: keyof NodeConfig): string =>
    [...winners.values()].find(({ setting }) => setting.field === field)?.source ?? field
  const peersSource = [...winners.values()].find(({ setting }) => setting.field === 'peers')?.source ?? 'peers'
  return [...deprecated, ...idleDns(config, sourceOf), ...idlePkarr(config, sourceOf), ...idlePeers(config, peersSource)]
}

/** Peers that nobody can dial as they are given, or not by all that is given. */
function idlePeers({ peers = [], transport }: Partial<Pick<NodeConfig, 'peers' | 'transport'>>, source: string): string[] {
  const noPlace = peers.filter(({ addresses, relay = null }) => addresses.length === 0 && relay === null)
  const relayed = transport === 'direct' ? peers.filter(({ relay = null }) => relay !== null) : []
  const spell = (some: typeof peers): string => some.map(({ nodeId }) => nodeId).join(', ')
  return [
    ...(noPlace.length === 0
      ? []
      : [
          `${source}: peer ${spell(noPlace)} has no address: it has no effect until the local network, gossip or somebody says where it is; ` +
            'write ID@ENDPOINT_ID:HOST:PORT, or use /add-peer',
        ]),
    ...(relayed.length === 0
      ? []
      : [
          `${source}: peer ${spell(relayed)} has a relay, which has no effect with transport direct: give HOST:PORT, or transport auto`,
        ]),
  ]
}

/** Looking up peers in DNS takes both: that it is wanted, and what to ask for. */
function idleDns({ enableDnsDiscovery, dnsDiscoveryUrl }: NodeConfig, sourceOf: (field: keyof NodeConfig) => string): string[] {
  const hasNames = dnsDiscoveryUrl.length > 0
  if (enableDnsDiscovery === hasNames) return []
  return [
    enableDnsDiscovery
      ? `${sourceOf('enableDnsDiscovery')} has no effect without names to look up: give dns_discovery_url. No server is asked for anything else`
      : `${sourceOf('dnsDiscoveryUrl')} has no effect without enable_dns_discovery`,
  ]
}

/** The same of pkarr: nothing is ever sent to whom nobody has named. */
function idlePkarr(config: NodeConfig, sourceOf: (field: keyof NodeConfig) => string): string[] {
  const { enablePkarr, pkarrRelayUrl, pkarrDhtBootstrap } = config
  const hasRelay = pkarrRelayUrl !== null
  const hasPlace = hasRelay || pkarrDhtBootstrap.length > 0
  if (enablePkarr === hasPlace) return []
  const named = hasRelay ? 'pkarrRelayUrl' : 'pkarrDhtBootstrap'
  return [
    enablePkarr
      ? `${sourceOf('enablePkarr')} publishes nothing and finds nobody: give pkarr_relay_url, pkarr_dht_bootstrap, or both`
      : `${sourceOf(named)} has no effect without enable_pkarr`,
  ]
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
  const named = commandLine.configFile
  const file = named ?? (env[CONFIG_VARIABLE] === '' ? undefined : env[CONFIG_VARIABLE])
  const fileSource = named === undefined ? `environment variable ${CONFIG_VARIABLE}` : 'flag --config'
  if (file === '') throw new ConfigError(`${fileSource}: give the path of a TOML file`)
  const fromFile = file === undefined ? [] : [readToml(file, readNamedFile(readFile, file, fileSource))]
  const { values, winners, warnings } = resolve([flags, ...fromFile, variables.layer], readFile)
  const config = complete(values)
  checkRelations(config, (field) => [...winners.values()].find(({ setting }) => setting.field === field)?.source ?? 'default')
  const checked = withoutSelf(config)
  checkedConfigs.add(checked)
  return { kind: 'run', config: checked, warnings: [...variables.warnings, ...warnings, ...warningsOf(winners, checked)] }
}

/** Configurations that are complete and checked already, with their warnings said. */
const checkedConfigs = new WeakSet<object>()

const FIELDS: ReadonlyMap<string, Setting> = new Map(SETTINGS.map((setting) => [setting.field, setting]))

function unknownOption(name: string): ConfigError {
  const meant = nearest(name, [...FIELDS.keys()])
  const hint = meant === undefined ? 'see the type NodeSettings for the names that are' : `did you mean ${meant}?`
  return new ConfigError(`option ${show(name)} is not known: ${hint}`)
}

/** The values that are given, whatever their types. */
function takeOptions(given: unknown): Values {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(`the settings of a node are ${show(given)}: give an object like { nodeId: 1 }`)
  }
  const values: Values = {}
  for (const [name, value] of Object.entries(given)) {
    const setting = FIELDS.get(name)
    if (setting === undefined) throw unknownOption(name)
    if (value === undefined) continue
    const taken = value === null && setting.default === null ? null : setting.parser.take(value)
    if (taken === undefined) throw optionNotAllowed(setting, show(value))
    values[setting.field] = taken
  }
  return values
}

/**
 * The configuration of a node inside another program: `given` over the defaults, checked as strictly as a command line.
 * @throws ConfigError that names the option
 */
export function checkOptions(given: Partial<NodeConfig>): CompleteConfig {
  if (typeof given === 'object' && given !== null && checkedConfigs.has(given))
    return { config: given as NodeConfig, warnings: [] }
  const values = takeOptions(given)
  if (values.nodeId === undefined)
    throw new ConfigError("option nodeId is missing: give this node's number in the cluster, from 1")
  const config = complete(values)
  checkRelations(config, (field) => (values[field] === undefined ? 'default' : `option ${field}`), true)
  const checked = withoutSelf(config)
  const sourceOf = (field: string): string => `option ${field}`
  const warnings = [...idleDns(checked, sourceOf), ...idlePkarr(checked, sourceOf), ...idlePeers(checked, 'option peers')]
  return { config: checked, warnings }
}

/** The same without the warnings. @throws ConfigError */
export function completeConfig(given: Partial<NodeConfig> & Pick<NodeConfig, 'nodeId'>): NodeConfig {
  return checkOptions(given).config
}
