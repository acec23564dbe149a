/**
 * What a program hands over, looked at before anything is done with it: types are a promise that JavaScript does not keep. Each
 * field is read once, so that what was checked is what is used. Whatever is wrong is an INVALID_REQUEST that names it.
 */
import { AspenError } from './errors.ts'

/** The fields of an object that are there, each read once. */
export type Given = Readonly<Record<string, unknown>>

const MAX_QUOTED = 40

const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object

/** What an object says of itself can be forged and overridden; what the runtime knows of a typed array cannot, in any realm. */
function trulyOf(of: object, property: 'buffer' | 'byteOffset' | 'length' | typeof Symbol.toStringTag): unknown {
  return Reflect.get(TYPED_ARRAY, property, of)
}

/** `Uint8Array` and the like; undefined for what is no typed array. */
function typedArrayName(value: object): string | undefined {
  return trulyOf(value, Symbol.toStringTag) as string | undefined
}

export function invalid(message: string): AspenError {
  return new AspenError('INVALID_REQUEST', message)
}

/** What a value is, in words, without running any code of its own. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object') return `the ${typeof value} ${short(`${value as string | number | boolean | bigint}`)}`
  const name = typedArrayName(value)
  if (name !== undefined) return /^[AEIOU]/.test(name) && !name.startsWith('U') ? `an ${name}` : `a ${name}`
  return isList(value) ? 'an array' : 'an object'
}

/** A mistake may be of any length; what is said of it is not. */
function short(text: string): string {
  return text.length <= MAX_QUOTED ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, MAX_QUOTED))}...`
}

function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** Runs checks of `what`; a getter or a proxy that throws is the fault of who made it. */
export function checked<T>(what: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (error instanceof AspenError) throw error
    throw invalid(`${what} cannot be read: a part of it throws when it is looked at`)
  }
}

/** The fields of an object, which may have these and no others; one that is undefined is absent. */
export function givenFields(value: unknown, what: string, known: readonly string[]): Given {
  return copyOf(value, known) ?? pickedFrom(value, what, known)
}

/** The shortest way for what nearly everybody gives, literals and what JSON.parse makes; undefined for all else. */
function copyOf(value: unknown, known: readonly string[]): Given | undefined {
  if (!isLiteral(value)) return undefined
  const copy: Given = { ...value }
  let count = 0
  for (const name in copy) {
    if (copy[name] === undefined || !known.includes(name)) return undefined
    count++
  }
  return count > 0 ? copy : undefined
}

function pickedFrom(value: unknown, what: string, known: readonly string[]): Given {
  checkFields(value, what, known)
  const fields: Record<string, unknown> = {}
  let count = 0
  for (const name of known) {
    const field = (value as Given)[name]
    if (field === undefined) continue
    fields[name] = field
    count++
  }
  if (count === 0 && !isPlain(value)) throw noObject(value, what, known)
  return fields
}

/** What is said of an object that has a field beyond those it may have, whoever looks at it. */
export function surplusField(name: string, known: readonly string[]): string {
  return `has a field ${short(name)}: it may have ${known.join(', ') || 'none'}`
}

/** It is an object, and has no other fields. Runs for every request: nothing is made here but what a refusal needs. */
function checkFields(value: unknown, what: string, known: readonly string[]): asserts value is object {
  if (typeof value !== 'object' || value === null || isList(value)) throw noObject(value, what, known)
  // What is inherited is none of its fields; to list its own costs more than to pass over what is not.
  for (const name in value) {
    if (!known.includes(name) && Object.hasOwn(value, name)) throw invalid(`${what} ${surplusField(name, known)}`)
  }
}

/** An object that inherits no fields. */
function isLiteral(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !isList(value) && Object.getPrototypeOf(value) === Object.prototype
}

/** Of any realm. Others are no collection of fields, but an AbortSignal, a Map or a promise, say. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function noObject(value: unknown, what: string, known: readonly string[]): AspenError {
  return invalid(`${what} is ${kindOf(value)}: give an object with ${known.join(', ')}`)
}

/** The one field that an object has. */
export function givenVariant(value: unknown, what: string, known: readonly string[]): readonly [name: string, field: unknown] {
  return onlyFieldOf(value, known) ?? pickedVariant(value, what, known)
}

/** As {@link copyOf}. */
function onlyFieldOf(value: unknown, known: readonly string[]): readonly [name: string, field: unknown] | undefined {
  if (!isLiteral(value)) return undefined
  let only: string | undefined
  for (const name in value) {
    if (only !== undefined || !known.includes(name)) return undefined
    only = name
  }
  if (only === undefined) return undefined
  const field = value[only]
  return field === undefined ? undefined : [only, field]
}

function pickedVariant(value: unknown, what: string, known: readonly string[]): readonly [name: string, field: unknown] {
  checkFields(value, what, known)
  let found: readonly [name: string, field: unknown] | undefined
  let others = ''
  for (const name of known) {
    const field = (value as Given)[name]
    if (field === undefined) continue
    if (found === undefined) found = [name, field]
    else others += ` and ${name}`
  }
  if (found === undefined && !isPlain(value)) throw noObject(value, what, known)
  if (found !== undefined && others === '') return found
  const has = found === undefined ? 'none of them' : `${found[0]}${others}`
  throw invalid(`${what} is one of ${known.join(', ')}: this one has ${has}`)
}

/** The length of a list, before anything in it is looked at. */
export function givenLength(value: unknown, what: string): number {
  if (!isList(value)) throw invalid(`${what} is ${kindOf(value)}: give an array`)
  return value.length
}

/** Every item of a list, holes too. */
export function givenItems<T>(value: unknown, length: number, item: (value: unknown) => T): T[] {
  return Array.from({ length }, (_, i) => item((value as readonly unknown[])[i]))
}

export function givenChoice(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw invalid(`${what} is ${kindOf(value)}: it must be true or false`)
  return value
}

/** A whole number from `min`. */
export function givenWhole(value: unknown, what: string, min: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min) return value as number
  throw invalid(`${what} is ${typeof value === 'number' ? value : kindOf(value)}: it must be a whole number from ${min}`)
}

/** Any number between the bounds. */
export function givenNumber(value: unknown, what: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw invalid(`${what} is ${typeof value === 'number' ? value : kindOf(value)}: it must be a number from ${min} to ${max}`)
}

export function givenText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw invalid(`${what} is ${kindOf(value)}: give text`)
  if (!value.isWellFormed()) throw invalid(`${what} has a lone surrogate: it is not valid Unicode`)
  return value
}

/** Text as it is; bytes as a plain view, or as a copy where their memory is shared or may shrink. */
export function givenData(value: unknown, what: string): string | Uint8Array {
  if (typeof value === 'string') return givenText(value, what)
  if (typeof value !== 'object' || value === null || typedArrayName(value) !== 'Uint8Array') {
    throw invalid(`${what} is ${kindOf(value)}: give text or a Uint8Array`)
  }
  const length = trulyOf(value, 'length') as number
  const buffer = trulyOf(value, 'buffer') as ArrayBufferLike
  const stays = 'resizable' in buffer && !buffer.resizable
  if (length > 0 && stays) return new Uint8Array(buffer, trulyOf(value, 'byteOffset') as number, length)
  try {
    return new Uint8Array(value as Uint8Array)
  } catch {
    throw invalid(`${what} is a view of memory that has been detached or cut short`)
  }
}
