import { READ_TIMEOUT_MS, SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import type { SnapshotStore, StoredSnapshot, Timer } from '../../ports/index.ts'
import type { NodeId } from '../../raft/index.ts'
import type { SnapshotProgress } from '../../wire/index.ts'
import type { PeerSender, TurnContext } from '../turn/index.ts'

/** Chunks sent ahead of the receiver's acknowledgement. */
const WINDOW_CHUNKS = 4
/**
 * To one peer: a snapshot of the largest size takes seconds, and the leader's thread, which also answers its callers,
 * spends a small part of its time on it.
 */
const BYTES_PER_MS = (32 * 1024 * 1024) / 1000

interface Sending {
  readonly snapshot: StoredSnapshot
  readonly term: number
  /** For a peer whose log has these entries already: what it acknowledges of its log says nothing of the transfer. */
  readonly isRefill: boolean
  /** Bytes handed to the link, and bytes the peer reports; null until its first report. */
  sent: number
  received: number | null
  reading: boolean
  lastProgressAt: number
  /** When the next chunk may leave, and the timer that waits for it. */
  nextAt: number
  timer: Timer | null
}

export interface SendingListener {
  /** The transfer is over; the core finds out by the peer's answers whether it helped. */
  sendingEnded(to: NodeId): void
}

type SenderContext = TurnContext<'guard', 'id'>

/** Brings snapshots to peers, by chunks, resuming where the peer says it stands. At most one transfer a peer. */
export class SnapshotSender {
  readonly #context: SenderContext
  readonly #snapshots: SnapshotStore
  readonly #peers: PeerSender
  readonly #listener: SendingListener
  readonly #sendings = new Map<NodeId, Sending>()
  /** Transfers begun since the start. */
  started = 0

  constructor(context: SenderContext, snapshots: SnapshotStore, peers: PeerSender, listener: SendingListener) {
    this.#context = context
    this.#snapshots = snapshots
    this.#peers = peers
    this.#listener = listener
  }

  get busy(): boolean {
    return this.#sendings.size > 0
  }

  has(to: NodeId): boolean {
    return this.#sendings.has(to)
  }

  start(to: NodeId, term: number, snapshot: StoredSnapshot, isRefill = false): void {
    this.started++
    const now = this.#context.clock.now()
    const begin = { sent: 0, received: null, reading: false, lastProgressAt: now, nextAt: now, timer: null }
    const sending: Sending = { snapshot, term, isRefill, ...begin }
    this.#sendings.set(to, sending)
    this.#send(to, sending, 0, new Uint8Array(0))
  }

  progressed(progress: SnapshotProgress): void {
    const sending = this.#sendings.get(progress.from)
    if (sending === undefined || sending.snapshot.id !== progress.id || sending.term !== progress.term) return
    if (progress.received > sending.snapshot.sizeBytes) return
    // A report without an advance means that something between was lost: go back to where the peer stands.
    if (sending.received === null || progress.received <= sending.received) sending.sent = progress.received
    sending.received = progress.received
    sending.lastProgressAt = this.#context.clock.now()
    if (sending.isRefill && progress.received === sending.snapshot.sizeBytes) this.#end(progress.from)
    else this.#pump(progress.from, sending)
  }

  /** The peer's log has reached `match`. */
  acknowledged(to: NodeId, match: number): void {
    const sending = this.#sendings.get(to)
    if (sending !== undefined && !sending.isRefill && match >= sending.snapshot.last.index) this.#end(to)
  }

  linkClosed(to: NodeId): void {
    if (this.#sendings.has(to)) this.#end(to)
  }

  /** Transfers without progress for too long are given up; the core begins again. */
  expire(now: number): void {
    for (const [to, sending] of this.#sendings) if (now - sending.lastProgressAt > READ_TIMEOUT_MS) this.#end(to)
  }

  /** This node does not lead any more. */
  stop(): void {
    for (const to of this.#sendings.keys()) this.#forget(to)
  }

  #end(to: NodeId): void {
    this.#forget(to)
    this.#listener.sendingEnded(to)
  }

  #forget(to: NodeId): void {
    this.#sendings.get(to)?.timer?.cancel()
    this.#sendings.delete(to)
  }

  /** Whether the next chunk must wait for its time; it is pumped then. */
  #waits(to: NodeId, sending: Sending): boolean {
    if (sending.timer !== null) return true
    const waitMs = sending.nextAt - this.#context.clock.now()
    if (waitMs <= 0) return false
    const { clock, loop } = this.#context
    sending.timer = clock.setTimer(waitMs, () =>
      loop.guard(() => {
        sending.timer = null
        this.#pump(to, sending)
      }),
    )
    return true
  }

  #pump(to: NodeId, sending: Sending): void {
    const { snapshot, received, sent } = sending
    if (sending.reading || received === null || sent >= snapshot.sizeBytes) return
    if (sent - received >= WINDOW_CHUNKS * SNAPSHOT_CHUNK_SIZE || this.#waits(to, sending)) return
    sending.reading = true
    this.#snapshots.read(snapshot.id, sent, Math.min(SNAPSHOT_CHUNK_SIZE, snapshot.sizeBytes - sent), (error, bytes) => {
      sending.reading = false
      if (this.#sendings.get(to) !== sending) return
      if (error !== undefined) {
        const facts = { peer: to, reason: error.message }
        this.#context.logger.log('warn', 'a snapshot could not be read for a peer', facts, {
          cause: 'SNAPSHOT_UNREADABLE',
          from: String(to),
        })
        this.#end(to)
        return
      }
      // A report that moved the position back meanwhile makes these bytes the wrong ones.
      if (sending.sent !== sent) {
        this.#pump(to, sending)
        return
      }
      sending.sent += bytes.length
      sending.nextAt = Math.max(sending.nextAt, this.#context.clock.now()) + bytes.length / BYTES_PER_MS
      if (this.#send(to, sending, sent, bytes)) this.#pump(to, sending)
    })
  }

  #send(to: NodeId, sending: Sending, position: number, bytes: Uint8Array): boolean {
    const { snapshot, term } = sending
    const sent = this.#peers.send(
      to,
      { type: 'snapshot-chunk', from: this.#context.raft.id, term, snapshot, position, bytes },
      'bulk',
    )
    if (!sent) this.#end(to)
    return sent
  }
}
