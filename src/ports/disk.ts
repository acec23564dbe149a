/** Called once when an operation has ended. An error is never retried by the caller: it poisons the node. */
export type Done = (error?: Error) => void

/**
 * One flat folder of files. Opening, listing and reading at start-up are synchronous; what happens while a
 * node serves completes through a callback, never before the call returns.
 */
export interface Disk {
  /** Names of all files, sorted. */
  list(): string[]
  /** Opens a file for reading and writing, creating an empty one when it is missing. */
  open(name: string): DiskFile
  /** Unlinks a file; no error when it is missing. Durable after {@link Disk.syncDirectory}. */
  remove(name: string): void
  /** Atomically gives a file another name, replacing what had it. Durable after {@link Disk.syncDirectory}. */
  rename(from: string, to: string): void
  /** Makes creations, renames and removals durable. */
  syncDirectory(done: Done): void
  /** The same, before returning; for start-up only. */
  syncDirectorySync(): void
  /** How full the volume is. */
  space(): VolumeSpace
}

export interface VolumeSpace {
  /** Bytes that may still be written. */
  readonly freeBytes: number
  /** Bytes that are used or free; what the system keeps for itself is not counted. */
  readonly totalBytes: number
}

/** A volume that a node writes to, under one of the folders it has there. */
export interface Volume {
  readonly directory: string
  /** Cheap: the file system knows it. @throws the error of the file system */
  space(): VolumeSpace
}

export interface DiskFile {
  readonly name: string
  size(): number
  /** Reads up to `length` bytes; fewer at the end of the file. */
  readSync(position: number, length: number): Uint8Array
  read(position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void
  /** Writes without durability: a crash may keep any part of it. */
  write(position: number, bytes: Uint8Array, done: Done): void
  /** Writes and makes the bytes durable (write + fdatasync, or one O_DSYNC write) before `done`. */
  writeDurably(position: number, bytes: Uint8Array, done: Done): void
  /** The same, before returning; for start-up only. */
  writeDurablySync(position: number, bytes: Uint8Array): void
  /** Makes everything written so far durable. */
  sync(done: Done): void
  /** The same, before returning; for start-up only. */
  syncSync(): void
  /** Cuts the file to `length` bytes, durably, before returning; for start-up only. */
  truncateSync(length: number): void
  close(): void
}
