import { MAX_SNAPSHOT_FILE_SIZE } from '../limits.ts'
import { StoreRefusal } from '../ports/index.ts'
import type { SnapshotStore, StoredSnapshot } from '../ports/index.ts'
import type { NodeId } from '../raft/index.ts'
import type { SnapshotChunk, SnapshotProgress } from '../wire/index.ts'

/** Chunks kept while one is being written; a sender keeps fewer under way. */
const MAX_WAITING_CHUNKS = 8

export interface SnapshotReceiverOptions {
  readonly nodeId: NodeId
  readonly snapshots: SnapshotStore
  readonly send: (to: NodeId, progress: SnapshotProgress) => void
  /** The snapshot is here, whole and durable. */
  readonly arrived: (from: NodeId, term: number, snapshot: StoredSnapshot) => void
  /** It was thrown away, because of what it is. */
  readonly rejected: (error: Error) => void
  /** The disk failed. */
  readonly failed: (error: Error) => void
}

/** Takes in one snapshot at a time. Another snapshot than the one at hand takes its place. */
export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions
  #current: { readonly snapshot: StoredSnapshot; received: number; busy: boolean; readonly waiting: SnapshotChunk[] } | null =
    null
  /** The newest chunk of another snapshot, which came while this one was being written. */
  #opening: SnapshotChunk | null = null

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options
  }

  receive(chunk: SnapshotChunk): void {
    const { snapshot } = chunk
    if (this.#current?.busy === true && this.#current.snapshot.id !== snapshot.id) {
      this.#opening = chunk
      return
    }
    if (this.#current?.snapshot.id !== snapshot.id && !this.#begin(snapshot)) return
    const current = this.#current
    if (current === null) return
    if (current.busy) {
      if (current.waiting.length < MAX_WAITING_CHUNKS) current.waiting.push(chunk)
      return
    }
    if (chunk.bytes.length === 0 || chunk.position !== current.received) {
      this.#afterWrite(chunk)
      return
    }
    current.busy = true
    this.#options.snapshots.write(snapshot.id, chunk.position, chunk.bytes, (error) => {
      current.busy = false
      if (error !== undefined) {
        this.#reject(error)
        return
      }
      current.received += chunk.bytes.length
      this.#afterWrite(chunk)
    })
  }

  /** Makes room for another snapshot; false when the store will not have it. */
  #begin(snapshot: StoredSnapshot): boolean {
    try {
      if (snapshot.sizeBytes > MAX_SNAPSHOT_FILE_SIZE) {
        throw new StoreRefusal(`it has ${snapshot.sizeBytes} bytes; at most ${MAX_SNAPSHOT_FILE_SIZE} are allowed`)
      }
      this.#current = { snapshot, received: this.#options.snapshots.receive(snapshot), busy: false, waiting: [] }
      return true
    } catch (error) {
      // The one at hand goes on.
      if (error instanceof StoreRefusal) this.#options.rejected(error)
      else this.#options.failed(error as Error)
      return false
    }
  }

  #afterWrite(chunk: SnapshotChunk): void {
    const current = this.#current
    if (current === null) return
    const { id, sizeBytes } = current.snapshot
    this.#options.send(chunk.from, {
      type: 'snapshot-progress',
      from: this.#options.nodeId,
      term: chunk.term,
      id,
      received: current.received,
    })
    if (current.received < sizeBytes && this.#opening !== null) {
      this.#takeOver()
      return
    }
    if (current.received < sizeBytes) {
      const next = current.waiting.shift()
      if (next !== undefined) this.receive(next)
      return
    }
    current.busy = true
    this.#options.snapshots.finish(id, (error) => {
      this.#current = null
      if (error !== undefined) {
        this.#reject(error)
        return
      }
      this.#options.arrived(chunk.from, chunk.term, current.snapshot)
      this.#takeOver()
    })
  }

  #reject(error: Error): void {
    this.#current = null
    if (!(error instanceof StoreRefusal)) {
      this.#options.failed(error)
      return
    }
    this.#options.rejected(error)
    this.#takeOver()
  }

  /** Another snapshot was offered meanwhile. */
  #takeOver(): void {
    const opening = this.#opening
    this.#opening = null
    if (opening !== null) this.receive(opening)
  }
}
