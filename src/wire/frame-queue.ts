import { assert, Deque } from '../lib/index.ts'
import { MAX_FRAME_SIZE } from '../limits.ts'
import type { Lane } from '../ports/index.ts'
import { FRAME_HEADER_SIZE, MAX_FRAME_PAYLOAD, MAX_LINK_MESSAGE_SIZE, writeFrameHeader } from './frame.ts'
import type { ControlKind, FrameKind } from './frame.ts'

/** What a queued message costs beside its bytes, so that a flood of empty messages meets the bound too. */
const MESSAGE_OVERHEAD = 64
/** The part of the bound that only priority may use: a full queue must not silence heartbeats. */
const PRIORITY_SHARE = 16
/** Normal frames that go before one of bulk that waits: what somebody waits for comes first, and nothing waits for ever. */
const NORMAL_TURNS = 8

/** The part of a queue that one user of the link may fill. */
export interface QueueShare {
  /** A small number of its own. */
  readonly id: number
  readonly maxQueueBytes: number
}

interface Outgoing {
  readonly kind: FrameKind
  readonly share: QueueShare | undefined
  readonly parts: readonly Uint8Array[]
  readonly size: number
  // How far the message has been cut into frames.
  sent: number
  part: number
  partOffset: number
}

interface LaneQueue {
  readonly lane: Lane
  readonly messages: Deque<Outgoing>
}

/**
 * What waits to leave over one link, in three lanes. At every frame boundary the better lane goes first, so a small
 * message waits for one frame of a large one, not for all of it.
 */
export class FrameQueue {
  readonly #maxBytes: number
  readonly #allocate: (size: number) => Uint8Array
  readonly #priority: LaneQueue = { lane: 'priority', messages: new Deque() }
  readonly #normal: LaneQueue = { lane: 'normal', messages: new Deque() }
  readonly #bulk: LaneQueue = { lane: 'bulk', messages: new Deque() }
  /** What goes behind everything else. */
  readonly #last: LaneQueue = { lane: 'bulk', messages: new Deque() }
  #cost = 0
  /** The same, by share. */
  readonly #costs: number[] = []
  /** Normal frames since the last one of bulk. */
  #turns = 0
  // What is left to be written, without and with headers.
  #payloadBytes = 0
  #frames = 0
  #finished = false

  /** `allocate` may return memory that is not zeroed: all of it that is handed out is written first. */
  constructor(maxBytes: number, allocate: (size: number) => Uint8Array) {
    this.#maxBytes = maxBytes
    this.#allocate = allocate
  }

  /** What waits, with what it costs beside its bytes. */
  get bytes(): number {
    return this.#cost
  }

  get isEmpty(): boolean {
    return this.#frames === 0
  }

  /**
   * Queues one message; false when the queue, or the sender's share of it, is full, or the queue is finished. The parts must not
   * change until they are taken.
   */
  push(lane: Lane, parts: readonly Uint8Array[], share?: QueueShare): boolean {
    let size = 0
    for (const part of parts) size += part.length
    assert(size <= MAX_LINK_MESSAGE_SIZE, `a message of ${size} bytes; at most ${MAX_LINK_MESSAGE_SIZE} fit a link`)
    const cost = size + MESSAGE_OVERHEAD
    if (!this.#hasRoom(lane, cost)) return false
    if (share !== undefined) {
      const used = (this.#costs[share.id] ?? 0) + cost
      if (used > share.maxQueueBytes) return false
      this.#costs[share.id] = used
    }
    this.#append(this.#laneOf(lane), 'message', parts, size, share)
    return true
  }

  /** Queues a control frame ahead of all but priority; false when the queue is full or finished. */
  pushControl(kind: ControlKind, payload: Uint8Array): boolean {
    assert(payload.length <= MAX_FRAME_PAYLOAD, `a ${kind} frame of ${payload.length} bytes`)
    if (!this.#hasRoom('priority', payload.length + MESSAGE_OVERHEAD)) return false
    this.#append(this.#priority, kind, [payload], payload.length, undefined)
    return true
  }

  /** Queues a goodbye behind everything queued so far and refuses whatever comes later. */
  finish(reason: Uint8Array): void {
    if (this.#finished) return
    this.#finished = true
    this.#append(this.#last, 'goodbye', [reason], reason.length, undefined)
  }

  /** The next frames in one buffer of at most `maxBytes` (at least one frame), or undefined when nothing waits. */
  take(maxBytes: number): Uint8Array | undefined {
    if (this.#frames === 0) return undefined
    const limit = Math.max(maxBytes, MAX_FRAME_SIZE)
    const buffer = this.#allocate(Math.min(limit, this.#payloadBytes + this.#frames * FRAME_HEADER_SIZE))
    let length = 0
    while (this.#frames > 0) {
      const queue = this.#nextLane()
      const message = queue.messages.at(0) as Outgoing
      const payload = Math.min(message.size - message.sent, MAX_FRAME_PAYLOAD)
      if (length + FRAME_HEADER_SIZE + payload > buffer.length) break
      const more = message.sent + payload < message.size
      writeFrameHeader(buffer, length, { kind: message.kind, lane: queue.lane, more, length: payload })
      copyPayload(message, payload, buffer, length + FRAME_HEADER_SIZE)
      length += FRAME_HEADER_SIZE + payload
      this.#payloadBytes -= payload
      this.#frames--
      if (queue !== this.#priority) this.#turns = queue === this.#bulk ? 0 : this.#turns + 1
      if (!more) this.#taken(queue, message)
    }
    return length === buffer.length ? buffer : buffer.subarray(0, length)
  }

  #laneOf(lane: Lane): LaneQueue {
    if (lane === 'priority') return this.#priority
    return lane === 'normal' ? this.#normal : this.#bulk
  }

  #nextLane(): LaneQueue {
    if (this.#priority.messages.length > 0) return this.#priority
    const isBulksTurn = this.#bulk.messages.length > 0 && this.#turns >= NORMAL_TURNS
    if (this.#normal.messages.length > 0 && !isBulksTurn) return this.#normal
    return this.#bulk.messages.length > 0 ? this.#bulk : this.#last
  }

  #taken(queue: LaneQueue, { size, share }: Outgoing): void {
    queue.messages.shift()
    this.#cost -= size + MESSAGE_OVERHEAD
    if (share !== undefined) this.#costs[share.id] = (this.#costs[share.id] ?? 0) - size - MESSAGE_OVERHEAD
  }

  #hasRoom(lane: Lane, cost: number): boolean {
    const reserved = lane === 'priority' ? 0 : Math.floor(this.#maxBytes / PRIORITY_SHARE)
    return !this.#finished && this.#cost + cost <= this.#maxBytes - reserved
  }

  #append(queue: LaneQueue, kind: FrameKind, parts: readonly Uint8Array[], size: number, share: QueueShare | undefined): void {
    queue.messages.push({ kind, share, parts, size, sent: 0, part: 0, partOffset: 0 })
    this.#cost += size + MESSAGE_OVERHEAD
    this.#payloadBytes += size
    this.#frames += Math.max(1, Math.ceil(size / MAX_FRAME_PAYLOAD))
  }
}

/** Copies the next `length` bytes of a message, which may end in the middle of one of its parts. */
function copyPayload(message: Outgoing, length: number, target: Uint8Array, offset: number): void {
  message.sent += length
  let at = offset
  const end = offset + length
  while (at < end) {
    const part = message.parts[message.part] as Uint8Array
    const wanted = Math.min(part.length - message.partOffset, end - at)
    target.set(wanted === part.length ? part : part.subarray(message.partOffset, message.partOffset + wanted), at)
    at += wanted
    message.partOffset += wanted
    if (message.partOffset === part.length) {
      message.part++
      message.partOffset = 0
    }
  }
}
