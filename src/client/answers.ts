/** The JSON of the HTTP API as the types of the public interfaces. */
import { AspenError, ERROR_CATALOGUE } from '../api/index.ts'
import type { ErrorCode, ErrorDetails, KeyValue, OperationResult, ScanPage, WriteResult } from '../api/index.ts'
import { resultFromJson } from '../commands/index.ts'
import type { Answer } from './exchange.ts'

/** A JSON object, its members not yet looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object in an answer, or undefined when it is something else: then it does not come from a node. */
export function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code)
}

/** The error a node refused with, or undefined when the answer is none of a node's refusals. */
export function refusalIn(answer: Answer): AspenError | undefined {
  const error = objectIn(answer.text)?.['error']
  if (!isObject(error) || typeof error['message'] !== 'string') return undefined
  const details: ErrorDetails = isObject(error['details']) ? error['details'] : {}
  if (isErrorCode(error['code'])) return new AspenError(error['code'], error['message'], details)
  return new AspenError('INTERNAL', `the node answered ${String(error['code'])}: ${error['message']}`, details)
}

/** Thrown where an answer lacks what it must have; the caller knows what that means for its request. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer'
}

function number(value: unknown): number {
  if (typeof value === 'number') return value
  throw new MalformedAnswer('a number is missing in the answer')
}

function object(value: unknown): JsonObject {
  if (isObject(value)) return value
  throw new MalformedAnswer('an object is missing in the answer')
}

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new MalformedAnswer('a list is missing in the answer')
}

function bytes(value: unknown): Uint8Array {
  if (typeof value === 'string') return new Uint8Array(Buffer.from(value, 'base64'))
  throw new MalformedAnswer('a value is missing in the answer')
}

/** An entry whose value, and key where it has one, are in base64. */
export function toEntry(json: unknown, key?: Uint8Array): KeyValue {
  const entry = object(json)
  return {
    key: key ?? bytes(entry['key']),
    value: bytes(entry['value']),
    createRevision: number(entry['create_revision']),
    modRevision: number(entry['mod_revision']),
    version: number(entry['version']),
  }
}

export function toWriteResult(json: JsonObject): WriteResult {
  const position = object(json['log_id'])
  const logId = { term: number(position['term']), index: number(position['index']) }
  const revision = json['revision'] === undefined ? {} : { revision: number(json['revision']) }
  if (typeof json['succeeded'] !== 'boolean') return { logId, ...revision }
  const results = list(json['results']).map((result) => toOperationResult(object(result)))
  return { logId, ...revision, txn: { succeeded: json['succeeded'], results } }
}

function toOperationResult(json: JsonObject): OperationResult {
  const result = resultFromJson(json, (entry) => toEntry(entry))
  if (result !== undefined) return result
  throw new MalformedAnswer(`${Object.keys(json).join()} is the result of no operation known here`)
}

export function toScanPage(json: JsonObject): ScanPage {
  const { token } = json
  if (token !== null && typeof token !== 'string') throw new MalformedAnswer('the token is missing in the answer')
  return { entries: list(json['entries']).map((entry) => toEntry(entry)), token }
}

/** The same JSON with member names in camel case; for answers whose names are all the API's own. */
export function camelCase(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(camelCase)
  if (!isObject(json)) return json
  const renamed = Object.entries(json).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()),
    camelCase(value),
  ])
  return Object.fromEntries(renamed)
}
