/** Bencoding (BEP 3), of packets that anybody may have sent. */

/** Byte strings are bytes, and keys of dictionaries Latin-1 text of theirs. */
export type Bencoded = number | Uint8Array | readonly Bencoded[] | BencodedDictionary
export type BencodedDictionary = ReadonlyMap<string, Bencoded>

const MAX_DEPTH = 8
const CODE_OF = { i: 0x69, l: 0x6c, d: 0x64, e: 0x65, colon: 0x3a } as const

export function encodeBencode(value: Bencoded): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`)
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value])
  if (value instanceof Map) {
    const entries = [...(value as BencodedDictionary)].map(([key, item]) => [Buffer.from(key, 'latin1'), item] as const)
    entries.sort(([a], [b]) => Buffer.compare(a, b))
    return Buffer.concat([
      Buffer.from('d'),
      ...entries.flatMap(([key, item]) => [encodeBencode(key), encodeBencode(item)]),
      Buffer.from('e'),
    ])
  }
  return Buffer.concat([Buffer.from('l'), ...(value as readonly Bencoded[]).map(encodeBencode), Buffer.from('e')])
}

/** @throws SyntaxError for anything but one whole value; for numbers that no number is exact for, as well */
export function decodeBencode(bytes: Buffer): Bencoded {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (!reader.isAtEnd) throw new SyntaxError('there is more behind the value')
  return value
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): Bencoded {
    if (depth > MAX_DEPTH) throw new SyntaxError('it is nested too deeply')
    const code = this.#bytes[this.#at]
    if (code === CODE_OF.i) {
      this.#at++
      return this.#number(CODE_OF.e, /^(?:0|-?[1-9]\d*)$/)
    }
    if (code === CODE_OF.l) return this.#list(depth)
    if (code === CODE_OF.d) return this.#dictionary(depth)
    return this.#string()
  }

  /** Digits up to this code. */
  #number(end: number, form: RegExp): number {
    const until = this.#bytes.indexOf(end, this.#at)
    const text = until < 0 || until - this.#at > 17 ? '' : this.#bytes.toString('latin1', this.#at, until)
    const value = Number(text)
    if (!form.test(text) || !Number.isSafeInteger(value)) throw new SyntaxError('it has no number where one belongs')
    this.#at = until + 1
    return value
  }

  #string(): Buffer {
    const size = this.#number(CODE_OF.colon, /^(?:0|[1-9]\d*)$/)
    const end = this.#at + size
    if (end > this.#bytes.length) throw new SyntaxError('a string is longer than what there is')
    const value = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return value
  }

  #list(depth: number): Bencoded[] {
    const items: Bencoded[] = []
    this.#at++
    while (!this.#ends()) items.push(this.value(depth + 1))
    return items
  }

  #dictionary(depth: number): BencodedDictionary {
    const items = new Map<string, Bencoded>()
    this.#at++
    while (!this.#ends()) {
      const key = this.#string().toString('latin1')
      if (items.has(key)) throw new SyntaxError('a key is there twice')
      items.set(key, this.value(depth + 1))
    }
    return items
  }

  /** Steps over the end of a list or a dictionary, if it is here. */
  #ends(): boolean {
    if (this.#bytes[this.#at] !== CODE_OF.e) return false
    this.#at++
    return true
  }
}
