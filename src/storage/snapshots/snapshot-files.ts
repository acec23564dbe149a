/**
 * The snapshot store over a Disk: finished snapshots under names that carry their digest, at most one transfer on its
 * way in, and local snapshots being written. Nothing counts before it is whole, durable and under its final name.
 */
import { join } from 'node:path'
import type { Disk, DiskFile, Done, OpenSnapshotStore, StoredSnapshot } from '../../ports/index.ts'
import { LocalSnapshot } from './local-snapshot.ts'
import { attempt } from './publish-file.ts'
import { parseSnapshotName, partialName, partialOf, snapshotName } from './snapshot-name.ts'
import { localName, recoverSnapshots } from './snapshot-recovery.ts'
import { SnapshotTransfer } from './snapshot-transfer.ts'
import { StateError } from '../state/index.ts'

export interface SnapshotFilesOptions {
  /** The real folder behind the disk, for the SQLite state machine, which writes and reads snapshots in a worker. */
  readonly directory?: string
  /** Runs a completion after the call at hand has returned; `setImmediate` when absent. */
  readonly defer?: (run: () => void) => void
}

/**
 * Opens the snapshot store in a folder of its own, reading the newest snapshot from end to end.
 * @throws StateError UNKNOWN_VERSION when a newer program wrote it; what the disk throws
 */
export function openSnapshotFiles(disk: Disk, options: SnapshotFilesOptions = {}): SnapshotFiles {
  return new SnapshotFiles(disk, options)
}

export class SnapshotFiles implements OpenSnapshotStore {
  readonly #disk: Disk
  readonly #directory: string | undefined
  readonly #defer: (run: () => void) => void
  /** Newest first: the newest, the one before it, and the one that was last read. */
  #stored: StoredSnapshot[]
  #damaged: readonly string[]
  /** Open for reading. */
  readonly #handles = new Map<string, DiskFile>()
  /** At most one that takes chunks; others only while they are being finished. */
  readonly #transfers = new Map<string, SnapshotTransfer>()
  #lastRead: string | undefined
  #locals = 0

  constructor(disk: Disk, options: SnapshotFilesOptions) {
    this.#disk = disk
    this.#directory = options.directory
    this.#defer = options.defer ?? ((run): void => void setImmediate(run))
    const { newest, damaged } = recoverSnapshots(disk)
    this.#stored = newest === null ? [] : [newest]
    this.#damaged = damaged
  }

  /** Snapshots found damaged at start-up and not yet replaced by a newer one, for the log. */
  get damaged(): readonly string[] {
    return this.#damaged
  }

  newest(): StoredSnapshot | null {
    return this.#stored[0] ?? null
  }

  /** Reports StateError SNAPSHOT_GONE for a snapshot that is not, or no longer, in the store. */
  read(id: string, position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    const nothing = new Uint8Array(0)
    if (!this.#stored.some((stored) => stored.id === id)) {
      const error = new StateError('SNAPSHOT_GONE', id, `snapshot ${id} is no longer kept: begin again with the newest`)
      return this.#defer(() => done(error, nothing))
    }
    this.#lastRead = id
    this.#handle(id).read(position, length, done)
  }

  /** A stored snapshot, open for reading whatever the store does meanwhile. The caller closes it. */
  open(id: string): DiskFile {
    if (!this.#stored.some((stored) => stored.id === id)) {
      throw new StateError('SNAPSHOT_GONE', id, `snapshot ${id} is not in the store`)
    }
    return this.#disk.open(id)
  }

  /** Another transfer that is under way, and not yet being finished, is given up. @throws StateError TRANSFER_MISMATCH */
  receive(snapshot: StoredSnapshot): number {
    const { id, last, digest, sizeBytes } = snapshot
    if (
      id !== snapshotName(last, digest) ||
      parseSnapshotName(id) === undefined ||
      !Number.isSafeInteger(sizeBytes) ||
      sizeBytes < 1
    ) {
      throw new StateError(
        'TRANSFER_MISMATCH',
        id,
        `"${id}" is not the name of a snapshot of ${sizeBytes} bytes at ${last.index}`,
      )
    }
    if (this.#stored.some((stored) => stored.id === id)) return sizeBytes
    let transfer = this.#transfers.get(id)
    if (transfer === undefined || (transfer.snapshot.sizeBytes !== sizeBytes && !transfer.finishing)) {
      this.#abandonTransfers(id)
      transfer = new SnapshotTransfer(this.#disk, snapshot, this.#defer)
      this.#transfers.set(id, transfer)
    }
    return transfer.received
  }

  write(id: string, position: number, bytes: Uint8Array, done: Done): void {
    const transfer = this.#transfers.get(id)
    if (transfer === undefined) return this.#defer(() => done(notReceiving(id)))
    transfer.write(position, bytes, done)
  }

  finish(id: string, done: Done): void {
    const transfer = this.#transfers.get(id)
    if (transfer === undefined) {
      const here = this.#stored.some((stored) => stored.id === id)
      return this.#defer(() => done(here ? undefined : notReceiving(id)))
    }
    transfer.finish((error) => {
      const ended = !(error instanceof StateError && error.code === 'TRANSFER_MISMATCH')
      if (ended) this.#transfers.delete(id)
      if (error !== undefined) return done(error)
      if (attempt(() => this.#install(transfer.snapshot), done)) done()
    })
  }

  /** Begins a snapshot of this node's own state. */
  beginLocal(): LocalSnapshot {
    this.#locals++
    return new LocalSnapshot(this.#disk, localName(this.#locals), (stored) => this.#install(stored))
  }

  /** The path of a file of this store. @throws Error when the disk is no real folder */
  path(name: string): string {
    if (this.#directory === undefined) throw new Error(`${name} has no path: open the snapshot store with its directory`)
    return join(this.#directory, name)
  }

  /** Closes files. A transfer that was under way can be resumed by the next store over the same disk. */
  close(): void {
    for (const transfer of this.#transfers.values()) if (!transfer.finishing) transfer.suspend()
    for (const file of this.#handles.values()) file.close()
    this.#transfers.clear()
    this.#handles.clear()
  }

  /** Gives up every transfer, and every partial file left by an earlier run, but those of `id` and those being finished. */
  #abandonTransfers(id: string): void {
    for (const [other, transfer] of this.#transfers) {
      if (transfer.finishing) continue
      transfer.abandon()
      this.#transfers.delete(other)
    }
    for (const name of this.#disk.list()) {
      const other = partialOf(name)
      if (other !== undefined && name !== partialName(id) && !this.#transfers.has(other)) this.#disk.remove(name)
    }
  }

  #install(snapshot: StoredSnapshot): void {
    const others = this.#stored.filter((stored) => stored.id !== snapshot.id)
    // A file renamed over another leaves the old one behind the open handle.
    this.#closeHandle(snapshot.id)
    this.#stored = [snapshot, ...others].toSorted((a, b) => b.last.index - a.last.index)
    this.#retire()
  }

  /** A transfer out reads one snapshot for long, so what was read last stays besides the newest two. */
  #retire(): void {
    const keep = this.#stored.filter((stored, i) => i < 2 || stored.id === this.#lastRead)
    const retired = this.#stored.filter((stored) => !keep.includes(stored))
    this.#stored = keep
    for (const { id } of retired) {
      this.#closeHandle(id)
      this.#disk.remove(id)
    }
    const newest = keep[0]?.id ?? ''
    for (const name of this.#damaged) if (name < newest) this.#disk.remove(name)
    this.#damaged = this.#damaged.filter((name) => name >= newest)
  }

  #handle(id: string): DiskFile {
    let file = this.#handles.get(id)
    if (file === undefined) {
      file = this.#disk.open(id)
      this.#handles.set(id, file)
    }
    return file
  }

  #closeHandle(id: string): void {
    this.#handles.get(id)?.close()
    this.#handles.delete(id)
  }
}

function notReceiving(id: string): StateError {
  return new StateError('TRANSFER_MISMATCH', id, `snapshot ${id} is not being received: ask where to begin first`)
}
