export { formatAddress, isEndpointId, parseAddress } from './address.ts'
export type { Address } from './address.ts'
export type {
  AddPeerRequest,
  ChangeMembershipRequest,
  MembershipCondition,
  ClusterController,
  ClusterNode,
  ClusterState,
  SnapshotReport,
} from './cluster-controller.ts'
export { isRelayUrl } from './relay.ts'
export { allows, isScope, SCOPES } from './scope.ts'
export type { Scope } from './scope.ts'
export { checkBackup } from './backup.ts'
export type { Backup, BackupOptions, BackupSource } from './backup.ts'
export { checkCondition, checkMembership, checkVoters } from './check-membership.ts'
export { checkPromotion } from './check-promotion.ts'
export type { MemberAdmin, NodeRecord, NodeState, PromoteLearnerRequest, WhyAnswer, WhyReport } from './member-admin.ts'
export { checkNodeId, checkNodeIds } from './check-node-ids.ts'
export { checkOptions } from './check-options.ts'
export { checkEndpointId, checkPeer, checkPeerChoice, checkPlace } from './check-peer.ts'
export { checkTimeout } from './check-timeout.ts'
export { checkClusterVersion } from './check-version.ts'
export {
  checked,
  givenChoice,
  givenData,
  givenFields,
  givenItems,
  givenLength,
  givenNumber,
  givenText,
  givenVariant,
  givenWhole,
  surplusField,
} from './given.ts'
export type { Given } from './given.ts'
export { toKey, toValue } from './commands.ts'
export type { ClientSequence, Data, WriteCommand, WriteCondition, WriteOperation } from './commands.ts'
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
export type * from './peers.ts'
export { KvClient } from './kv-client.ts'
export { checkScan, remainingRange, scanLimit, scanToken } from './scan-pages.ts'
export type {
  ActorAdmin,
  ActorFailure,
  ActorStatus,
  DiskStatus,
  HealthCheck,
  KnownPeers,
  MemberCondition,
  MemberHealth,
  NodeStatus,
  PeerStatus,
  VersionStatus,
  StatusSource,
} from './status.ts'
export { LOST_DISK_ADVICE, NEWCOMER_ADVICE, REJOIN_ADVICE } from './rejoin-advice.ts'
