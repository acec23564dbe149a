import type { KeyValue, ScanRange } from '../api/index.ts'
import type { Applied, Change, ClusterOrigin, RowHead, Rows, StateMeta } from '../commands/index.ts'
import type { Entry, LogId, Membership, SnapshotMeta } from '../raft/index.ts'
import type { Done } from './disk.ts'
import type { ClassifiedError } from './fault.ts'

/** The replicated facts about the state besides its keys. */
export interface StateInfo extends StateMeta {
  /** The last entry applied. */
  readonly applied: LogId
  /** The newest membership applied, and the index that brought it; null before the first. */
  readonly membership: Membership | null
  readonly membershipIndex: number
  /** Rows of users, and bytes of their keys and values. */
  readonly keys: number
  readonly bytes: number
  /** The same of the spaces of the system. */
  readonly systemRows: number
  readonly systemBytes: number
  /** Where the cluster comes from; absent when it was founded with nothing. */
  readonly origin?: ClusterOrigin
}

/** What the state after an entry sums up to: equal in every replica, or one of them has gone wrong. */
export interface StateDigest {
  readonly index: number
  /** A safe integer. */
  readonly digest: number
}

/** What a batch of entries did. */
export interface AppliedBatch {
  /** One for each entry; null for kinds that answer nothing. */
  readonly results: readonly (Applied | null)[]
  /** What was changed, in order. */
  readonly changes: readonly Change[]
  /** Of the state after those of the entries after which replicas compare theirs. */
  readonly digests: readonly StateDigest[]
}

/** A snapshot that is durable in the snapshot store. */
export interface StoredSnapshot extends SnapshotMeta {
  /** File name in the snapshot store; the same on every node for the same bytes. */
  readonly id: string
  readonly clusterId: string
  /** The version of the cluster at the cut: who does not know it must not install it. */
  readonly clusterVersion: number
  readonly sizeBytes: number
  /** Hex SHA-256 of the file's bytes. */
  readonly digest: string
}

/** A store refuses a request or a content; the disk under it is not at fault, and another try with other bytes may do. */
export class StoreRefusal extends Error implements ClassifiedError {
  override readonly name: string = 'StoreRefusal'
  readonly faultKind = 'state'

  /** There is no space for it on its volume; nothing is left of the attempt, and it may go well once there is. */
  get isVolumeFull(): boolean {
    return false
  }
}

/** Another process holds the state's database. Nothing was changed: the same call may be made again, and goes well once it lets go. */
export class StateBusy extends Error {
  override readonly name = 'StateBusy'
  /** Of the database. */
  readonly file: string

  constructor(file: string, options?: ErrorOptions) {
    super(`another process holds a lock on ${file}: what is committed is applied once it lets go`, options)
    this.file = file
  }
}

/** A stored snapshot, open for reading whatever the store does meanwhile. */
export interface SnapshotReading {
  /** Up to `length` bytes; fewer at the end of the file. */
  read(position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void
  close(): void
}

/**
 * Snapshots in files. `receive`, `write` and `finish` fail with {@link StoreRefusal} when another transfer may help:
 * what came was thrown away;
 * any other error is the disk's and poisons the owner. The newest snapshot is kept; transfers go by chunks and resume.
 */
export interface SnapshotStore {
  newest(): StoredSnapshot | null
  read(id: string, position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void
  /** Begins or resumes receiving; returns how many bytes of exactly this snapshot are already here. */
  receive(snapshot: StoredSnapshot): number
  /** Appends a chunk at `position`, which must be the number of bytes already here. */
  write(id: string, position: number, bytes: Uint8Array, done: Done): void
  /** Verifies size and digest, makes the file durable, and makes it the newest. A digest mismatch deletes it and is an error. */
  finish(id: string, done: Done): void
}

/** One that others than replicas read, too. */
export interface OpenSnapshotStore extends SnapshotStore {
  /** @throws Error when it is not, or no longer, in the store, or the disk fails */
  open(id: string): SnapshotReading
}

/**
 * The ordered key-value state that committed entries build. `apply`, `get` and `scan` are synchronous;
 * what `apply` does is atomic for the whole batch and moves `applied` with it. The state trails the log
 * and is rebuilt from it: nothing here is synced before a write is acknowledged.
 */
export interface StateEngine {
  /** The state that it opens with is that of the newest snapshot, and nothing else: the log may still have to follow. */
  readonly opensFromSnapshot: boolean
  info(): StateInfo
  /**
   * Applies consecutive entries after `applied`, all of them or none.
   * @throws LaterVersion when one of them needs a later program: then nothing was changed
   * @throws StateBusy when the state cannot be written now: nothing was changed, and it does not wait
   */
  apply(entries: readonly Entry[]): AppliedBatch
  /** Hands what was applied and is still held back to the system, so that a killed process has it. Not a sync; fails like `apply`. */
  flush(): void
  /** Of the state as it is now. */
  digest(): StateDigest
  get(key: Uint8Array): KeyValue | undefined
  /** What stands beside a key's value, and its size. */
  head(key: Uint8Array): RowHead | undefined
  /** Keys in byte order; at most `limit` rows and, past the first, at most `maxBytes` of keys and values. */
  scan(range: ScanRange, limit: number, maxBytes: number): Rows
  /** The last entry whose effects survive a crash of the machine: the log may be purged up to it. */
  durableIndex(): number
  /** Bytes of the state's own log that the last checkpoint could not move, because somebody still reads them; 0 where there are none. */
  heldBytes?(): number
  /** Moves `durableIndex` up to what is applied now. */
  checkpoint(done: Done): void
  /**
   * Takes a consistent cut at `applied` into the snapshot store; applies go on meanwhile. A {@link StoreRefusal} leaves
   * everything as it was; any other error is the disk's and poisons the owner.
   */
  takeSnapshot(clusterId: string, done: (error: Error | undefined, snapshot?: StoredSnapshot) => void): void
  /**
   * Counts all rows anew, and has `digest` speak of what is there from now on. Whether they are those that were written is told to `done`;
   * an error is the disk's. It blocks nobody, and takes as long as it takes.
   */
  audit(done: (error: Error | undefined, isSound?: boolean) => void): void
  /** Replaces the whole state by a snapshot that is in the store. Atomic, and durable before `done`. */
  restore(snapshot: StoredSnapshot, done: Done): void
  close(done: Done): void
}

/** An engine whose state can turn out not to be what the log makes of it. */
export interface StateMachine extends StateEngine {
  /**
   * The state is not believed: it is a position in the log and a membership, and nothing is read from it, applied to it or taken from it
   * before a snapshot of a leader was restored.
   */
  readonly awaitsSnapshot: boolean
  /** Remembers, durably before `done`, that this state and the snapshots taken of it are not to be believed after the next start. */
  distrust(clusterId: string, done: Done): void
}
