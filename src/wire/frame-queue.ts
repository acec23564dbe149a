import { assert, Deque } from '../lib/index.ts'
import { MAX_FRAME_SIZE, MAX_RPC_MESSAGE_SIZE } from '../limits.ts'
import type { Lane } from '../ports/index.ts'
import { FRAME_HEADER_SIZE, MAX_FRAME_PAYLOAD, writeFrameHeader } from './frame.ts'
import type { ControlKind, FrameKind } from './frame.ts'

/** What a queued message costs beside its bytes, so that a flood of empty messages meets the bound too. */
const MESSAGE_OVERHEAD = 64
/** The part of the bound that bulk may not use: a full queue must not silence heartbeats. */
const PRIORITY_SHARE = 16

interface Outgoing {
  readonly kind: FrameKind
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
 * What waits to leave over one link, in two lanes. At every frame boundary the priority lane goes first, so a small
 * message waits for one frame of a large one, not for all of it.
 */
export class FrameQueue {
  readonly #maxBytes: number
  readonly #allocate: (size: number) => Uint8Array
  readonly #priority: LaneQueue = { lane: 'priority', messages: new Deque() }
  readonly #bulk: LaneQueue = { lane: 'bulk', messages: new Deque() }
  #cost = 0
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

  /** Queues one message; false when the queue is full or finished. The parts must not change until they are taken. */
  push(lane: Lane, parts: readonly Uint8Array[]): boolean {
    let size = 0
    for (const part of parts) size += part.length
    assert(size <= MAX_RPC_MESSAGE_SIZE, `a message of ${size} bytes; at most ${MAX_RPC_MESSAGE_SIZE} fit a link`)
    return this.#enqueue(lane === 'priority' ? this.#priority : this.#bulk, 'message', parts, size)
  }

  /** Queues a control frame ahead of all bulk; false when the queue is full or finished. */
  pushControl(kind: ControlKind, payload: Uint8Array): boolean {
    assert(payload.length <= MAX_FRAME_PAYLOAD, `a ${kind} frame of ${payload.length} bytes`)
    return this.#enqueue(this.#priority, kind, [payload], payload.length)
  }

  /** Queues a goodbye behind everything queued so far and refuses whatever comes later. */
  finish(reason: Uint8Array): void {
    if (this.#finished) return
    this.#finished = true
    this.#append(this.#bulk, 'goodbye', [reason], reason.length)
  }

  /** The next frames in one buffer of at most `maxBytes` (at least one frame), or undefined when nothing waits. */
  take(maxBytes: number): Uint8Array | undefined {
    if (this.#frames === 0) return undefined
    const limit = Math.max(maxBytes, MAX_FRAME_SIZE)
    const buffer = this.#allocate(Math.min(limit, this.#payloadBytes + this.#frames * FRAME_HEADER_SIZE))
    let length = 0
    while (this.#frames > 0) {
      const queue = this.#priority.messages.length > 0 ? this.#priority : this.#bulk
      const message = queue.messages.at(0) as Outgoing
      const payload = Math.min(message.size - message.sent, MAX_FRAME_PAYLOAD)
      if (length + FRAME_HEADER_SIZE + payload > buffer.length) break
      const more = message.sent + payload < message.size
      writeFrameHeader(buffer, length, message.kind, queue.lane, more, payload)
      copyPayload(message, payload, buffer, length + FRAME_HEADER_SIZE)
      length += FRAME_HEADER_SIZE + payload
      this.#payloadBytes -= payload
      this.#frames--
      if (!more) {
        queue.messages.shift()
        this.#cost -= message.size + MESSAGE_OVERHEAD
      }
    }
    return length === buffer.length ? buffer : buffer.subarray(0, length)
  }

  #enqueue(queue: LaneQueue, kind: FrameKind, parts: readonly Uint8Array[], size: number): boolean {
    const bound = queue === this.#bulk ? this.#maxBytes - Math.floor(this.#maxBytes / PRIORITY_SHARE) : this.#maxBytes
    if (this.#finished || this.#cost + size + MESSAGE_OVERHEAD > bound) return false
    this.#append(queue, kind, parts, size)
    return true
  }

  #append(queue: LaneQueue, kind: FrameKind, parts: readonly Uint8Array[], size: number): void {
    queue.messages.push({ kind, parts, size, sent: 0, part: 0, partOffset: 0 })
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
