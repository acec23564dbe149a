/**
 * Frames: how messages share one byte stream.
 *
 * A frame is a 4-byte header and at most {@link MAX_FRAME_PAYLOAD} bytes. Byte 0 holds the kind in its low four
 * bits, then the lane (0x10: priority, 0x40: bulk, neither: normal) and "more of this message follows" (0x20); bytes 1 to 3
 * hold the payload's length, big-endian. A message longer than one frame is cut into full frames and a last one, so that
 * frames of the other lanes can go in between. Everything but a message is one frame.
 */
import { fail, concatBytes, WireError } from '../lib/index.ts'
import { MAX_FRAME_SIZE, MAX_RPC_MESSAGE_SIZE } from '../limits.ts'
import type { Lane } from '../ports/index.ts'

export type ControlKind = 'claims' | 'ping' | 'pong' | 'goodbye' | 'ack'
export type FrameKind = 'message' | ControlKind

export const FRAME_HEADER_SIZE = 4
/** The largest message with the number of its channel before it. */
export const MAX_LINK_MESSAGE_SIZE: number = MAX_RPC_MESSAGE_SIZE + 8
export const MAX_FRAME_PAYLOAD: number = MAX_FRAME_SIZE - FRAME_HEADER_SIZE

const KINDS: readonly FrameKind[] = ['message', 'claims', 'ping', 'pong', 'goodbye', 'ack']
const KIND_MASK = 0x0f
const PRIORITY_FLAG = 0x10
const MORE_FLAG = 0x20
const BULK_FLAG = 0x40
const LANE_FLAGS: Readonly<Record<Lane, number>> = { priority: PRIORITY_FLAG, normal: 0, bulk: BULK_FLAG }
const KNOWN_BITS = KIND_MASK | PRIORITY_FLAG | MORE_FLAG | BULK_FLAG

/** Receives what a {@link FrameDecoder} reads. Bytes may share one buffer with other messages, never a byte with them. */
export interface FrameSink {
  message(lane: Lane, bytes: Uint8Array): void
  control(kind: ControlKind, bytes: Uint8Array): void
  /** So many bytes of a frame that the sender's window counts have been read. Called behind what they completed. */
  counted?(bytes: number): void
}

/** What a frame is, and how long. */
export interface FrameHeader {
  readonly kind: FrameKind
  readonly lane: Lane
  readonly more: boolean
  readonly length: number
}

/** Writes a frame's header; the caller copies `length` bytes of payload behind it. */
export function writeFrameHeader(target: Uint8Array, offset: number, { kind, lane, more, length }: FrameHeader): void {
  if (!(length <= MAX_FRAME_PAYLOAD)) fail(`a frame of ${length} bytes`)
  target[offset] = KINDS.indexOf(kind) | LANE_FLAGS[lane] | (more ? MORE_FLAG : 0)
  target[offset + 1] = length >>> 16
  target[offset + 2] = (length >>> 8) & 0xff
  target[offset + 3] = length & 0xff
}

const EMPTY = new Uint8Array(0)

/** Pieces below this are copied together: kept one by one, they would take many times what they hold. */
const SMALL_PIECE = 1024
const GATHERED_SIZE = 4096

/** The pieces of a message that is still arriving. */
interface Assembly {
  readonly lane: Lane
  readonly pieces: Uint8Array[]
  size: number
  /** Small pieces, which come behind the others, and how many bytes of it they fill. */
  gathered: Uint8Array
  gatheredSize: number
}

function assemblyOf(lane: Lane): Assembly {
  return { lane, pieces: [], size: 0, gathered: EMPTY, gatheredSize: 0 }
}

/**
 * Reads frames from chunks cut anywhere. A message that arrives within one chunk is a view of it, a longer one is
 * copied once. Memory is bounded by one message of MAX_LINK_MESSAGE_SIZE a lane.
 */
export class FrameDecoder {
  readonly #sink: FrameSink
  readonly #priority = assemblyOf('priority')
  readonly #normal = assemblyOf('normal')
  readonly #bulk = assemblyOf('bulk')
  readonly #control = assemblyOf('priority')
  readonly #header = new Uint8Array(FRAME_HEADER_SIZE)
  #headerLength = 0
  // The frame being read: what is left of it, and where its payload goes.
  #inFrame = false
  #length = 0
  #kind: FrameKind = 'message'
  #more = false
  #remaining = 0
  #assembly: Assembly = this.#bulk
  #stopped = false
  #error: WireError | undefined

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Nothing more is delivered, not even from the chunk at hand. */
  stop(): void {
    this.#stopped = true
  }

  /**
   * Takes the next bytes of the stream and delivers what they complete. Bytes that are no frames of this protocol
   * stop it and are returned as an error; what the sink throws passes through.
   */
  push(chunk: Uint8Array): WireError | undefined {
    let at = 0
    while (at < chunk.length && !this.#stopped) {
      if (this.#inFrame) at = this.#readPayload(chunk, at)
      else at = this.#readHeader(chunk, at)
    }
    return this.#error
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    if (this.#headerLength === 0 && chunk.length - at >= FRAME_HEADER_SIZE) {
      this.#beginFrame(chunk, at)
      return at + FRAME_HEADER_SIZE
    }
    this.#header[this.#headerLength++] = chunk[at] as number
    if (this.#headerLength === FRAME_HEADER_SIZE) {
      this.#headerLength = 0
      this.#beginFrame(this.#header, 0)
    }
    return at + 1
  }

  #beginFrame(bytes: Uint8Array, at: number): void {
    const first = bytes[at] as number
    const length = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
    const kind = KINDS[first & KIND_MASK]
    const more = (first & MORE_FLAG) !== 0
    if (kind === undefined || (first & ~KNOWN_BITS) !== 0) return this.#fail(`a frame that begins with 0x${first.toString(16)}`)
    if (length > MAX_FRAME_PAYLOAD) return this.#fail(`a frame of ${length} bytes; at most ${MAX_FRAME_PAYLOAD} are allowed`)
    // Only full frames may be continued: a message then has a bounded number of frames, and one encoding.
    if (more && (kind !== 'message' || length !== MAX_FRAME_PAYLOAD))
      return this.#fail(`a short ${kind} frame that says more follows`)
    const assembly = kind === 'message' ? this.#assemblyOf(first) : this.#control
    if (assembly === undefined) return this.#fail(`a frame of two lanes, which begins with 0x${first.toString(16)}`)
    if (assembly.size + length > MAX_LINK_MESSAGE_SIZE) return this.#fail(`a message of more than ${MAX_LINK_MESSAGE_SIZE} bytes`)
    this.#kind = kind
    this.#more = more
    this.#remaining = length
    this.#length = length
    this.#assembly = assembly
    this.#inFrame = true
    if (length === 0) this.#endFrame(EMPTY)
  }

  #assemblyOf(first: number): Assembly | undefined {
    const lane = first & (PRIORITY_FLAG | BULK_FLAG)
    if (lane === 0) return this.#normal
    if (lane === PRIORITY_FLAG) return this.#priority
    return lane === BULK_FLAG ? this.#bulk : undefined
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining)
    this.#remaining -= end - at
    const piece = at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end)
    if (this.#remaining === 0) this.#endFrame(piece)
    else this.#keep(piece)
    return end
  }

  #keep(piece: Uint8Array): void {
    const assembly = this.#assembly
    assembly.size += piece.length
    if (piece.length < SMALL_PIECE) return gather(assembly, piece)
    endGathering(assembly)
    assembly.pieces.push(piece)
  }

  #endFrame(lastPiece: Uint8Array): void {
    this.#inFrame = false
    const counts = this.#kind === 'message' && this.#assembly !== this.#priority
    this.#deliver(lastPiece)
    if (counts) this.#sink.counted?.(FRAME_HEADER_SIZE + this.#length)
  }

  #deliver(lastPiece: Uint8Array): void {
    const assembly = this.#assembly
    if (this.#more) {
      this.#keep(lastPiece)
      return
    }
    let bytes = lastPiece
    if (assembly.size > 0) {
      endGathering(assembly)
      assembly.pieces.push(lastPiece)
      bytes = concatBytes(assembly.pieces)
      assembly.pieces.length = 0
      assembly.size = 0
    }
    if (this.#kind === 'message') this.#sink.message(assembly.lane, bytes)
    else this.#sink.control(this.#kind, bytes)
  }

  #fail(what: string): void {
    this.#stopped = true
    this.#error = new WireError(`the peer sent ${what}: the stream is damaged or the peer does not speak this protocol`)
  }
}

/** Appends a small piece to what was gathered. */
function gather(assembly: Assembly, piece: Uint8Array): void {
  if (assembly.gatheredSize + piece.length > GATHERED_SIZE) endGathering(assembly)
  if (assembly.gatheredSize === 0) assembly.gathered = new Uint8Array(GATHERED_SIZE)
  assembly.gathered.set(piece, assembly.gatheredSize)
  assembly.gatheredSize += piece.length
}

/** Puts what was gathered behind the pieces, in no more memory than it needs. */
function endGathering(assembly: Assembly): void {
  if (assembly.gatheredSize > 0) assembly.pieces.push(assembly.gathered.slice(0, assembly.gatheredSize))
  assembly.gathered = EMPTY
  assembly.gatheredSize = 0
}
