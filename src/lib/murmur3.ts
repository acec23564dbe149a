/** MurmurHash3 (Appleby), x86, 128 bits: tells bytes from other bytes, fast; no proof against who looks for a collision. */

const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

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

/** The first 64 of the 128 bits, as 8 bytes. */
export function murmur64(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let [h1, h2, h3, h4] = [0, 0, 0, 0]
  const end = bytes.length - (bytes.length % 16)
  for (let at = 0; at < end; at += 16) {
    h1 ^= scramble(view.getInt32(at, true), C1, 15, C2)
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= scramble(view.getInt32(at + 4, true), C2, 16, C3)
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= scramble(view.getInt32(at + 8, true), C3, 17, C4)
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= scramble(view.getInt32(at + 12, true), C4, 18, C1)
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }
  const tail = [0, 0, 0, 0]
  for (let at = end; at < bytes.length; at++) {
    const place = at - end
    tail[place >> 2] = (tail[place >> 2] as number) | ((bytes[at] as number) << (8 * (place & 3)))
  }
  const [t1, t2, t3, t4] = tail as [number, number, number, number]
  h1 ^= scramble(t1, C1, 15, C2) ^ bytes.length
  h2 ^= scramble(t2, C2, 16, C3) ^ bytes.length
  h3 ^= scramble(t3, C3, 17, C4) ^ bytes.length
  h4 ^= scramble(t4, C4, 18, C1) ^ bytes.length
  h1 = (h1 + h2 + h3 + h4) | 0
  const [m1, m2, m3, m4] = [mix(h1), mix((h2 + h1) | 0), mix((h3 + h1) | 0), mix((h4 + h1) | 0)]
  const first = (m1 + m2 + m3 + m4) | 0
  const hash = new Uint8Array(8)
  const out = new DataView(hash.buffer)
  out.setInt32(0, first)
  out.setInt32(4, (m2 + first) | 0)
  return hash
}
