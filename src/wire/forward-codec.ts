import { ERROR_CATALOGUE, type ErrorCode, type ErrorDetails } from '../api/index.ts'
import { ByteReader, ByteWriter, readTaggedFields, utf8Encode, WireError, writeTaggedFields } from '../lib/index.ts'
import type { TaggedField } from '../lib/index.ts'
import type { ForwardReply, ForwardRequest } from './peer-message.ts'
import { MAX_ERROR_DETAILS_DEPTH, MAX_ERROR_TEXT_SIZE } from './wire-limits.ts'

/** By its code, what is asked. */
const OPERATIONS = { write: 1, admin: 2, found: 3 } as const

const MAX_CODE_SIZE = 64

// Fields behind an error.
const STATUS = 2
/** There when the request changed nothing and may succeed later; it has no bytes. */
const RETRYABLE = 4

export function writeForward(writer: ByteWriter, { id, operation, timeoutMs, body }: ForwardRequest): void {
  if (!isTimeout(timeoutMs)) throw new WireError(`a request cannot have ${timeoutMs} ms left`)
  writer.varint(id)
  writer.u8(OPERATIONS[operation])
  writer.f64(timeoutMs)
  writer.payload(body)
}

export function readForward(reader: ByteReader): ForwardRequest {
  const id = reader.varint()
  const code = reader.u8()
  const operation = operationOf(code) ?? reader.fail(`${code} is the code of no operation`)
  const timeoutMs = reader.f64()
  if (!isTimeout(timeoutMs)) reader.fail(`a request cannot have ${timeoutMs} ms left`)
  return { type: 'forward', id, operation, timeoutMs, body: reader.rest() }
}

function operationOf(code: number): ForwardRequest['operation'] | undefined {
  return (Object.keys(OPERATIONS) as ForwardRequest['operation'][]).find((operation) => OPERATIONS[operation] === code)
}

/** Zero has two encodings; one is enough. */
function isTimeout(timeoutMs: number): boolean {
  return timeoutMs >= 0 && timeoutMs <= Number.MAX_SAFE_INTEGER && !Object.is(timeoutMs, -0)
}

export function writeForwardReply(writer: ByteWriter, reply: ForwardReply): void {
  writer.varint(reply.id)
  if (reply.ok) return writer.payload(reply.body)
  writeErrorText(writer, reply)
}

/** An error as every answer carries it. The code may be one of a later version. */
export interface ErrorText {
  readonly code: string
  readonly message: string
  readonly details: ErrorDetails
}

/**
 * Every error has an encoding: text and details may quote what a user sent, and whoever waits is owed an answer. What is too long is
 * cut, what is no text is replaced, and details that have no JSON, or too much, are left out.
 */
export function writeErrorText(writer: ByteWriter, { code, message, details }: ErrorText): void {
  writer.string(code, 1, MAX_CODE_SIZE, 'error code')
  writer.string(fittingText(message), 0, MAX_ERROR_TEXT_SIZE, 'error message')
  writer.string(detailsToJson(details), 2, MAX_ERROR_TEXT_SIZE, 'error details')
  writeClass(writer, code)
}

/** A code that this version does not know reads as the one that a caller has to treat alike; the message and the details name it. */
export function readErrorText(reader: ByteReader): ErrorText & { readonly code: ErrorCode } {
  const code = reader.string(1, MAX_CODE_SIZE, 'error code')
  const message = reader.string(0, MAX_ERROR_TEXT_SIZE, 'error message')
  const details = detailsFromJson(reader.string(2, MAX_ERROR_TEXT_SIZE, 'error details'))
  if (details === undefined) reader.fail('the error details are not a plain JSON object')
  const fields = readTaggedFields(reader, [STATUS, RETRYABLE])
  if (isErrorCode(code)) return { code, message, details }
  const status = fields.get(STATUS)
  const alike = codeLike(status === undefined ? 500 : new ByteReader(status, 'status').varint(), fields.has(RETRYABLE))
  return { code: alike, message: `${code}: ${message}`, details: { ...details, later_code: code } }
}

/** How a caller has to treat an error is said beside its code, for callers that do not know the code. */
function writeClass(writer: ByteWriter, code: string): void {
  if (!isErrorCode(code)) return
  const { status, retryable } = ERROR_CATALOGUE[code]
  const value = new ByteWriter()
  value.varint(status)
  const fields: TaggedField[] = [[STATUS, value.finish()]]
  if (retryable) fields.push([RETRYABLE, new Uint8Array(0)])
  writeTaggedFields(writer, fields)
}

/** The code that means the same to a caller: whether it may send again, whether it was at fault, whether the outcome is known. */
function codeLike(status: number, retryable: boolean): ErrorCode {
  if (retryable) return 'NOT_APPLIED'
  if (status === ERROR_CATALOGUE.OUTCOME_UNKNOWN.status) return 'OUTCOME_UNKNOWN'
  if (status === ERROR_CATALOGUE.QUOTA_EXCEEDED.status) return 'QUOTA_EXCEEDED'
  return status >= 400 && status < 500 ? 'INVALID_REQUEST' : 'INTERNAL'
}

export function readForwardAnswer(reader: ByteReader): ForwardReply {
  return { type: 'forward-reply', id: reader.varint(), ok: true, body: reader.rest() }
}

export function readForwardError(reader: ByteReader): ForwardReply {
  const id = reader.varint()
  const { code, message, details } = readErrorText(reader)
  return { type: 'forward-reply', id, ok: false, code, message, details }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, code)
}

function fittingText(text: string): string {
  // A cut may part a pair of surrogates; a character takes three bytes at most for each of its units.
  const cut = 3 * text.length <= MAX_ERROR_TEXT_SIZE ? text : cutText(text)
  return cut.toWellFormed()
}

function cutText(text: string): string {
  const units = Math.floor(MAX_ERROR_TEXT_SIZE / 3)
  if (text.length > MAX_ERROR_TEXT_SIZE) return text.slice(0, units)
  return utf8Encode(text).length <= MAX_ERROR_TEXT_SIZE ? text : text.slice(0, units)
}

const LEFT_OUT: ErrorDetails = { details: 'left out: there is no JSON for them, or too much' }

function detailsToJson(details: ErrorDetails): string {
  let json: string | undefined
  try {
    json = JSON.stringify(details)
  } catch {
    return JSON.stringify(LEFT_OUT)
  }
  const sendable = json !== undefined && utf8Encode(json).length <= MAX_ERROR_TEXT_SIZE && detailsFromJson(json) !== undefined
  return sendable ? json : JSON.stringify(LEFT_OUT)
}

function detailsFromJson(json: string): ErrorDetails | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  return isObject(value) && isShallow(value, MAX_ERROR_DETAILS_DEPTH) ? value : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Details are printed, copied and serialized again by code that recurses, and copied with Object.assign, for
 * which a key `__proto__` is an instruction.
 */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0 || Object.hasOwn(value, '__proto__')) return false
  return Object.values(value).every((item) => isShallow(item, depth - 1))
}
