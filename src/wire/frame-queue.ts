import { fail, ByteReader, ByteWriter, Deque, WireError } from '../lib/index.ts'
import { LINK_ACK_BYTES, LINK_BULK_WINDOW_BYTES, LINK_WINDOW_BYTES, MAX_FRAME_SIZE } from '../limits.ts'
import type { Lane } from '../ports/index.ts'
import { FRAME_HEADER_SIZE, MAX_FRAME_PAYLOAD, MAX_LINK_MESSAGE_SIZE, writeFrameHeader } from './frame.ts'
import type { ControlKind, FrameKind } from './frame.ts'

/** What a queued message costs beside its bytes, so that a flood of empty messages meets the bound too. */
const MESSAGE_OVERHEAD = 64
/** The part of the bound that only priority may use: a full queue must not silence heartbeats. */
const PRIORITY_SHARE = 16
/** Normal frames that go before one of bulk that waits: what somebody waits for comes first, and nothing waits for ever. */
const NORMAL_TURNS = 8

/** What of a link may be under way. Both ends are given the same; a test gives less, to be at its bounds with little. */
export interface LinkWindows {
  /** Bytes, but for priority, that the peer has not acknowledged; and of bulk. The last frame may pass it. */
  readonly bytes: number
  readonly bulkBytes: number
  /** Bytes read after which the sender is told: fewer than either window has, or nothing would move. */
  readonly ackBytes: number
}

export const LINK_WINDOWS: LinkWindows = {
  bytes: LINK_WINDOW_BYTES,
  bulkBytes: LINK_BULK_WINDOW_BYTES,
  ackBytes: LINK_ACK_BYTES,
}

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
  /** What is left to be written of it, with headers. */
  bytes: number
}

function laneQueue(lane: Lane): LaneQueue {
  return { lane, messages: new Deque(), bytes: 0 }
}

/** An acknowledgement: its header, and a number. */
const MAX_ACK_SIZE = FRAME_HEADER_SIZE + 8

/**
 * What waits to leave over one link, in three lanes. At every frame boundary the better lane goes first, so a small
 * message waits for one frame of a large one, not for all of it.
 *
 * Below the queue there are none: the kernel's buffers, and those of every box on the way, are first in, first out. So no more than a window's
 * bytes of what is not priority is under way that the peer's program has not acknowledged, and bulk does not even fill that. On a
 * slow path a heartbeat then waits for a window, not for megabytes.
 */
export class FrameQueue {
  readonly #maxBytes: number
  readonly #allocate: (size: number) => Uint8Array
  readonly #priority: LaneQueue = laneQueue('priority')
  readonly #normal: LaneQueue = laneQueue('normal')
  readonly #bulk: LaneQueue = laneQueue('bulk')
  /** What goes behind everything else. */
  readonly #last: LaneQueue = laneQueue('bulk')
  readonly #windows: LinkWindows
  #cost = 0
  /** The same, by share. */
  readonly #costs: number[] = []
  /** Normal frames since the last one of bulk. */
  #turns = 0
  #finished = false
  /** Pings and pongs that wait to leave. */
  readonly #signs = new Set<FrameKind>()
  /** What the window counts: bytes taken, and those of them that the peer has acknowledged. */
  #counted = 0
  #acknowledged = 0
  /** What the peer is to be told that this end has read; written once, with the next frames. */
  #ack: Uint8Array | undefined

  /** `allocate` may return memory that is not zeroed: all of it that is handed out is written first. */
  constructor(maxBytes: number, allocate: (size: number) => Uint8Array, windows: LinkWindows = LINK_WINDOWS) {
    this.#windows = windows
    this.#maxBytes = maxBytes
    this.#allocate = allocate
  }

  /** What waits, with what it costs beside its bytes. */
  get bytes(): number {
    return this.#cost
  }

  get isEmpty(): boolean {
    return [this.#priority, this.#normal, this.#bulk, this.#last].every((queue) => queue.messages.length === 0)
  }

  /**
   * Queues one message; false when the queue, or the sender's share of it, is full, or the queue is finished. The parts must not
   * change until they are taken.
   */
  push(lane: Lane, parts: readonly Uint8Array[], share?: QueueShare): boolean {
    let size = 0
    for (const part of parts) size += part.length
    if (!(size <= MAX_LINK_MESSAGE_SIZE)) fail(`a message of ${size} bytes; at most ${MAX_LINK_MESSAGE_SIZE} fit a link`)
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

  /**
   * Queues a control frame ahead of all but priority; false when the queue is full or finished. One sign of life that waits says as much
   * as many: who asks for thousands and reads none is no burden.
   */
  pushControl(kind: ControlKind, payload: Uint8Array): boolean {
    if (!(payload.length <= MAX_FRAME_PAYLOAD)) fail(`a ${kind} frame of ${payload.length} bytes`)
    if (this.#signs.has(kind)) return true
    if (!this.#hasRoom('priority', payload.length + MESSAGE_OVERHEAD)) return false
    if (kind === 'ping' || kind === 'pong') this.#signs.add(kind)
    this.#append(this.#priority, kind, [payload], payload.length, undefined)
    return true
  }

  /** Queues a goodbye behind everything queued so far and refuses whatever comes later. */
  finish(reason: Uint8Array): void {
    if (this.#finished) return
    this.#finished = true
    this.#append(this.#last, 'goodbye', [reason], reason.length, undefined)
  }

  /** Tells the peer, with the next frames that leave, that this end has read so many bytes of those that its window counts. */
  acknowledge(total: number): void {
    const writer = new ByteWriter(MAX_ACK_SIZE)
    writer.varint(total)
    this.#ack = writer.finish()
  }

  /** The peer's acknowledgement. @throws WireError when it is not one of what was sent */
  acknowledged(payload: Uint8Array): void {
    const reader = new ByteReader(payload, 'acknowledgement')
    const total = reader.varint()
    reader.expectEnd()
    if (total < this.#acknowledged || total > this.#counted) {
      throw new WireError(
        `the peer acknowledged ${total} bytes, of ${this.#counted} sent and ${this.#acknowledged} known to be read`,
      )
    }
    this.#acknowledged = total
  }

  /** The next frames in one buffer of at most `maxBytes` (at least one frame), or undefined when nothing waits, or may leave. */
  take(maxBytes: number): Uint8Array | undefined {
    const size = Math.min(Math.max(maxBytes, MAX_FRAME_SIZE), this.#mayLeave())
    if (size === 0) return undefined
    const buffer = this.#allocate(size)
    let length = this.#writeAck(buffer)
    for (let queue = this.#nextLane(); queue !== undefined; queue = this.#nextLane()) {
      const message = queue.messages.at(0) as Outgoing
      const payload = Math.min(message.size - message.sent, MAX_FRAME_PAYLOAD)
      if (length + FRAME_HEADER_SIZE + payload > buffer.length) break
      length += this.#writeFrame(queue, message, payload, buffer, length)
    }
    return length === buffer.length ? buffer : buffer.subarray(0, length)
  }

  /** What of the window is left for normal frames; the last of them may pass it. */
  get #normalRoom(): number {
    return this.#room(this.#windows.bytes)
  }

  get #bulkRoom(): number {
    return this.#room(this.#windows.bulkBytes)
  }

  /** When the queue ends, nothing is to come that could be held up. */
  #room(limit: number): number {
    return this.#finished ? Infinity : Math.max(0, limit - (this.#counted - this.#acknowledged))
  }

  /** Bytes that may be taken now: what the window lets through ends with a whole frame. */
  #mayLeave(): number {
    const within = (bytes: number, room: number): number => (room > 0 ? Math.min(bytes, room + MAX_FRAME_SIZE) : 0)
    const windowed = within(this.#normal.bytes, this.#normalRoom) + within(this.#bulk.bytes, this.#bulkRoom)
    const ack = this.#ack === undefined ? 0 : FRAME_HEADER_SIZE + this.#ack.length
    return this.#priority.bytes + windowed + this.#last.bytes + ack
  }

  #writeAck(buffer: Uint8Array): number {
    const ack = this.#ack
    if (ack === undefined) return 0
    this.#ack = undefined
    writeFrameHeader(buffer, 0, { kind: 'ack', lane: 'priority', more: false, length: ack.length })
    buffer.set(ack, FRAME_HEADER_SIZE)
    return FRAME_HEADER_SIZE + ack.length
  }

  /** Writes the next frame of a message; returns its size. */
  #writeFrame(queue: LaneQueue, message: Outgoing, payload: number, buffer: Uint8Array, at: number): number {
    const more = message.sent + payload < message.size
    const size = FRAME_HEADER_SIZE + payload
    writeFrameHeader(buffer, at, { kind: message.kind, lane: queue.lane, more, length: payload })
    copyPayload(message, payload, buffer, at + FRAME_HEADER_SIZE)
    queue.bytes -= size
    if (queue !== this.#priority) this.#turns = queue === this.#bulk ? 0 : this.#turns + 1
    if (queue === this.#normal || queue === this.#bulk) this.#counted += size
    if (!more) this.#taken(queue, message)
    return size
  }

  #laneOf(lane: Lane): LaneQueue {
    if (lane === 'priority') return this.#priority
    return lane === 'normal' ? this.#normal : this.#bulk
  }

  /** The lane whose frame leaves next, or undefined when none may. */
  #nextLane(): LaneQueue | undefined {
    if (this.#priority.messages.length > 0) return this.#priority
    const bulk = this.#bulk.messages.length > 0 && this.#bulkRoom > 0
    const isBulksTurn = bulk && this.#turns >= NORMAL_TURNS
    if (this.#normal.messages.length > 0 && this.#normalRoom > 0 && !isBulksTurn) return this.#normal
    if (bulk) return this.#bulk
    const isLast = this.#normal.messages.length + this.#bulk.messages.length === 0 && this.#last.messages.length > 0
    return isLast ? this.#last : undefined
  }

  #taken(queue: LaneQueue, { kind, size, share }: Outgoing): void {
    queue.messages.shift()
    this.#signs.delete(kind)
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
    queue.bytes += size + FRAME_HEADER_SIZE * Math.max(1, Math.ceil(size / MAX_FRAME_PAYLOAD))
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
