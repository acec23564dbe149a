import { ByteWriter, fromHex, unreachable } from '../../lib/index.ts'
import {
  MAX_ACTOR_BIGINT_BYTES,
  MAX_ACTOR_MESSAGE_BYTES,
  MAX_ACTOR_MESSAGE_DEPTH,
  MAX_ACTOR_MESSAGE_VALUES,
} from '../../limits.ts'
import { FORM } from './forms.ts'

/** Something that is no plain data, or more of it than a message holds. Its message begins with the path to it. */
export class PlainDataError extends Error {
  override readonly name = 'PlainDataError'
}

/** Where in a value something stands: a key, an index, or what is neither. */
type Step = string | number | readonly [string]

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
const MAX_SAID_KEY = 60
const MAX_SAID_WORDS = 200

/**
 * The bytes of plain data: undefined, null, booleans, numbers, bigints, strings, Uint8Arrays, dates, and arrays, plain objects, maps and
 * sets of them. An object is its own enumerable fields with string keys. What is there twice becomes two; a cycle is refused. The bytes
 * share nothing with the value.
 *
 * Whatever the value does meanwhile, as a proxy, a getter or a class that pretends, the worst of it is a refusal.
 *
 * `root` is what the value is called in errors. @throws PlainDataError
 */
export function encodePlainData(value: unknown, root = 'body'): Uint8Array {
  const encoder = new Encoder(root)
  try {
    return encoder.encode(value)
  } catch (error) {
    if (error instanceof PlainDataError) throw error
    throw encoder.unreadable(error)
  }
}

class Encoder {
  readonly #writer = new ByteWriter()
  readonly #root: string
  /** The way to the value at hand, and the containers on it. */
  readonly #steps: Step[] = []
  readonly #containers: object[] = []
  #left = MAX_ACTOR_MESSAGE_VALUES

  constructor(root: string) {
    this.#root = root
  }

  encode(value: unknown): Uint8Array {
    this.#value(value)
    this.#checkSize(0)
    return this.#writer.finish()
  }

  unreadable(error: unknown): PlainDataError {
    return new PlainDataError(`${this.#path()} cannot be read: ${wordsOf(error)}`, { cause: error })
  }

  #value(value: unknown): void {
    if (this.#left-- <= 0) this.#refuse(`is one value too many: a message holds at most ${MAX_ACTOR_MESSAGE_VALUES}`)
    const writer = this.#writer
    switch (typeof value) {
      case 'string':
        writer.u8(FORM.string)
        return this.#string(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return writer.u8(value ? FORM.true : FORM.false)
      case 'undefined':
        return writer.u8(FORM.undefined)
      case 'bigint':
        return this.#bigint(value)
      case 'object':
        if (value === null) return writer.u8(FORM.null)
        return this.#object(value)
      case 'function':
      case 'symbol':
        return this.#refuse(`is a ${typeof value}: only plain data can be sent`)
      default:
        return unreachable(value as never)
    }
  }

  #string(text: string): void {
    if (!text.isWellFormed()) this.#refuse('is, or has as a key, a string with a lone surrogate, which is no valid Unicode')
    this.#checkSize(text.length)
    this.#writer.text(text)
  }

  #number(value: number): void {
    const writer = this.#writer
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      writer.u8(value < 0 ? FORM.negativeInteger : FORM.integer)
      writer.varint(value < 0 ? -1 - value : value)
    } else if (Number.isNaN(value)) {
      writer.u8(FORM.nan)
    } else {
      writer.u8(FORM.double)
      writer.f64(value)
    }
  }

  #bigint(value: bigint): void {
    const writer = this.#writer
    const magnitude = value < 0n ? -1n - value : value
    if (magnitude >> BigInt(8 * MAX_ACTOR_BIGINT_BYTES) !== 0n)
      this.#refuse(`is a bigint of more than ${MAX_ACTOR_BIGINT_BYTES} bytes, and too large to be sent`)
    const hex = magnitude === 0n ? '' : magnitude.toString(16)
    writer.u8(value < 0n ? FORM.negativeBigint : FORM.bigint)
    writer.prefixed(fromHex(hex.length % 2 === 0 ? hex : `0${hex}`))
  }

  #object(value: object): void {
    const containers = this.#containers
    if (containers.includes(value)) this.#refuse('contains itself: a cycle cannot be sent')
    if (containers.length >= MAX_ACTOR_MESSAGE_DEPTH)
      this.#refuse(`lies deeper than ${MAX_ACTOR_MESSAGE_DEPTH} levels, and cannot be sent`)
    if (Array.isArray(value)) return this.#array(value)
    const prototype = Object.getPrototypeOf(value) as unknown
    if (prototype === Object.prototype || prototype === null) return this.#fields(value as Record<string, unknown>)
    if (ArrayBuffer.isView(value) && value instanceof Uint8Array) return this.#bytes(value)
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>)
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>)
    if (prototype === Date.prototype) return this.#date(value as Date)
    const name = (prototype as { constructor?: { name?: unknown } }).constructor?.name
    const said = typeof name === 'string' && name !== '' ? shorten(name, MAX_SAID_KEY) : 'a class'
    this.#refuse(`is an instance of ${said}: only plain data can be sent`)
  }

  #array(array: readonly unknown[]): void {
    const { length } = array
    this.#open(FORM.array, array, length)
    for (let at = 0; at < length; at++) {
      const item = array[at]
      this.#steps.push(at)
      if (item === undefined && !Object.hasOwn(array, at)) this.#refuse('is a hole of an array: give undefined or null')
      this.#value(item)
      this.#steps.pop()
    }
    this.#containers.pop()
  }

  #fields(object: Readonly<Record<string, unknown>>): void {
    const keys = Object.keys(object)
    this.#open(FORM.object, object, keys.length)
    for (const key of keys) {
      this.#steps.push(key)
      this.#string(key)
      this.#value(object[key])
      this.#steps.pop()
    }
    this.#containers.pop()
  }

  #map(map: ReadonlyMap<unknown, unknown>): void {
    // Those that a getter of one adds or takes away while it is read are not in it.
    const pairs = [...Map.prototype.entries.call(map)]
    this.#open(FORM.map, map, pairs.length)
    for (const [at, [key, value]] of pairs.entries()) {
      this.#inside([`<key ${at}>`], key)
      this.#inside([`<value ${at}>`], value)
    }
    this.#containers.pop()
  }

  #set(set: ReadonlySet<unknown>): void {
    const items = [...Set.prototype.values.call(set)]
    this.#open(FORM.set, set, items.length)
    for (const [at, item] of items.entries()) this.#inside([`<item ${at}>`], item)
    this.#containers.pop()
  }

  #inside(step: Step, value: unknown): void {
    this.#steps.push(step)
    this.#value(value)
    this.#steps.pop()
  }

  #open(form: number, container: object, count: number): void {
    // So that a list that only says that it is long costs nothing.
    if (count > this.#left) this.#refuse(`has ${count} items or fields: a message holds at most ${MAX_ACTOR_MESSAGE_VALUES}`)
    this.#checkSize(count)
    this.#containers.push(container)
    this.#writer.u8(form)
    this.#writer.varint(count)
  }

  #bytes(given: Uint8Array): void {
    // A copy of its own, of what the array really has, whatever it says of its length.
    const bytes = new Uint8Array(given)
    this.#checkSize(bytes.length)
    this.#writer.u8(FORM.bytes)
    this.#writer.varint(bytes.length)
    this.#writer.payload(bytes)
  }

  #date(date: Date): void {
    const time = Date.prototype.getTime.call(date)
    this.#writer.u8(FORM.date)
    this.#number(time)
  }

  #checkSize(more: number): void {
    if (this.#writer.size + more > MAX_ACTOR_MESSAGE_BYTES)
      this.#refuse(`is where the message becomes larger than ${MAX_ACTOR_MESSAGE_BYTES} bytes`)
  }

  #refuse(problem: string): never {
    throw new PlainDataError(`${this.#path()} ${problem}`)
  }

  #path(): string {
    let path = this.#root
    for (const step of this.#steps) {
      if (typeof step === 'number') path += `[${step}]`
      else if (typeof step !== 'string') path += step[0]
      else
        path +=
          IDENTIFIER.test(step) && step.length <= MAX_SAID_KEY ? `.${step}` : `[${JSON.stringify(shorten(step, MAX_SAID_KEY))}]`
    }
    return path
  }
}

function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`
}

/** Of anything that was thrown, even if it cannot be looked at. */
function wordsOf(error: unknown): string {
  try {
    return shorten(error instanceof Error ? error.message : String(error), MAX_SAID_WORDS)
  } catch {
    return 'it throws what cannot be read either'
  }
}
