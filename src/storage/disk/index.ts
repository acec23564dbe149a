export { createDirectory } from './create-directory.ts'
export { DataDirectoryLock } from './data-directory-lock.ts'
export { MemoryDisk } from './memory-disk.ts'
export { NodeDisk } from './node-disk.ts'
