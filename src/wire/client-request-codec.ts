import type { Data, ScanRequest } from '../api/index.ts'
import { ByteReader, ByteWriter, utf8Encode, WireError } from '../lib/index.ts'
import { MAX_KEY_SIZE, MAX_REQUEST_TIMEOUT_MS, MAX_SCAN_LIMIT, MAX_SCAN_TOKEN_SIZE } from '../limits.ts'
import { readClientRoute, writeClientRoute } from './route.ts'
import type { ClientRequest, ClientScan, UnreadableRequest } from './client-message.ts'

const WRITE = 1
const READ = 2
const SCAN = 3

const HAS_PREFIX = 1
const HAS_START = 2
const HAS_END = 4
const HAS_LIMIT = 8
const HAS_TOKEN = 16
const ALL_FLAGS = 31

/** A type, an id, a timeout, and most keys. */
const TYPICAL_SIZE = 64

/** A request in parts to be joined. @throws WireError when it is not one a node could take */
export function encodeClientRequest(request: ClientRequest): Uint8Array[] {
  const writer = new ByteWriter(TYPICAL_SIZE)
  writeClientRoute(writer)
  writer.u8(request.type === 'write' ? WRITE : request.type === 'read' ? READ : SCAN)
  writer.varint(request.id)
  if (request.timeoutMs < 1 || request.timeoutMs > MAX_REQUEST_TIMEOUT_MS) {
    throw new WireError(`a request has ${request.timeoutMs} ms: 1 to ${MAX_REQUEST_TIMEOUT_MS} are allowed`)
  }
  writer.varint(request.timeoutMs)
  if (request.type === 'write') writer.payload(request.envelope)
  else if (request.type === 'read') writer.raw(request.key)
  else writeScan(writer, request.request)
  return writer.finishParts()
}

/**
 * Bytes of the result are views of `bytes`. Commands and keys are left to whoever carries them out.
 * @throws WireError when not even the id of the request can be read; {@link UnknownMessageError} for an unknown channel or group
 */
export function decodeClientRequest(bytes: Uint8Array): ClientRequest | UnreadableRequest {
  const reader = new ByteReader(bytes, 'client request')
  readClientRoute(reader)
  const type = reader.u8()
  const id = reader.varint()
  try {
    const timeoutMs = reader.varintWithin(1, MAX_REQUEST_TIMEOUT_MS, 'timeout')
    if (type === WRITE) return { type: 'write', id, timeoutMs, envelope: reader.rest() }
    if (type === READ) return { type: 'read', id, timeoutMs, key: reader.rest() }
    if (type === SCAN) return { type: 'scan', id, timeoutMs, request: readScan(reader) }
    return reader.fail(`${type} is the code of no request`)
  } catch (error) {
    if (error instanceof WireError) return { type: 'unreadable', id, problem: error.message }
    throw error
  }
}

function writeScan(writer: ByteWriter, { prefix, start, end, limit, token }: ClientScan['request']): void {
  const flag = (value: unknown, bit: number): number => (value === undefined ? 0 : bit)
  writer.u8(
    flag(prefix, HAS_PREFIX) | flag(start, HAS_START) | flag(end, HAS_END) | flag(limit, HAS_LIMIT) | flag(token, HAS_TOKEN),
  )
  for (const bound of [prefix, start, end]) if (bound !== undefined) writeBound(writer, bound)
  if (limit !== undefined) writer.varint(limit)
  if (token !== undefined) writer.string(token, 0, MAX_SCAN_TOKEN_SIZE, 'token')
}

function writeBound(writer: ByteWriter, bound: Data): void {
  writer.prefixed(typeof bound === 'string' ? utf8Encode(bound) : bound)
}

function readScan(reader: ByteReader): ScanRequest {
  const flags = reader.u8()
  if (flags > ALL_FLAGS) reader.fail(`the flags ${flags} are not known here`)
  const bound = (bit: number, name: 'prefix' | 'start' | 'end'): ScanRequest =>
    (flags & bit) === 0 ? {} : { [name]: reader.prefixed(0, MAX_KEY_SIZE, name) }
  const request = {
    ...bound(HAS_PREFIX, 'prefix'),
    ...bound(HAS_START, 'start'),
    ...bound(HAS_END, 'end'),
    ...((flags & HAS_LIMIT) === 0 ? {} : { limit: reader.varintWithin(0, MAX_SCAN_LIMIT, 'limit') }),
    ...((flags & HAS_TOKEN) === 0 ? {} : { token: reader.string(0, MAX_SCAN_TOKEN_SIZE, 'token') }),
  }
  reader.expectEnd()
  return request
}
