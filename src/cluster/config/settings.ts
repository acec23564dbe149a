/**
 * Every setting of a node, in one table. The TOML key is the name; the environment variable, the flag, the help text
 * and the default all follow from the row.
 */
import { CLUSTER_VERSION_1, MAX_CLUSTER_VERSION } from '../../commands/index.ts'
import {
  DEFAULT_MAILBOX_CAPACITY,
  MAX_MAILBOX_CAPACITY,
  MAX_RESTART_HISTORY_SIZE,
  REQUEST_TIMEOUT_MS,
  MIN_DISK_RESERVE_BYTES,
} from '../../limits.ts'
import type { NodeConfig } from './node-config.ts'
import * as parsers from './parsers.ts'
import type { Parser } from './parsers.ts'

export const SECTIONS = ['Node', 'Raft', 'HTTP', 'Discovery', 'Supervision', 'Logging'] as const
export type Section = (typeof SECTIONS)[number]

export interface Setting<Field extends keyof NodeConfig = keyof NodeConfig> {
  /** The key in TOML, in snake case. */
  readonly name: string
  readonly field: Field
  readonly section: Section
  /** What stands for the value in the help text. */
  readonly placeholder: string
  readonly parser: Parser<NonNullable<NodeConfig[Field]>>
  /** Undefined when the setting has none, or one that depends on another setting. */
  readonly default: NodeConfig[Field] | undefined
  readonly help: string
  /** A secret: never shown, and `NAME_file` may name a file that holds it. */
  readonly secret?: true
}

const MAX_INTERVAL_MS = 600_000
const MAX_DURATION_SECS = 86_400
const MIB = 1024 * 1024
/** A petabyte. */
const MAX_RESERVE_MIB = 2 ** 30

type Row<Field extends keyof NodeConfig> = Omit<Setting<Field>, 'name' | 'field' | 'section'>

function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** One row; the name follows from the field, so that a field is spelled the same way everywhere. */
function row<Field extends keyof NodeConfig>(section: Section, field: Field, rest: Row<Field>): Setting {
  return { name: snakeCase(field), field, section, ...rest }
}

const milliseconds = (value: number, help: string): Row<'heartbeatIntervalMs'> => ({
  placeholder: 'MS',
  parser: parsers.integer(1, MAX_INTERVAL_MS, 'milliseconds'),
  default: value,
  help,
})

const seconds = (value: number, help: string): Row<'restartWindowSecs'> => ({
  placeholder: 'SECONDS',
  parser: parsers.integer(1, MAX_DURATION_SECS, 'seconds'),
  default: value,
  help,
})

const onOff = (value: boolean, help: string): Row<'enableMdns'> => ({
  placeholder: '',
  parser: parsers.trueOrFalse,
  default: value,
  help,
})

export const SETTINGS: readonly Setting[] = [
  row('Node', 'nodeId', {
    placeholder: 'N',
    parser: parsers.integer(1, Number.MAX_SAFE_INTEGER),
    default: undefined,
    help: "this node's number in the cluster, from 1",
  }),
  row('Node', 'dataDir', {
    placeholder: 'DIR',
    parser: parsers.path,
    default: undefined,
    help: 'folder of identity, log and state',
  }),
  row('Node', 'storageBackend', {
    placeholder: 'KIND',
    parser: parsers.oneOf(['Sqlite', 'InMemory'], { Redb: 'Sqlite' }),
    default: 'Sqlite',
    help: 'Sqlite (durable), InMemory, or Redb (deprecated: means Sqlite)',
  }),
  row('Node', 'diskReserveMib', {
    placeholder: 'MIB',
    parser: parsers.integer(MIN_DISK_RESERVE_BYTES / MIB, MAX_RESERVE_MIB, 'MiB'),
    default: null,
    help: 'free space of its volume below which writes that could grow the store are refused; without it 5 % of the volume, at most 8192',
  }),
  row('Node', 'maxClusterVersion', {
    placeholder: 'N',
    parser: parsers.integer(CLUSTER_VERSION_1, MAX_CLUSTER_VERSION, 'versions'),
    default: null,
    help: 'while this node leads, the version of the cluster is not raised beyond it; without it, to what every member can apply',
  }),
  row(
    'Node',
    'autoPromote',
    onOff(false, 'while this node leads, a learner becomes a voter by itself when it has caught up, one in 300 s'),
  ),
  row('Node', 'cookie', {
    placeholder: 'TEXT',
    parser: parsers.cookie,
    default: 'aspen-cookie',
    help: 'secret that all nodes of a cluster share; with the default one, sockets bind to loopback only',
    secret: true,
  }),
  row('Node', 'ractorHost', {
    placeholder: 'HOST',
    parser: parsers.host,
    default: '127.0.0.1',
    help: 'address to accept links from other nodes on',
  }),
  row('Node', 'ractorPort', {
    placeholder: 'PORT',
    parser: parsers.port,
    default: 26_000,
    help: 'port to accept links from other nodes on; 0 for any free one',
  }),
  row('Node', 'advertiseAddr', {
    placeholder: 'HOST:PORT',
    parser: parsers.addressList,
    default: [],
    help: 'where other nodes reach this one, behind NAT, a port mapping or in a container; one or several; without it, where it listens',
  }),
  row('Node', 'transport', {
    placeholder: 'KIND',
    parser: parsers.oneOf(['auto', 'iroh', 'direct']),
    default: 'auto',
    help: 'how to reach other nodes: direct (TLS over TCP), iroh (QUIC, also through NATs and relays), or auto: direct, and iroh for those not reached so',
  }),
  row('Node', 'irohRelayUrls', {
    placeholder: 'URL',
    parser: parsers.relayList,
    default: [],
    help: 'relays that this node is reached through over iroh; one or several; without them none is asked for anything',
  }),
  row('Node', 'tuned', onOff(true, 'set V8 up for a node, and let its helper threads step back; off: as Node comes')),
  row('Node', 'peers', {
    placeholder: 'PEER',
    parser: parsers.peerList,
    default: [],
    help: 'peers known from the start, each ID@ENDPOINT_ID[:HINT] with the hint a host:port or a relay URL; this node itself is skipped',
  }),
  row('Node', 'ticket', {
    placeholder: 'TICKET',
    parser: parsers.ticket,
    default: null,
    help: 'where the cluster is found that this node is to join, as GET /cluster-ticket of one of its nodes says it; good for 24 hours',
    secret: true,
  }),
  row('Raft', 'heartbeatIntervalMs', milliseconds(500, 'time between two heartbeats of a leader')),
  row('Raft', 'electionTimeoutMinMs', milliseconds(1_500, 'shortest silence of a leader before an election')),
  row('Raft', 'electionTimeoutMaxMs', milliseconds(3_000, 'longest silence of a leader before an election')),
  row('Raft', 'raftMailboxCapacity', {
    placeholder: 'COUNT',
    parser: parsers.integer(1, MAX_MAILBOX_CAPACITY, 'messages'),
    default: DEFAULT_MAILBOX_CAPACITY,
    help: 'messages that may wait for the Raft actor before requests are refused',
  }),
  row('Raft', 'requestTimeoutMs', milliseconds(REQUEST_TIMEOUT_MS, 'time after which the outcome of a request is unknown')),
  row('HTTP', 'httpAddr', {
    placeholder: 'HOST:PORT',
    parser: parsers.hostPort,
    default: { host: '127.0.0.1', port: 8080 },
    help: 'address of the HTTP API; port 0 for any free one',
  }),
  row('HTTP', 'httpToken', {
    placeholder: 'TEXT',
    parser: parsers.bearerToken,
    default: null,
    help: 'bearer token that HTTP requests must carry; needed beyond loopback',
    secret: true,
  }),
  row('HTTP', 'httpTokensFile', {
    placeholder: 'FILE',
    parser: parsers.path,
    default: null,
    help: 'file of further tokens, a line "name scope token" each, with scopes read, write and admin; read anew when it changes',
  }),
  row('HTTP', 'httpTlsCert', {
    placeholder: 'FILE',
    parser: parsers.path,
    default: null,
    help: 'PEM certificate, and those between it and the root, to serve HTTPS with; read anew when it changes',
  }),
  row('HTTP', 'httpTlsKey', {
    placeholder: 'FILE',
    parser: parsers.path,
    default: null,
    help: 'PEM private key of that certificate',
  }),
  row('HTTP', 'insecure', onOff(false, 'allow HTTP beyond loopback without a token')),
  row('HTTP', 'httpAllowedHosts', {
    placeholder: 'NAME',
    parser: parsers.hostList,
    default: [],
    help: 'further names that requests may carry in their Host header; * for any',
  }),
  row('HTTP', 'httpKeepAliveMs', milliseconds(75_000, 'how long an idle connection is kept; above that of a balancer in front')),
  row('Discovery', 'enableGossip', onOff(true, 'tell other nodes where this one is, and hear of them through others')),
  row('Discovery', 'enableMdns', onOff(true, 'find the nodes of the local network, and be found')),
  row(
    'Discovery',
    'enableDnsDiscovery',
    onOff(false, 'find peers through DNS: by the names that the next one gives, and no others'),
  ),
  row('Discovery', 'dnsDiscoveryUrl', {
    placeholder: 'NAME',
    parser: parsers.dnsNameList,
    default: [],
    help: 'a host NAME:PORT, a service _aspen._tcp.NAME (SRV; or NAME?type=SRV), or a zone NAME of keys as iroh has it; asked of the name servers of the system, or of one of its own: dns://SERVER[:PORT]/NAME...',
  }),
  row(
    'Discovery',
    'enablePkarr',
    onOff(
      false,
      'publish where this node is, signed, and look up peers, by pkarr: through what the next two name, and nobody else',
    ),
  ),
  row('Discovery', 'pkarrRelayUrl', {
    placeholder: 'URL',
    parser: parsers.relayUrl,
    default: null,
    help: 'pkarr relay to publish to and look peers up at',
  }),
  row('Discovery', 'pkarrDhtBootstrap', {
    placeholder: 'HOST:PORT',
    parser: parsers.addressList,
    default: [],
    help: 'nodes of the mainline DHT that the way into it begins at; one or several; without them it is not used',
  }),
  row('Supervision', 'maxRestartCount', {
    placeholder: 'COUNT',
    parser: parsers.integer(0, MAX_RESTART_HISTORY_SIZE),
    default: 3,
    help: 'restarts of an actor within the window before its circuit opens',
  }),
  row('Supervision', 'restartWindowSecs', seconds(600, 'window in which restarts are counted')),
  row('Supervision', 'actorStabilityDurationSecs', seconds(300, 'uptime after which the restarts of an actor are forgotten')),
  row('Supervision', 'circuitOpenDurationSecs', seconds(300, 'time without restarts once the circuit is open')),
  row('Supervision', 'halfOpenStabilityDurationSecs', seconds(120, 'uptime after which a half-open circuit closes')),
  row('Logging', 'logLevel', {
    placeholder: 'LEVEL',
    parser: parsers.oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    default: 'info',
    help: 'least severe messages to log: trace, debug, info, warn, error or fatal',
  }),
  row('Logging', 'logFormat', {
    placeholder: 'FORMAT',
    parser: parsers.oneOf(['auto', 'json', 'pretty']),
    default: 'auto',
    help: 'json, pretty (for people), or auto: pretty on a terminal and json elsewhere; to standard error',
  }),
]

/** Names as they may appear in TOML, the environment and the command line, with the setting they give. */
export interface SettingName {
  readonly name: string
  readonly setting: Setting
  /** The value is the path of a file that holds the setting. */
  readonly isFile: boolean
}

/** All names, `NAME_file` of secrets included. */
export const SETTING_NAMES: readonly SettingName[] = SETTINGS.flatMap((setting) => {
  const plain = { name: setting.name, setting, isFile: false }
  return setting.secret ? [plain, { name: `${setting.name}_file`, setting, isFile: true }] : [plain]
})

/** `http_addr` is ASPEN_HTTP_ADDR in the environment. */
export function environmentName(name: string): string {
  return `ASPEN_${name.toUpperCase()}`
}

/** `http_addr` is `http-addr` after the two dashes. */
export function flagName(name: string): string {
  return name.replaceAll('_', '-')
}
