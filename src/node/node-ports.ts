/** What a node is given from outside, and what it is told. Whoever makes these decides whether the node is real. */
import type { RestartSettings, ThreadPort } from '../actor/index.ts'
import type { Language } from '../commands/index.ts'
import type { Random } from '../lib/index.ts'
import type {
  Clock,
  Discovery,
  Logger,
  LogStore,
  Metrics,
  Signatures,
  OpenSnapshotStore,
  StateMachine,
  Transport,
  Volume,
} from '../ports/index.ts'
import type { PeerHint, PeerStore } from '../peers/index.ts'
import type { Timings } from '../raft/index.ts'
import type { ReplicaLimits } from '../replica/index.ts'
import type { Fault } from './fault.ts'
import type { RegistryStore } from './node-registry.ts'
import type { NodeService } from './node-service.ts'

/** What one incarnation of the replica lives on. Its owner closes log and state. */
export interface RaftStores {
  readonly log: LogStore
  readonly stateMachine: StateMachine
  readonly snapshots: OpenSnapshotStore
  /** Those that the stores write to, each once, to be watched for room. */
  readonly volumes: readonly Volume[]
  /** Things a person should know about what was found. */
  readonly warnings: readonly string[]
}

/** Serves a node's public interfaces to somebody, from its start on. */
export interface Face {
  serve(node: NodeService): void
}

/** What nodes with one cookie have in common, and the time of day. */
export interface TopicPorts {
  /** 32 bytes that all nodes with one cookie have in common. */
  readonly topic: Uint8Array
  /** Milliseconds since 1970: what others announce is not believed when it is old by this clock. */
  readonly wallClock: () => number
}

export interface NodePorts {
  readonly clock: Clock
  /** Seeds election timeouts and incarnations. */
  readonly random: Random
  /** Under the key that is the node's identity. */
  readonly transport: Transport
  /** Opens log, state and snapshots, to be read with this language, once for each incarnation of the replica. @throws Error for what must not be used; StateBusy, with nothing left open */
  readonly openStores: (language: Language) => RaftStores
  readonly peerStore: PeerStore
  /** Where what is known of every node is kept between lives; nowhere when absent. */
  readonly registryStore?: RegistryStore
  /** Of the key that is the node's identity; without them nothing is signed, and there is no gossip. */
  readonly signatures?: Signatures
  /** There is no gossip when absent. */
  readonly gossip?: TopicPorts
  /** No tickets are given out when absent. */
  readonly tickets?: TopicPorts
  /** Means of finding peers beside the links; absent where addresses do not change. */
  readonly discoveries?: readonly Discovery[]
  readonly faces: readonly Face[]
  readonly logger: Logger
  readonly metrics: Metrics
  /** 32 hex characters, for the cluster that `init` founds. */
  readonly drawClusterId: () => string
  /** How threads are made for actors of the program; there are none when absent. */
  readonly threads?: ThreadPort
  /** Called once in an incarnation, when it says and does nothing from then on. */
  readonly onFault: (fault: Fault) => void
  /** Called with every answer of the replica, before whoever waits for it goes on; for those who drive time. */
  readonly onAnswer?: (error: Error | undefined) => void
}

export interface NodeSettings {
  readonly nodeId: number
  readonly version: string
  readonly timings: Timings
  /** What the node reads and writes commands with: the version that it tells peers. That of this program when absent. */
  readonly language?: Language
  /** The version of the cluster is not raised beyond this one while this node leads; no bound when absent or null. */
  readonly maxClusterVersion?: number | null
  /** While this node leads, learners that are ready become voters by themselves; false when absent. */
  readonly autoPromote?: boolean
  /** For requests that name no timeout of their own, in milliseconds. */
  readonly requestTimeoutMs: number
  /** Requests that may wait for the replica. */
  readonly mailboxCapacity: number
  /** Peers that this node is told of at its start. */
  readonly peers: readonly PeerHint[]
  /** Entries kept behind the applied index when the log is purged, and applied between two checkpoints. */
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
  /** What is kept free of each volume, in bytes; when absent or null, 5 % of it, at most 8 GiB. */
  readonly diskReserveBytes?: number | null
  /** How long a stopping node waits for what it has accepted, and for another leader, in milliseconds. */
  readonly stopGraceMs: number
  /** Peers that the book has room for; MAX_PEERS when absent. */
  readonly maxPeers?: number
  /** When actors that fail are started again; as the specification says where absent. */
  readonly restarts?: Partial<RestartSettings>
  /** Where the replica is to take on less than it could. */
  readonly limits?: Partial<ReplicaLimits>
  /** Every invariant of the core is checked after every input of it; for tests and simulations. */
  readonly thorough?: boolean
}
