import { READ_TIMEOUT_MS, SNAPSHOT_CHUNK_SIZE } from '../limits.ts'
import type { SnapshotStore, StoredSnapshot, Timer } from '../ports/index.ts'
import type { NodeId } from '../raft/index.ts'
import type { SnapshotChunk, SnapshotProgress } from '../wire/index.ts'

/** Chunks sent ahead of the receiver's acknowledgement. */
const WINDOW_CHUNKS = 4
/**
 * To one peer: a snapshot of the largest size takes seconds, and the leader's thread, which also answers its callers,
 * spends a small part of its time on it.
 */
const BYTES_PER_MS = (32 * 1024 * 1024) / 1000

interface Transfer {
  readonly snapshot: StoredSnapshot
  readonly term: number
  /** Bytes handed to the link, and bytes the peer reports; null until its first report. */
  sent: number
  received: number | null
  reading: boolean
  lastProgressAt: number
  /** When the next chunk may leave, and the timer that waits for it. */
  nextAt: number
  timer: Timer | null
}

export interface SnapshotSenderOptions {
  readonly nodeId: NodeId
  readonly snapshots: SnapshotStore
  readonly now: () => number
  readonly setTimer: (delayMs: number, run: () => void) => Timer
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
    const now = this.#options.now()
    const begin = { sent: 0, received: null, reading: false, lastProgressAt: now, nextAt: now, timer: null }
    const transfer: Transfer = { snapshot, term, ...begin }
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
    for (const to of this.#transfers.keys()) this.#forget(to)
  }

  #end(to: NodeId): void {
    this.#forget(to)
    this.#options.ended(to)
  }

  #forget(to: NodeId): void {
    this.#transfers.get(to)?.timer?.cancel()
    this.#transfers.delete(to)
  }

  /** Whether the next chunk must wait for its time; it is pumped then. */
  #waits(to: NodeId, transfer: Transfer): boolean {
    if (transfer.timer !== null) return true
    const waitMs = transfer.nextAt - this.#options.now()
    if (waitMs <= 0) return false
    transfer.timer = this.#options.setTimer(waitMs, () => {
      transfer.timer = null
      this.#pump(to, transfer)
    })
    return true
  }

  #pump(to: NodeId, transfer: Transfer): void {
    const { snapshot, received, sent } = transfer
    if (transfer.reading || received === null || sent >= snapshot.sizeBytes) return
    if (sent - received >= WINDOW_CHUNKS * SNAPSHOT_CHUNK_SIZE || this.#waits(to, transfer)) return
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
      transfer.nextAt = Math.max(transfer.nextAt, this.#options.now()) + bytes.length / BYTES_PER_MS
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
