export type { Change } from './change.ts'
export { loadOrigin } from './cluster-origin.ts'
export type { ClusterOrigin } from './cluster-origin.ts'
export type {
  AbsentCondition,
  Command,
  Condition,
  DeleteOperation,
  Envelope,
  GetOperation,
  ModRevisionCondition,
  NewEnvelope,
  Operation,
  SetOperation,
  ValueCondition,
} from './command.ts'
export { BYTES_PER_KEY, defineCondition, defineOperation, NO_GROWTH } from './definition.ts'
export type {
  ConditionBase,
  ConditionDefinition,
  EntryFromJson,
  EntryToJson,
  Growth,
  KeyReader,
  Keys,
  OperationBase,
  OperationDefinition,
  Respell,
  ResultBase,
  Spelled,
} from './definition.ts'
export {
  answersAtCommit,
  decodeEnvelope,
  encodeCommand,
  encodeEnvelope,
  envelopeSize,
  envelopeVersion,
  stampEnvelope,
  versionOf,
} from './envelope-codec.ts'
export { growthOf, mostGrowthOf } from './growth.ts'
export {
  isSpelled,
  parseKey,
  readKey,
  readKeyValue,
  readValue,
  respellData,
  writeKey,
  writeKeyValue,
  writeValue,
} from './key-value-codec.ts'
export { defineLanguage, Language } from './language.ts'
export type { ConditionTable, OperationTable, Tables } from './language.ts'
export { LaterVersion } from './later-version.ts'
export { SPACE_IDS, SPACES, systemRow, takePage } from './ordered-store.ts'
export type { OrderedStore, Row, RowHead, RowReader, Rows, Space } from './ordered-store.ts'
export { Quota } from './quota.ts'
export type { Measured } from './quota.ts'
export { RefoundedState } from './refounded-state.ts'
export { ReplicatedState } from './replicated-state.ts'
export type { Applied } from './replicated-state.ts'
export { addHash, rowHash, subtractHash } from './row-hash.ts'
export { RowsAudit } from './rows-audit.ts'
export { decodeWriteResult, encodeWriteResult, foundBytes } from './result-codec.ts'
export { resultFromJson, resultToJson } from './result-json.ts'
export {
  CLUSTER_VERSION_1,
  DIGEST_INTERVAL,
  MAX_CLUSTER_VERSION,
  SYSTEM_KEY_SIZE,
  SYSTEM_VALUE_SIZE,
  USER_KEY_SIZE,
  USER_VALUE_SIZE,
} from './semantics.ts'
export { decodeSetVersion, encodeSetVersion, setVersionOf } from './set-version.ts'
export { checkWrite, respellCommand, toCommand } from './spelling.ts'
export { isMetaRow, loadFacts, loadMeta, NEW_STATE } from './state-meta.ts'
export type { StateMeta } from './state-meta.ts'
export { LANGUAGE, TABLES_1 } from './version-1.ts'
export { checkFound, encodeWrite, readEnvelope, resultTooLarge } from './write-request.ts'
