import { ERROR_CATALOGUE, type ErrorCode, type ErrorDetails } from '../api/index.ts'
import { utf8Encode } from '../lib/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import type { ForwardReply, ForwardRequest } from './peer-message.ts'
import { MAX_ERROR_DETAILS_DEPTH, MAX_ERROR_TEXT_SIZE } from './wire-limits.ts'
import { WireError } from '../lib/index.ts'

const WRITE = 1
const ADMIN = 2

const MAX_CODE_SIZE = 64

export function writeForward(writer: ByteWriter, { id, operation, timeoutMs, body }: ForwardRequest): void {
  if (!isTimeout(timeoutMs)) throw new WireError(`a request cannot have ${timeoutMs} ms left`)
  writer.varint(id)
  writer.u8(operation === 'write' ? WRITE : ADMIN)
  writer.f64(timeoutMs)
  writer.payload(body)
}

export function readForward(reader: ByteReader): ForwardRequest {
  const id = reader.varint()
  const code = reader.u8()
  if (code !== WRITE && code !== ADMIN) reader.fail(`${code} is the code of no operation`)
  const timeoutMs = reader.f64()
  if (!isTimeout(timeoutMs)) reader.fail(`a request cannot have ${timeoutMs} ms left`)
  return { type: 'forward', id, operation: code === WRITE ? 'write' : 'admin', timeoutMs, body: reader.rest() }
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
}

export function readErrorText(reader: ByteReader): ErrorText {
  const code = reader.string(1, MAX_CODE_SIZE, 'error code')
  const message = reader.string(0, MAX_ERROR_TEXT_SIZE, 'error message')
  const details = detailsFromJson(reader.string(2, MAX_ERROR_TEXT_SIZE, 'error details'))
  if (details === undefined) reader.fail('the error details are not a plain JSON object')
  return { code, message, details }
}

export function readForwardAnswer(reader: ByteReader): ForwardReply {
  return { type: 'forward-reply', id: reader.varint(), ok: true, body: reader.rest() }
}

export function readForwardError(reader: ByteReader): ForwardReply {
  const id = reader.varint()
  const { code, message, details } = readErrorText(reader)
  if (!isErrorCode(code)) reader.fail(`${JSON.stringify(code)} is no error code known here`)
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
