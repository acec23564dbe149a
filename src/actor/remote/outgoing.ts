import { ByteWriter } from '../../lib/index.ts'
import { MAX_ACTORS_QUEUE_BYTES, MAX_REMOTE_ANSWER_BYTES } from '../../limits.ts'
import type { Timer } from '../../ports/index.ts'
import type { Runtime } from '../runtime.ts'

/** A batch of so many bytes leaves at once, and does not wait for what else comes in the same turn. */
const FULL_BATCH_BYTES = 60 * 1024
/** Room that a batch begins with. */
const BATCH_CAPACITY = 512
/** Until a batch is tried again that did not leave: soon, as long as the link may only be busy, and then twice as long each time. */
const RETRY_MS = 5
const SOON_TRIES = 20
const MAX_DOUBLINGS = 6
/** More than an honest peer can bring about: all answers that may wait, and a short word for every call and actor. */
const MAX_WAITING_BYTES = MAX_REMOTE_ANSWER_BYTES + 2 * MAX_ACTORS_QUEUE_BYTES

export interface OutgoingOptions {
  readonly runtime: Runtime
  /** False when the queue of the link is full, or this node may not speak. */
  readonly send: (parts: readonly Uint8Array[]) => boolean
  /** What was kept back has left: there is room for more. */
  readonly unblocked: () => void
  /** The peer has not taken what it brought about, and more of it than is kept. */
  readonly overrun: () => void
}

/**
 * What is said to one peer. What is written within one turn leaves in one batch, which is one frame and, for many small messages,
 * one packet. When the link takes no more, batches wait here: requests then hold off, and what answers the peer is bounded.
 */
export class Outgoing {
  readonly #options: OutgoingOptions
  /** The batch at hand; null when nothing is written yet. */
  #writer: ByteWriter | null = null
  readonly #waiting: Uint8Array[][] = []
  #waitingBytes = 0
  #scheduled = false
  #retry: Timer | null = null
  /** Since the last batch that left. */
  #tries = 0
  #closed = false

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  /** Whether requests hold off. */
  get isBlocked(): boolean {
    return this.#waiting.length > 0
  }

  /** Whether an answer may be kept, or only a word in its place. */
  get hasRoomForAnswer(): boolean {
    return this.#waitingBytes < MAX_REMOTE_ANSWER_BYTES
  }

  /** The batch at hand, to write to. It leaves at the end of the turn. */
  batch(): ByteWriter {
    if (this.#writer !== null && this.#writer.size >= FULL_BATCH_BYTES) this.#seal(this.#writer)
    if (!this.#scheduled && !this.#closed) {
      this.#scheduled = true
      this.#options.runtime.runQueue.soon(this.#flush)
    }
    return (this.#writer ??= new ByteWriter(BATCH_CAPACITY))
  }

  /** Hands over what there is, whatever the link takes of it. */
  flushNow(): void {
    this.#flush()
  }

  close(): void {
    this.#closed = true
    this.#retry?.cancel()
    this.#retry = null
    this.#waiting.length = 0
    this.#waitingBytes = 0
    this.#writer = null
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    // Behind others it goes on growing: many small ones would take more than they hold.
    if (this.#writer !== null && !this.#closed && !this.isBlocked) this.#seal(this.#writer)
  }

  /** Ends the batch at hand, and hands it over if nothing waits before it. */
  #seal(writer: ByteWriter): void {
    const { size } = writer
    const parts = writer.finishParts()
    this.#writer = null
    if (this.#closed || (!this.isBlocked && this.#options.send(parts))) return
    this.#waiting.push(parts)
    this.#waitingBytes += size
    this.#retry ??= this.#retryLater()
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#options.overrun()
  }

  #retryLater(): Timer {
    const doublings = Math.min(Math.max(0, this.#tries++ - SOON_TRIES), MAX_DOUBLINGS)
    return this.#options.runtime.clock.setTimer(RETRY_MS * 2 ** doublings, () => {
      this.#retry = null
      this.#sendWaiting()
    })
  }

  #sendWaiting(): void {
    for (let parts = this.#waiting[0]; parts !== undefined; parts = this.#waiting[0]) {
      if (!this.#options.send(parts)) {
        this.#retry = this.#retryLater()
        return
      }
      this.#waiting.shift()
      this.#tries = 0
      for (const part of parts) this.#waitingBytes -= part.length
    }
    this.#flush()
    this.#options.unblocked()
  }
}
