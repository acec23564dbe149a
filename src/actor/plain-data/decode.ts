import { ByteReader, toHex } from '../../lib/index.ts'
import {
  MAX_ACTOR_BIGINT_BYTES,
  MAX_ACTOR_MESSAGE_BYTES,
  MAX_ACTOR_MESSAGE_DEPTH,
  MAX_ACTOR_MESSAGE_VALUES,
} from '../../limits.ts'
import { arrayIndexOf, FORM } from './forms.ts'

/** The last that a Date can hold. */
const LAST_DATE_MS = 8.64e15

/**
 * The value that bytes of {@link encodePlainData} are of. It shares nothing with them, and takes no more than in proportion to them.
 * @throws WireError for everything that function does not write
 */
export function decodePlainData(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes, 'plain data')
  if (bytes.length > MAX_ACTOR_MESSAGE_BYTES) reader.fail(`more than ${MAX_ACTOR_MESSAGE_BYTES} bytes`)
  const value = new Decoder(reader).value(0)
  reader.expectEnd()
  return value
}

class Decoder {
  readonly #reader: ByteReader
  #left = MAX_ACTOR_MESSAGE_VALUES

  constructor(reader: ByteReader) {
    this.#reader = reader
  }

  /** `depth` containers are around it. */
  value(depth: number): unknown {
    const reader = this.#reader
    if (this.#left-- <= 0) reader.fail(`more than ${MAX_ACTOR_MESSAGE_VALUES} values`)
    const form = reader.u8()
    switch (form) {
      case FORM.undefined:
        return undefined
      case FORM.null:
        return null
      case FORM.false:
        return false
      case FORM.true:
        return true
      case FORM.integer:
        return reader.varint()
      case FORM.negativeInteger:
        return -1 - reader.varintWithin(0, Number.MAX_SAFE_INTEGER - 1, 'negative integer')
      case FORM.double:
        return this.#double()
      case FORM.nan:
        return NaN
      case FORM.bigint:
        return this.#bigint()
      case FORM.negativeBigint:
        return -1n - this.#bigint()
      case FORM.string:
        return reader.string(0, MAX_ACTOR_MESSAGE_BYTES, 'string')
      case FORM.bytes:
        return reader.prefixed(0, MAX_ACTOR_MESSAGE_BYTES, 'byte string').slice()
      case FORM.date:
        return this.#date()
      default:
        return this.#container(form, depth)
    }
  }

  #container(form: number, depth: number): unknown {
    if (depth >= MAX_ACTOR_MESSAGE_DEPTH) this.#reader.fail(`values ${depth + 1} levels deep`)
    switch (form) {
      case FORM.array:
        return this.#array(depth + 1)
      case FORM.object:
        return this.#object(depth + 1)
      case FORM.map:
        return this.#map(depth + 1)
      case FORM.set:
        return this.#set(depth + 1)
      default:
        return this.#reader.fail(`${form} is no form of a value`)
    }
  }

  #double(): number {
    const value = this.#reader.f64()
    if (Number.isNaN(value) || (Number.isSafeInteger(value) && !Object.is(value, -0)))
      this.#reader.fail('a double that has another form')
    return value
  }

  #bigint(): bigint {
    const bytes = this.#reader.prefixed(0, MAX_ACTOR_BIGINT_BYTES, 'bigint')
    if (bytes[0] === 0) this.#reader.fail('a bigint is longer than it needs to be')
    return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
  }

  #date(): Date {
    const reader = this.#reader
    const form = reader.u8()
    if (form === FORM.nan) return new Date(NaN)
    if (form === FORM.integer) return new Date(reader.varintWithin(0, LAST_DATE_MS, 'time'))
    if (form === FORM.negativeInteger) return new Date(-1 - reader.varintWithin(0, LAST_DATE_MS - 1, 'time'))
    return reader.fail(`${form} is no form of a time`)
  }

  #array(depth: number): unknown[] {
    const count = this.#reader.count(this.#left, 1, 'items')
    const array: unknown[] = []
    for (let at = 0; at < count; at++) array.push(this.value(depth))
    return array
  }

  #object(depth: number): object {
    const reader = this.#reader
    const count = reader.count(this.#left, 2, 'fields')
    const object: Record<string, unknown> = {}
    let last = -1
    let isBehindIndices = false
    for (let at = 0; at < count; at++) {
      const key = reader.string(0, MAX_ACTOR_MESSAGE_BYTES, 'key')
      const index = arrayIndexOf(key)
      if (index === -1) isBehindIndices = true
      else if (isBehindIndices || index <= last) reader.fail('a field that objects list earlier')
      else last = index
      this.#setField(object, key, this.value(depth))
    }
    return object
  }

  #setField(object: Record<string, unknown>, key: string, value: unknown): void {
    if (!(key in object)) object[key] = value
    else if (Object.hasOwn(object, key)) this.#reader.fail('a field is there twice')
    // What all objects inherit is neither called nor replaced: __proto__ becomes a field like any other.
    else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  }

  #map(depth: number): Map<unknown, unknown> {
    const count = this.#reader.count(this.#left / 2, 2, 'pairs')
    const map = new Map<unknown, unknown>()
    for (let at = 0; at < count; at++) {
      const key = this.#key(map, depth)
      map.set(key, this.value(depth))
    }
    return map
  }

  #set(depth: number): Set<unknown> {
    const count = this.#reader.count(this.#left, 1, 'items')
    const set = new Set<unknown>()
    for (let at = 0; at < count; at++) set.add(this.#key(set, depth))
    return set
  }

  #key(known: { has(key: unknown): boolean }, depth: number): unknown {
    const key = this.value(depth)
    // No map can hold it: it would have become 0.
    if (Object.is(key, -0)) this.#reader.fail('a key that is -0')
    if (known.has(key)) this.#reader.fail('a key is there twice')
    return key
  }
}
