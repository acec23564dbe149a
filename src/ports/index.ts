export type { Clock, Timer } from './clock.ts'
export type { Disk, DiskFile, Done, Volume, VolumeSpace } from './disk.ts'
export type { EntryMeta, LogBatch, LogStore, RecoveredLog } from './log-store.ts'
export type { ClassifiedError, FaultKind } from './fault.ts'
export { LogThrottle } from './log-throttle.ts'
export { silentLogger } from './logger.ts'
export type { Logger, LogLevel, Sameness } from './logger.ts'
export { METRIC_TABLE } from './metric-table.ts'
export type { CounterName, HistogramName, HistogramRow, MetricRow } from './metric-table.ts'
export { noMetrics } from './metrics.ts'
export type { Counter, Histogram, Labels, Metrics } from './metrics.ts'
export type { TokenHolder, Tokens } from './tokens.ts'
export { StateBusy, StoreRefusal } from './state-machine.ts'
export type {
  AppliedBatch,
  OpenSnapshotStore,
  SnapshotReading,
  SnapshotStore,
  StateDigest,
  StateEngine,
  StateInfo,
  StateMachine,
  StoredSnapshot,
} from './state-machine.ts'
export { ACTORS_CHANNEL, ATTENDANCE_CHANNEL, GOSSIP_CHANNEL, PEERS_CHANNEL, RAFT_CHANNEL } from './channel-kinds.ts'
export type * from './discovery.ts'
export type { Signatures } from './signatures.ts'
export type * from './transport.ts'
