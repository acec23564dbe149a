import { MAX_SNAPSHOT_FILE_SIZE } from '../../limits.ts'
import { StoreRefusal } from '../../ports/index.ts'
import type { SnapshotStore, StoredSnapshot } from '../../ports/index.ts'
import type { NodeId } from '../../raft/index.ts'
import type { SnapshotChunk } from '../../wire/index.ts'
import type { PeerSender, TurnContext } from '../turn/index.ts'

/** Chunks kept while one is being written; a sender keeps fewer under way. */
const MAX_WAITING_CHUNKS = 8

export interface ReceiptListener {
  /** The snapshot is here, whole and durable. */
  arrived(from: NodeId, term: number, snapshot: StoredSnapshot): void
}

type ReceiverContext = TurnContext<'fail', 'id'>

/** A snapshot of which every byte is here, and who sent it. */
export interface WholeSnapshot {
  readonly from: NodeId
  readonly term: number
  readonly snapshot: StoredSnapshot
}

/** Takes in one snapshot at a time. Another snapshot than the one at hand takes its place. */
export class SnapshotReceiver {
  readonly #context: ReceiverContext
  readonly #snapshots: SnapshotStore
  readonly #peers: PeerSender
  readonly #listener: ReceiptListener
  #current: { readonly snapshot: StoredSnapshot; received: number; busy: boolean; readonly waiting: SnapshotChunk[] } | null =
    null
  /** It is looked through and made durable. */
  #finishing: WholeSnapshot | null = null
  /** The newest chunk of another snapshot, which came while this one was being written. */
  #opening: SnapshotChunk | null = null

  constructor(context: ReceiverContext, snapshots: SnapshotStore, peers: PeerSender, listener: ReceiptListener) {
    this.#context = context
    this.#snapshots = snapshots
    this.#peers = peers
    this.#listener = listener
  }

  /** The one that has arrived and is not announced yet. */
  get finishing(): WholeSnapshot | null {
    return this.#finishing
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
    this.#snapshots.write(snapshot.id, chunk.position, chunk.bytes, (error) => {
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
      this.#current = { snapshot, received: this.#snapshots.receive(snapshot), busy: false, waiting: [] }
      return true
    } catch (error) {
      // The one at hand goes on.
      if (error instanceof StoreRefusal) this.#sayRejected(error)
      else this.#context.loop.fail(error as Error)
      return false
    }
  }

  #afterWrite(chunk: SnapshotChunk): void {
    const current = this.#current
    if (current === null) return
    const { id, sizeBytes } = current.snapshot
    this.#report(chunk, current.received)
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
    this.#finishing = { from: chunk.from, term: chunk.term, snapshot: current.snapshot }
    this.#snapshots.finish(id, (error) => {
      this.#current = null
      this.#finishing = null
      if (error !== undefined) {
        this.#reject(error)
        return
      }
      this.#listener.arrived(chunk.from, chunk.term, current.snapshot)
      this.#takeOver()
    })
  }

  /** Says again that a snapshot is whole: for its sender that is as good as progress. */
  reportWhole(whole: WholeSnapshot): void {
    this.#report(whole, whole.snapshot.sizeBytes)
  }

  #report({ from: to, term, snapshot: { id } }: WholeSnapshot, received: number): void {
    this.#peers.send(to, { type: 'snapshot-progress', from: this.#context.raft.id, term, id, received }, 'normal')
  }

  #reject(error: Error): void {
    this.#current = null
    if (!(error instanceof StoreRefusal)) {
      this.#context.loop.fail(error)
      return
    }
    this.#sayRejected(error)
    this.#takeOver()
  }

  /** It was thrown away, because of what it is. */
  #sayRejected(error: StoreRefusal): void {
    const facts = { reason: error.message }
    this.#context.logger.log('warn', 'a snapshot was not taken in', facts, { cause: 'SNAPSHOT_REFUSED', from: '' })
  }

  /** Another snapshot was offered meanwhile. */
  #takeOver(): void {
    const opening = this.#opening
    this.#opening = null
    if (opening !== null) this.receive(opening)
  }
}
