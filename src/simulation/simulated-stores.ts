/** What every simulated node stores its things with. */
import type { Language } from '../commands/index.ts'
import type { RaftStores } from '../node/index.ts'
import type { Disk } from '../ports/index.ts'
import type { Timings } from '../raft/index.ts'
import {
  openMemoryStateMachine,
  openSegmentedLog,
  openSnapshotFiles,
  readDivergence,
  TrustedStateMachine,
} from '../storage/index.ts'
import type { Life } from './life.ts'

/** A tenth of what a node has by default: simulated links are fast. */
export const SIMULATED_TIMINGS: Timings = { heartbeatIntervalMs: 50, electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300 }

export interface SimulatedStoresOptions {
  readonly life: Life
  readonly logDisk: Disk
  readonly snapshotDisk: Disk
  /** The node's key: its log belongs to nobody else. */
  readonly endpointId: string
  /** Bytes of a segment of the log. */
  readonly segmentSize: number
  /** The cluster that snapshots are taken for, once it is known. */
  readonly clusterId: () => string | null
  readonly language: Language
}

/** The log, snapshots and state of production, over simulated disks. @throws what they say of damaged files */
export function openSimulatedStores(options: SimulatedStoresOptions): RaftStores {
  const { life, logDisk, snapshotDisk, endpointId, segmentSize, clusterId, language } = options
  const defer = (run: () => void): void => life.clock.defer(run)
  const log = openSegmentedLog(logDisk, { storeId: endpointId.slice(32), segmentSize, defer, ownVersion: language.version })
  const divergence = readDivergence(snapshotDisk)
  const snapshots = openSnapshotFiles(snapshotDisk, { defer })
  const engine = openMemoryStateMachine({ snapshots, volatile: false, defer, clusterId, language })
  return {
    log,
    snapshots,
    stateMachine: new TrustedStateMachine(engine, { disk: snapshotDisk, divergence, defer }),
    volumes: [
      { directory: 'log', space: () => logDisk.space() },
      { directory: 'snapshots', space: () => snapshotDisk.space() },
    ],
    warnings: [],
  }
}
