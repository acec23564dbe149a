import { READ_TIMEOUT_MS, SNAPSHOT_CHUNK_SIZE } from '../limits.ts'
import type { SnapshotStore, StoredSnapshot } from '../ports/index.ts'
import type { NodeId } from '../raft/index.ts'
import type { SnapshotChunk, SnapshotProgress } from '../wire/index.ts'

/** Chunks sent ahead of the receiver's acknowledgement. */
const WINDOW_CHUNKS = 4

interface Transfer {
  readonly snapshot: StoredSnapshot
  readonly term: number
  /** Bytes handed to the link, and bytes the peer reports; null until its first report. */
  sent: number
  received: number | null
  reading: boolean
  lastProgressAt: number
}

export interface SnapshotSenderOptions {
  readonly nodeId: NodeId
  readonly snapshots: SnapshotStore
  readonly now: () => number
  readonly send: (to: NodeId, chunk: SnapshotChunk) => boolean
  /** The transfer is over; the core finds out by the peer's answers whether it helped. */
  readonly ended: (to: NodeId) => void
  /** The snapshot could not be read; a newer one may have taken its place. */
  readonly unreadable: (to: NodeId, error: Error) => void
}

/** Brings snapshots to peers, by chunks, resuming where the peer says it stands. At most one transfer a peer. */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions
  readonly #transfers = new Map<NodeId, Transfer>()
  /** Transfers begun since the start. */
  started = 0

  constructor(options: SnapshotSenderOptions) {
    this.#options = options
  }

  get busy(): boolean {
    return this.#transfers.size > 0
  }

  has(to: NodeId): boolean {
    return this.#transfers.has(to)
  }

  start(to: NodeId, term: number, snapshot: StoredSnapshot): void {
    this.started++
    const transfer: Transfer = { snapshot, term, sent: 0, received: null, reading: false, lastProgressAt: this.#options.now() }
    this.#transfers.set(to, transfer)
    this.#send(to, transfer, 0, new Uint8Array(0))
  }

  progressed(progress: SnapshotProgress): void {
    const transfer = this.#transfers.get(progress.from)
    if (transfer === undefined || transfer.snapshot.id !== progress.id || transfer.term !== progress.term) return
    if (progress.received > transfer.snapshot.sizeBytes) return
    // A report without an advance means that something between was lost: go back to where the peer stands.
    if (transfer.received === null || progress.received <= transfer.received) transfer.sent = progress.received
    transfer.received = progress.received
    transfer.lastProgressAt = this.#options.now()
    this.#pump(progress.from, transfer)
  }

  /** The peer's log has reached `match`. */
  acknowledged(to: NodeId, match: number): void {
    const transfer = this.#transfers.get(to)
    if (transfer !== undefined && match >= transfer.snapshot.last.index) this.#end(to)
  }

  linkClosed(to: NodeId): void {
    if (this.#transfers.has(to)) this.#end(to)
  }

  /** Transfers without progress for too long are given up; the core begins again. */
  expire(now: number): void {
    for (const [to, transfer] of this.#transfers) if (now - transfer.lastProgressAt > READ_TIMEOUT_MS) this.#end(to)
  }

  /** This node does not lead any more. */
  stop(): void {
    this.#transfers.clear()
  }

  #end(to: NodeId): void {
    this.#transfers.delete(to)
    this.#options.ended(to)
  }

  #pump(to: NodeId, transfer: Transfer): void {
    const { snapshot, received, sent } = transfer
    if (transfer.reading || received === null || sent >= snapshot.sizeBytes) return
    if (sent - received >= WINDOW_CHUNKS * SNAPSHOT_CHUNK_SIZE) return
    transfer.reading = true
    this.#options.snapshots.read(snapshot.id, sent, Math.min(SNAPSHOT_CHUNK_SIZE, snapshot.sizeBytes - sent), (error, bytes) => {
      transfer.reading = false
      if (this.#transfers.get(to) !== transfer) return
      if (error !== undefined) {
        this.#options.unreadable(to, error)
        this.#end(to)
        return
      }
      // A report that moved the position back meanwhile makes these bytes the wrong ones.
      if (transfer.sent !== sent) {
        this.#pump(to, transfer)
        return
      }
      transfer.sent += bytes.length
      if (this.#send(to, transfer, sent, bytes)) this.#pump(to, transfer)
    })
  }

  #send(to: NodeId, transfer: Transfer, position: number, bytes: Uint8Array): boolean {
    const { snapshot, term } = transfer
    const sent = this.#options.send(to, { type: 'snapshot-chunk', from: this.#options.nodeId, term, snapshot, position, bytes })
    if (!sent) this.#end(to)
    return sent
  }
}
