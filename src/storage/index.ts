export {
  createDirectory,
  DataDirectoryLock,
  DiskError,
  FULL_ADVICE,
  isVolumeFull,
  MemoryDisk,
  NodeDisk,
  syncDirectorySync,
} from './disk/index.ts'
export { hasLog, LogCorruptionError, MemoryLog, openSegmentedLog } from './log/index.ts'
export type { SegmentedLog } from './log/index.ts'
export {
  MemoryStore,
  openMemoryStateMachine,
  openSnapshotFiles,
  openSqliteStateMachine,
  stateWorkerFile,
  StateError,
} from './state/index.ts'
export type { MemoryStateMachine, SnapshotFiles } from './state/index.ts'
