export { BACKUP_BLOCK_SIZE, BackupEncoder, BackupError, readBackup } from './backup/index.ts'
export type { BackupHeader, FoundBackup } from './backup/index.ts'
export {
  createDirectory,
  DataDirectoryLock,
  LOCK_FILE,
  DiskError,
  FULL_ADVICE,
  isDescriptorShortage,
  isVolumeFull,
  MemoryDisk,
  NodeDisk,
  openWithKept,
  SHORTAGE_RETRY_MS,
  syncDirectorySync,
} from './disk/index.ts'
export { DistrustedLogError, hasLog, LogCorruptionError, MemoryLog, openSegmentedLog } from './log/index.ts'
export type { SegmentedLog } from './log/index.ts'
export { MemoryStore, openMemoryStateMachine } from './memory/index.ts'
export type { MemoryStateMachine } from './memory/index.ts'
export { openSnapshotFiles, readSnapshot, auditSnapshotFile, rewriteSnapshot } from './snapshots/index.ts'
export type { Rewritten, SnapshotFiles, SnapshotHeader } from './snapshots/index.ts'
export { openSqliteStateMachine, stateWorkerFile } from './sqlite/index.ts'
export type { SqliteStateMachine } from './sqlite/index.ts'
export { StateError } from './state/index.ts'
export { readDivergence, TrustedStateMachine } from './trust/index.ts'
