/** Bytes as text and back, for every JavaScript runtime in use: the methods of Uint8Array itself are newer than the clients of Aspen may be. */

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Two lower-case hexadecimal digits for each byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** The inverse of {@link toHex}, of upper-case digits too. @throws SyntaxError for anything else */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new SyntaxError('hexadecimal text has two digits for each byte')
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/** RFC 4648, section 5. */
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Base64 for URLs, without padding. */
export function toBase64url(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = bytes.subarray(i, i + 3)
    const bits = ((group[0] ?? 0) << 16) | ((group[1] ?? 0) << 8) | (group[2] ?? 0)
    for (let digit = 0; digit <= group.length; digit++) text += BASE64URL[(bits >> (18 - 6 * digit)) & 63]
  }
  return text
}

/** The inverse of {@link toBase64url}: takes exactly what that gives. @throws SyntaxError for anything else */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const digit of text) {
    const value = BASE64URL.indexOf(digit)
    if (value < 0) throw notBase64url()
    bits = ((bits << 6) | value) & 0xffff
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >> held) & 255
  }
  // Digits that are left over hold no byte, and bits that are left over hold nothing.
  if (held >= 6 || (bits & ((1 << held) - 1)) !== 0) throw notBase64url()
  return bytes
}

function notBase64url(): SyntaxError {
  return new SyntaxError('the text is not base64 for URLs without padding')
}

/** RFC 4648, section 6, in lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** Base32 in lower case, without padding: for what people read to each other. */
export function toBase32(bytes: Uint8Array): string {
  return inFives(bytes, BASE32)
}

/** https://philzimmermann.com/docs/human-oriented-base-32-encoding.txt */
const Z_BASE32 = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** z-base-32, in which iroh and pkarr write keys in names. */
export function toZBase32(bytes: Uint8Array): string {
  return inFives(bytes, Z_BASE32)
}

/** A digit for each five bits, the last one filled up with zeros. */
function inFives(bytes: Uint8Array, digits: string): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff
    for (held += 8; held >= 5; held -= 5) text += digits[(bits >> (held - 5)) & 31]
  }
  return held === 0 ? text : `${text}${digits[(bits << (5 - held)) & 31]}`
}

/** The inverse of {@link toBase32}, of upper-case letters too: takes exactly what that gives. @throws SyntaxError for anything else */
export function fromBase32(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const digit of text.toLowerCase()) {
    const value = BASE32.indexOf(digit)
    if (value < 0) throw notBase32()
    bits = ((bits << 5) | value) & 0xfff
    held += 5
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >> held) & 255
  }
  if (held >= 5 || (bits & ((1 << held) - 1)) !== 0) throw notBase32()
  return bytes
}

function notBase32(): SyntaxError {
  return new SyntaxError('the text is not base32 without padding')
}
