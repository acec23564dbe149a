import { concatBytes, utf8Encode } from './bytes.ts'
import { fromHex } from './text-encodings.ts'
import { WireError } from './wire-error.ts'

/** Payloads larger than this are handed on as they are; below it a copy costs less than another write to the link. */
export const COPY_LIMIT = 4096

const MIN_CAPACITY = 64

// An ArrayBuffer of its own costs ten times as much as encoding a small value, so small values share slabs. A slab lives
// as long as one value in it does; it is small, for the sake of the one that outlives its neighbours.
const SLAB_SIZE = 16_384
const MAX_SLAB_CAPACITY = 2048
let slab = new Uint8Array(SLAB_SIZE)
let slabUsed = 0

const HEX_32 = /^[0-9a-f]{64}$/

/** Below this, the encoder of the platform takes longer to call than it takes to look at each character. */
const SHORT_TEXT = 40

/** The number of bytes {@link ByteWriter.varint} takes for a value. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  if (value < 0x1000_0000) return 4
  let size = 5
  for (let rest = Math.floor(value / 0x8_0000_0000); rest > 0; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** The number of bytes that length-prefixed bytes take. */
export function prefixedSize(bytes: Uint8Array): number {
  return varintSize(bytes.length) + bytes.length
}

/**
 * Appends values to a growing buffer. Fixed-width numbers are little-endian. Every method throws
 * {@link WireError} on a value that has no encoding, and the writer must then be dropped.
 */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>
  /** Where the bytes begin that are not yet part of `#parts`. */
  #start: number
  #offset: number
  /** Where the room of this writer in the buffer ends. */
  #limit: number
  #parts: Uint8Array[] = []
  #partsSize = 0

  /** A capacity that is enough saves copies; one that is exactly right wastes nothing either. */
  constructor(capacity: number = MIN_CAPACITY) {
    // Before anything is touched: one NaN in the slab's account would be there for every writer after this one.
    if (!Number.isSafeInteger(capacity) || capacity < 0) throw new WireError(`${capacity} bytes is no size of an encoding`)
    if (capacity > MAX_SLAB_CAPACITY) {
      this.#buffer = new Uint8Array(capacity)
      this.#start = 0
    } else {
      if (slabUsed + capacity > SLAB_SIZE) {
        slab = new Uint8Array(SLAB_SIZE)
        slabUsed = 0
      }
      this.#buffer = slab
      this.#start = slabUsed
      slabUsed += capacity
    }
    this.#offset = this.#start
    this.#limit = this.#start + capacity
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#partsSize + this.#offset - this.#start
  }

  u8(value: number): void {
    if ((value & 0xff) !== value) throw new WireError(`${value} is not a byte`)
    this.#reserve(1)
    this.#buffer[this.#offset++] = value
  }

  u32(value: number): void {
    if (value >>> 0 !== value) throw new WireError(`${value} is not an unsigned 32-bit integer`)
    this.#reserve(4)
    const buffer = this.#buffer
    buffer[this.#offset++] = value & 0xff
    buffer[this.#offset++] = (value >>> 8) & 0xff
    buffer[this.#offset++] = (value >>> 16) & 0xff
    buffer[this.#offset++] = value >>> 24
  }

  f64(value: number): void {
    this.#reserve(8)
    new DataView(this.#buffer.buffer).setFloat64(this.#offset, value, true)
    this.#offset += 8
  }

  /** An unsigned LEB128 of a safe integer: seven bits a byte, the lowest first; 1 to 8 bytes. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new WireError(`${value} is not an integer from 0 to 2^53-1`)
    this.#reserve(varintSize(value))
    if (value < 0x80) {
      this.#buffer[this.#offset++] = value
      return
    }
    const buffer = this.#buffer
    let offset = this.#offset
    let rest = value
    // Above 31 bits the bitwise operators would cut the value.
    while (rest > 0x7fff_ffff) {
      buffer[offset++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    while (rest > 0x7f) {
      buffer[offset++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[offset++] = rest
    this.#offset = offset
  }

  /** Copies bytes, without their length. */
  raw(bytes: Uint8Array): void {
    const { length } = bytes
    this.#reserve(length)
    this.#buffer.set(bytes, this.#offset)
    this.#offset += length
  }

  /** Like {@link raw}, but large bytes are not copied: they must not change until the parts are on their way. */
  payload(bytes: Uint8Array): void {
    if (bytes.length <= COPY_LIMIT) return this.raw(bytes)
    this.#seal()
    this.#parts.push(bytes)
    this.#partsSize += bytes.length
  }

  /** Copies bytes, their length first. */
  prefixed(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.raw(bytes)
  }

  /** UTF-8 of `min` to `max` bytes, its length in bytes first; `name` says of what. */
  string(text: string, min: number, max: number, name: string): void {
    if (!text.isWellFormed()) throw new WireError(`the ${name} has a lone surrogate: it is not valid Unicode`)
    const bytes = utf8Encode(text)
    if (bytes.length < min || bytes.length > max) {
      throw new WireError(`the ${name} has ${bytes.length} bytes: ${min} to ${max} are allowed`)
    }
    this.prefixed(bytes)
  }

  /** UTF-8 of any length of a string that is known to be well-formed, its length in bytes first. */
  text(text: string): void {
    if (text.length >= SHORT_TEXT || !this.#shortAscii(text)) this.prefixed(utf8Encode(text))
  }

  #shortAscii(text: string): boolean {
    const { length } = text
    this.#reserve(1 + length)
    const buffer = this.#buffer
    let offset = this.#offset
    buffer[offset++] = length
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code >= 0x80) return false
      buffer[offset++] = code
    }
    this.#offset = offset
    return true
  }

  /** 32 bytes, a public key or a SHA-256 digest, given as lower-case hexadecimal text. */
  hex32(hex: string, name: string): void {
    if (!HEX_32.test(hex)) throw new WireError(`the ${name} ${JSON.stringify(hex)} is not 64 lower-case hexadecimal digits`)
    this.raw(fromHex(hex))
  }

  /** All that was written, as one array. The writer must not be used afterwards. */
  finish(): Uint8Array {
    const parts = this.finishParts()
    return parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(parts)
  }

  /** All that was written, in parts to be joined: one part unless there were large payloads. The writer must not be used afterwards. */
  finishParts(): Uint8Array[] {
    this.#seal()
    this.#giveBack()
    return this.#parts
  }

  #seal(): void {
    if (this.#offset === this.#start) return
    this.#parts.push(this.#buffer.subarray(this.#start, this.#offset))
    this.#partsSize += this.#offset - this.#start
    this.#start = this.#offset
  }

  /** What is left of this writer's room is the next writer's, unless another has begun behind it. */
  #giveBack(): void {
    if (this.#buffer === slab && this.#limit === slabUsed) slabUsed = this.#offset
    this.#limit = this.#offset
  }

  #reserve(size: number): void {
    if (this.#offset + size > this.#limit) this.#grow(size)
  }

  /** Sealed parts keep the old buffer; only what is not sealed moves, into a buffer of its own. */
  #grow(size: number): void {
    const pending = this.#buffer.subarray(this.#start, this.#offset)
    const capacity = Math.max(MIN_CAPACITY, 2 * (pending.length + size))
    const buffer = new Uint8Array(capacity)
    buffer.set(pending)
    this.#buffer = buffer
    this.#start = 0
    this.#offset = pending.length
    this.#limit = capacity
  }
}
