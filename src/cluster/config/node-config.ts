import type { AddPeerRequest } from '../../api/index.ts'
import type { LogLevel } from '../../ports/index.ts'
import type { HostPort } from './host-port.ts'

/** `Sqlite` is durable; `InMemory` forgets everything, its identity included, when the process ends. */
export type StorageBackend = 'Sqlite' | 'InMemory'

/** `auto` takes the direct path where an address is known, and iroh elsewhere. */
export type TransportChoice = 'auto' | 'iroh' | 'direct'

/** `auto` is pretty on a terminal, and json elsewhere. */
export type LogFormat = 'auto' | 'json' | 'pretty'

/** Everything one node can be told; complete and checked. */
export interface NodeConfig {
  /** This node's number in the cluster, from 1. */
  readonly nodeId: number
  /** Folder of identity, log and state. */
  readonly dataDir: string
  readonly storageBackend: StorageBackend
  /** What is kept free of each volume that the node writes to, in MiB; null for 5 % of it, at most 8 GiB. */
  readonly diskReserveMib: number | null
  /** The version of the cluster is not raised beyond this one while this node leads; null for no bound. */
  readonly maxClusterVersion: number | null
  readonly autoPromote: boolean
  /** Where the HTTP API listens; port 0 is any free one. */
  readonly httpAddr: HostPort
  /** Where links from other nodes are accepted; port 0 is any free one. */
  readonly ractorHost: string
  readonly ractorPort: number
  /** The secret that all nodes of a cluster share. */
  readonly cookie: string
  readonly heartbeatIntervalMs: number
  readonly electionTimeoutMinMs: number
  readonly electionTimeoutMaxMs: number
  /** Messages that may wait for the RaftActor. */
  readonly raftMailboxCapacity: number
  /** How long a request may take before its outcome is reported as unknown. */
  readonly requestTimeoutMs: number
  /** Where other nodes reach this one, `host:port`; where it listens when empty. */
  readonly advertiseAddr: readonly string[]
  readonly transport: TransportChoice
  /** URLs of relays that this node is reached through over iroh. */
  readonly irohRelayUrls: readonly string[]
  /** Peers known from the start. This node itself is never among them. */
  readonly peers: readonly AddPeerRequest[]
  /** A ticket of the cluster that the node is to find, as text; null for none. */
  readonly ticket: string | null
  readonly enableGossip: boolean
  readonly enableMdns: boolean
  readonly enableDnsDiscovery: boolean
  /** The names that DNS is asked for, each a host, a service or a zone; none without `enableDnsDiscovery`. */
  readonly dnsDiscoveryUrl: readonly string[]
  readonly enablePkarr: boolean
  /** A pkarr relay that this node publishes to and looks peers up at; null for none. */
  readonly pkarrRelayUrl: string | null
  /** Nodes of the DHT, `host:port`, that the way into it begins at; none where it is not used. */
  readonly pkarrDhtBootstrap: readonly string[]
  readonly maxRestartCount: number
  readonly restartWindowSecs: number
  readonly actorStabilityDurationSecs: number
  readonly circuitOpenDurationSecs: number
  readonly halfOpenStabilityDurationSecs: number
  /** The bearer token that HTTP requests must carry, or null for none. */
  readonly httpToken: string | null
  /** The path of a file of tokens with scopes; null for none. */
  readonly httpTokensFile: string | null
  /** The paths of a certificate and its key in PEM, to serve HTTPS; null to serve plain HTTP. */
  readonly httpTlsCert: string | null
  readonly httpTlsKey: string | null
  /** Allows HTTP beyond loopback without a token. */
  readonly insecure: boolean
  /** Names beside the bound one that a request's Host header may carry, in lower case. */
  readonly httpAllowedHosts: readonly string[]
  /** How long an idle HTTP connection is kept. Above what a balancer in front keeps it, or it answers 502 now and then. */
  readonly httpKeepAliveMs: number
  /** Whether the program `aspen-node` sets its V8 up for a node. A program around a node has its own. */
  readonly tuned: boolean
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
}

/** What a program gives a node: its number, and whatever is not to be the default. */
export type NodeSettings = Partial<NodeConfig> & Pick<NodeConfig, 'nodeId'>
