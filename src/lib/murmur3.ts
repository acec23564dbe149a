/** MurmurHash3 (Appleby), x86, 128 bits: tells bytes from other bytes, fast; no proof against who looks for a collision. */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/** From so many bytes on, a view costs less than putting words together from bytes. */
const VIEW_FROM = 192

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

function mix(x: number): number {
  let h = x ^ (x >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function scramble(k: number, first: number, by: number, second: number): number {
  return Math.imul(rotate(Math.imul(k, first), by), second)
}

/** The word of four bytes at `at`, the lowest first. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** The same, where some of the bytes may lie beyond the end: those are 0. */
function partAt(bytes: Uint8Array, at: number): number {
  if (at + 4 <= bytes.length) return wordAt(bytes, at)
  let word = 0
  for (let place = at; place < bytes.length; place++) word |= (bytes[place] as number) << (8 * (place - at))
  return word
}

/** A hash of what is given to it piece by piece. One object serves one hash after the other: see {@link Murmur3.begin}. */
export class Murmur3 {
  #h1 = 0
  #h2 = 0
  #h3 = 0
  #h4 = 0
  #length = 0

  begin(): void {
    this.#h1 = 0
    this.#h2 = 0
    this.#h3 = 0
    this.#h4 = 0
    this.#length = 0
  }

  /** Four words of 32 bits: one round. */
  words(k1: number, k2: number, k3: number, k4: number): void {
    this.#length += 16
    let h1 = this.#h1
    let h2 = this.#h2
    let h3 = this.#h3
    let h4 = this.#h4
    h1 = (Math.imul(rotate(h1 ^ scramble(k1, C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0
    h2 = (Math.imul(rotate(h2 ^ scramble(k2, C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0
    h3 = (Math.imul(rotate(h3 ^ scramble(k3, C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0
    h4 = (Math.imul(rotate(h4 ^ scramble(k4, C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0
    this.#h1 = h1
    this.#h2 = h2
    this.#h3 = h3
    this.#h4 = h4
  }

  /**
   * Bytes behind which something else follows. What is left of them beyond whole rounds is a round as well, filled up with zeros: the caller
   * says their number in `words`. Without that round equal ends of two pieces would cancel each other out.
   */
  piece(bytes: Uint8Array): void {
    const end = this.#wholeRounds(bytes)
    this.words(partAt(bytes, end), partAt(bytes, end + 4), partAt(bytes, end + 8), partAt(bytes, end + 12))
  }

  /** The last bytes. */
  bytes(bytes: Uint8Array): void {
    const end = this.#wholeRounds(bytes)
    this.#length += bytes.length - end
    this.#h1 ^= scramble(partAt(bytes, end), C1, 15, C2)
    this.#h2 ^= scramble(partAt(bytes, end + 4), C2, 16, C3)
    this.#h3 ^= scramble(partAt(bytes, end + 8), C3, 17, C4)
    this.#h4 ^= scramble(partAt(bytes, end + 12), C4, 18, C1)
  }

  #wholeRounds(bytes: Uint8Array): number {
    const end = bytes.length - (bytes.length % 16)
    if (bytes.length < VIEW_FROM) this.#rounds(bytes, end)
    else this.#longRounds(new DataView(bytes.buffer, bytes.byteOffset, end))
    return end
  }

  #rounds(bytes: Uint8Array, end: number): void {
    let h1 = this.#h1
    let h2 = this.#h2
    let h3 = this.#h3
    let h4 = this.#h4
    for (let at = 0; at < end; at += 16) {
      h1 = (Math.imul(rotate(h1 ^ scramble(wordAt(bytes, at), C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0
      h2 = (Math.imul(rotate(h2 ^ scramble(wordAt(bytes, at + 4), C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0
      h3 = (Math.imul(rotate(h3 ^ scramble(wordAt(bytes, at + 8), C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0
      h4 = (Math.imul(rotate(h4 ^ scramble(wordAt(bytes, at + 12), C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0
    }
    this.#length += end
    this.#h1 = h1
    this.#h2 = h2
    this.#h3 = h3
    this.#h4 = h4
  }

  #longRounds(view: DataView): void {
    let h1 = this.#h1
    let h2 = this.#h2
    let h3 = this.#h3
    let h4 = this.#h4
    const end = view.byteLength
    for (let at = 0; at < end; at += 16) {
      h1 = (Math.imul(rotate(h1 ^ scramble(view.getInt32(at, true), C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0
      h2 = (Math.imul(rotate(h2 ^ scramble(view.getInt32(at + 4, true), C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0
      h3 = (Math.imul(rotate(h3 ^ scramble(view.getInt32(at + 8, true), C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0
      h4 = (Math.imul(rotate(h4 ^ scramble(view.getInt32(at + 12, true), C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0
    }
    this.#length += end
    this.#h1 = h1
    this.#h2 = h2
    this.#h3 = h3
    this.#h4 = h4
  }

  /** Ends the hash: its first 64 bits are `high` and `low` from now on, as signed integers. */
  finish(): void {
    const length = this.#length
    const h1 = ((this.#h1 ^ length) + (this.#h2 ^ length) + (this.#h3 ^ length) + (this.#h4 ^ length)) | 0
    const m2 = mix(((this.#h2 ^ length) + h1) | 0)
    this.#h1 = (mix(h1) + m2 + mix(((this.#h3 ^ length) + h1) | 0) + mix(((this.#h4 ^ length) + h1) | 0)) | 0
    this.#h2 = (m2 + this.#h1) | 0
  }

  get high(): number {
    return this.#h1
  }

  get low(): number {
    return this.#h2
  }
}

const one = new Murmur3()

/** The first 64 of the 128 bits, as 8 bytes. */
export function murmur64(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  one.begin()
  one.bytes(bytes)
  one.finish()
  const hash = new Uint8Array(8)
  const out = new DataView(hash.buffer)
  out.setInt32(0, one.high)
  out.setInt32(4, one.low)
  return hash
}
