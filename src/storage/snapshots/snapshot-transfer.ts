/** A snapshot on its way in: a partial file that grows chunk by chunk and is checked when it is all there. */
import type { Disk, DiskFile, Done, StoredSnapshot } from '../../ports/index.ts'
import { partialName } from './snapshot-name.ts'
import { attempt, publishFile } from './publish-file.ts'
import { readSnapshot } from './snapshot-verify.ts'
import { StateError } from '../state/index.ts'
import { SYNC_STEP_BYTES } from '../disk/index.ts'

export class SnapshotTransfer {
  readonly snapshot: StoredSnapshot
  readonly #disk: Disk
  readonly #defer: (run: () => void) => void
  readonly #file: DiskFile
  #received: number
  #unsynced = 0
  #closed = false
  #pendingWrites = 0
  #failure: Error | undefined
  #finish: Done | undefined

  /** Begins a transfer, or resumes the one whose partial file is there. */
  constructor(disk: Disk, snapshot: StoredSnapshot, defer: (run: () => void) => void) {
    this.snapshot = snapshot
    this.#disk = disk
    this.#defer = defer
    this.#file = openPartial(disk, snapshot)
    this.#received = this.#file.size()
  }

  /** Bytes taken so far. */
  get received(): number {
    return this.#received
  }

  get finishing(): boolean {
    return this.#finish !== undefined
  }

  /** Takes the next chunk; a chunk for any other position changes nothing. */
  write(position: number, bytes: Uint8Array, done: Done): void {
    const problem = this.#failure ?? this.#misfit(position, bytes.length)
    if (problem !== undefined) return this.#defer(() => done(problem))
    this.#received += bytes.length
    this.#pendingWrites++
    this.#file.write(position, bytes, (error) => {
      if (error === undefined) this.#syncStep(bytes.length, (failed) => this.#written(failed, done))
      else this.#written(error, done)
    })
  }

  /** A whole snapshot synced at once would keep the log waiting: it is synced as it comes, and the sender waits instead. */
  #syncStep(written: number, done: Done): void {
    this.#unsynced += written
    if (this.#closed || this.#unsynced < SYNC_STEP_BYTES) return done()
    this.#unsynced = 0
    this.#file.sync(done)
  }

  #written(error: Error | undefined, done: Done): void {
    this.#pendingWrites--
    this.#failure ??= error
    this.#finishWhenWritten()
    done(error)
  }

  /**
   * Checks and publishes the file once what was written has arrived. Reports StateError DIGEST_MISMATCH or CORRUPT
   * after deleting the file, TRANSFER_MISMATCH when bytes are missing: then the transfer can go on.
   */
  finish(done: Done): void {
    const { sizeBytes } = this.snapshot
    if (this.finishing || this.#received !== sizeBytes) {
      const state = this.finishing ? 'is being finished already' : `has ${this.#received} of its ${sizeBytes} bytes`
      return this.#defer(() => done(this.#mismatch(state)))
    }
    this.#finish = done
    this.#finishWhenWritten()
  }

  /** Gives the transfer up and deletes what came. */
  abandon(): void {
    this.suspend()
    this.#disk.remove(this.#file.name)
  }

  /** Keeps what came, to be resumed. */
  suspend(): void {
    this.#closed = true
    this.#file.close()
  }

  #finishWhenWritten(): void {
    const done = this.#finish
    if (done === undefined || this.#pendingWrites > 0) return
    const failure = this.#failure
    if (failure !== undefined) return this.#defer(() => this.#giveUp(failure, done))
    readSnapshot(this.#file, {}, (error, found) => {
      const problem = found === undefined ? error : this.#difference(found)
      if (problem !== undefined) return this.#giveUp(problem, done)
      publishFile(this.#disk, this.#file, this.snapshot.id, (failed) => {
        if (failed === undefined) done()
        else this.#giveUp(failed, done)
      })
    })
  }

  /** Bad content is of no use, and after a failed sync what reads back now may be gone after a power cut. */
  #giveUp(problem: Error, done: Done): void {
    attempt(
      () => this.abandon(),
      () => undefined,
    )
    done(problem)
  }

  /** Undefined when the file is the snapshot that was announced. */
  #difference(found: StoredSnapshot): Error | undefined {
    const { id, clusterId, clusterVersion, membershipIndex } = this.snapshot
    const isSame = found.clusterId === clusterId && found.clusterVersion === clusterVersion
    if (found.id === id && isSame && found.membershipIndex === membershipIndex) return undefined
    const message = `snapshot ${id} was received with other content (${found.id}): it was deleted; transfer it again`
    return new StateError('DIGEST_MISMATCH', id, message)
  }

  #misfit(position: number, length: number): Error | undefined {
    if (this.finishing) return this.#mismatch('is being finished already')
    if (position !== this.#received) return this.#mismatch(`has ${this.#received} bytes; a chunk came for position ${position}`)
    if (position + length > this.snapshot.sizeBytes)
      return this.#mismatch(`has ${this.snapshot.sizeBytes} bytes; a chunk goes past them`)
    return undefined
  }

  #mismatch(state: string): Error {
    return new StateError('TRANSFER_MISMATCH', this.snapshot.id, `snapshot ${this.snapshot.id} ${state}`)
  }
}

function openPartial(disk: Disk, snapshot: StoredSnapshot): DiskFile {
  const name = partialName(snapshot.id)
  const file = disk.open(name)
  if (file.size() <= snapshot.sizeBytes) return file
  // More bytes than the snapshot has cannot be the beginning of it.
  file.close()
  disk.remove(name)
  return disk.open(name)
}
