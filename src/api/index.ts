export type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterNode,
  ClusterState,
  SnapshotReport,
} from './cluster-controller.ts'
export { checkNodeIds } from './check-node-ids.ts'
export { checkPeerSize } from './check-peer.ts'
export { checkTimeout } from './check-timeout.ts'
export { toCommand, toKey, toValue } from './commands.ts'
export type {
  ClientSequence,
  Command,
  Condition,
  Data,
  DeleteOperation,
  Envelope,
  GetOperation,
  Operation,
  SetOperation,
  WriteCommand,
  WriteCondition,
  WriteOperation,
} from './commands.ts'
export { AspenError, ERROR_CATALOGUE } from './errors.ts'
export type { ErrorCode, ErrorDetails } from './errors.ts'
export type {
  KeyValue,
  KeyValueStore,
  OperationResult,
  RequestOptions,
  ScanPage,
  ScanRange,
  ScanRequest,
  WriteLogId,
  WriteOptions,
  WriteResult,
} from './key-value-store.ts'
export { KvClient } from './kv-client.ts'
export { remainingRange, scanLimit, scanToken } from './scan-pages.ts'
export type { DiskStatus, HealthCheck, NodeStatus, PeerStatus, StatusSource } from './status.ts'
export { REJOIN_ADVICE } from './rejoin-advice.ts'
