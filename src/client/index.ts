// oxlint-disable-next-line import/no-unassigned-import
import './require-node.ts'
export { AspenError, ERROR_CATALOGUE, KvClient } from '../api/index.ts'
export type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterNode,
  ClusterState,
  ErrorCode,
  ErrorDetails,
  KeyValue,
  KeyValueStore,
  MemberAdmin,
  MembershipCondition,
  NodeRecord,
  NodeStatus,
  PromoteLearnerRequest,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  WhyAnswer,
  WhyReport,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
export { generateIdentity } from '../net/direct/dial/index.ts'
export type { NodeIdentity } from '../net/direct/dial/index.ts'
export type { HttpClientOptions } from './http-options.ts'
export { AspenHttpClient, connectHttp } from './http-client.ts'
export type { HealthReport } from './http-client.ts'
export { AspenLinkClient, connectLink } from './link-client.ts'
export type { LinkClientOptions, LinkEndpoint } from './link-options.ts'
