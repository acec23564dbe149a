import { utf8Decode } from './bytes.ts'
import { toHex } from './text-encodings.ts'
import { WireError } from './wire-error.ts'

/**
 * Reads what a ByteWriter wrote. It never reads past the end of its bytes, and it allocates nothing on the word
 * of a length or a count that the bytes left could not hold. Encodings are canonical: a varint that is longer than
 * it needs to be is malformed, so equal values have equal bytes.
 *
 * What it returns are views of the bytes it was given, which must not change afterwards.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  #offset = 0

  /** `what` names the bytes in errors: 'envelope', 'peer message'. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  /** Refuses the bytes: `problem` says what is wrong at this place. */
  fail(problem: string): never {
    throw new WireError(`malformed ${this.#what} of ${this.#bytes.length} bytes, at byte ${this.#offset}: ${problem}`)
  }

  u8(): number {
    if (this.#offset >= this.#bytes.length) this.fail('it ends too early')
    return this.#bytes[this.#offset++] as number
  }

  /** A byte below `limit`; `name` says of what. */
  byteBelow(limit: number, name: string): number {
    const value = this.u8()
    if (value >= limit) this.fail(`${value} is no ${name}`)
    return value
  }

  u32(): number {
    this.#expect(4)
    const bytes = this.#bytes
    const low = this.u8() | (this.u8() << 8) | (this.u8() << 16)
    return (low | ((bytes[this.#offset++] as number) << 24)) >>> 0
  }

  f64(): number {
    this.#expect(8)
    const value = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#offset, 8).getFloat64(0, true)
    this.#offset += 8
    return value
  }

  varint(): number {
    const first = this.u8()
    return first < 0x80 ? first : this.#longVarint(first)
  }

  /** A varint from `min` to `max`; `name` says of what. */
  varintWithin(min: number, max: number, name: string): number {
    const value = this.varint()
    if (value < min || value > max) this.fail(`the ${name} is ${value}: it must be from ${min} to ${max}`)
    return value
  }

  /** How many items follow: at most `max`, and no more than the bytes left can hold at `itemSize` bytes or more each. */
  count(max: number, itemSize: number, name: string): number {
    const count = this.varint()
    if (count > max) this.fail(`it claims ${count} ${name}: at most ${max} are allowed`)
    if (count * itemSize > this.remaining) this.fail(`it claims ${count} ${name}, but only ${this.remaining} bytes are left`)
    return count
  }

  /** A view of the next `length` bytes. */
  view(length: number): Uint8Array {
    this.#expect(length)
    const bytes = this.#bytes
    // Not subarray: that would hand on a subclass, such as a Buffer.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + this.#offset, length)
    this.#offset += length
    return view
  }

  /** A view of all bytes left. */
  rest(): Uint8Array {
    return this.view(this.remaining)
  }

  /** A view of length-prefixed bytes, `min` to `max` of them. */
  prefixed(min: number, max: number, name: string): Uint8Array {
    const length = this.varint()
    if (length < min || length > max) this.fail(`the ${name} has ${length} bytes: ${min} to ${max} are allowed`)
    return this.view(length)
  }

  /** Length-prefixed UTF-8 of `min` to `max` bytes. */
  string(min: number, max: number, name: string): string {
    const text = utf8Decode(this.prefixed(min, max, name))
    if (text === undefined) this.fail(`the ${name} is not valid UTF-8`)
    return text
  }

  /** 32 bytes as lower-case hexadecimal text. */
  hex32(): string {
    return toHex(this.view(32))
  }

  expectEnd(): void {
    if (this.remaining > 0) this.fail(`${this.remaining} bytes too many`)
  }

  #expect(length: number): void {
    if (length > this.remaining) this.fail(`${length} bytes should follow, but only ${this.remaining} are left`)
  }

  #longVarint(first: number): number {
    let value = first & 0x7f
    let weight = 0x80
    for (let i = 1; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * weight
      if (byte < 0x80) {
        if (byte === 0) this.fail('a number is longer than it needs to be')
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      weight *= 0x80
    }
    return this.fail('a number is larger than 2^53-1')
  }
}
