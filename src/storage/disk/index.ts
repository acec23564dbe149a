export { createDirectory, syncDirectorySync } from './create-directory.ts'
export { DataDirectoryLock, LOCK_FILE } from './data-directory-lock.ts'
export {
  isDescriptorShortage,
  keepDescriptors,
  openHere,
  openPatiently,
  openWithKept,
  SHORTAGE_RETRY_MS,
} from './descriptor-shortage.ts'
export { DiskError, FAILING_ADVICE, FULL_ADVICE, guardDisk, isVolumeFull } from './disk-failure.ts'
export { MemoryDisk } from './memory-disk.ts'
export { NodeDisk } from './node-disk.ts'
export { SYNC_STEP_BYTES, WorkPace } from './work-pace.ts'
