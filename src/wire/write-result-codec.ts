import type { KeyValue, OperationResult, WriteResult } from '../api/index.ts'
import { MAX_TXN_OPERATIONS } from '../limits.ts'
import { ByteReader, ByteWriter, WireError } from '../lib/index.ts'
import { readKey, readValue, writeKey, writeValue } from './key-value-codec.ts'

const VERSION = 1

const PLAIN = 0
const TXN_FAILED = 1
const TXN_SUCCEEDED = 2

const DID_SET = 1
const DELETED_NOTHING = 2
const DELETED = 3
const FOUND_NOTHING = 4
const FOUND = 5

type Txn = NonNullable<WriteResult['txn']>

/** What a write answers, as bytes. @throws WireError when it is not what a state machine could have answered */
export function encodeWriteResult({ logId, txn }: WriteResult): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(VERSION)
  if (logId.term === 0 || logId.index === 0) throw new WireError('a write has a term and an index from 1')
  writer.varint(logId.term)
  writer.varint(logId.index)
  if (txn === undefined) writer.u8(PLAIN)
  else writeTxn(writer, txn)
  return writer.finish()
}

/** Keys and values of the result are views of `bytes`. @throws WireError */
export function decodeWriteResult(bytes: Uint8Array): WriteResult {
  const reader = new ByteReader(bytes, 'write result')
  const version = reader.u8()
  if (version !== VERSION) reader.fail(`version ${version} of write results is not known here`)
  const term = reader.varintWithin(1, Number.MAX_SAFE_INTEGER, 'term')
  const index = reader.varintWithin(1, Number.MAX_SAFE_INTEGER, 'index')
  const logId = { term, index }
  const shape = reader.u8()
  if (shape > TXN_SUCCEEDED) reader.fail(`${shape} is the code of no outcome`)
  const result =
    shape === PLAIN ? { logId } : { logId, txn: { succeeded: shape === TXN_SUCCEEDED, results: readResults(reader) } }
  reader.expectEnd()
  return result
}

function writeTxn(writer: ByteWriter, { succeeded, results }: Txn): void {
  if (results.length > MAX_TXN_OPERATIONS) {
    throw new WireError(`a transaction has ${results.length} results: at most ${MAX_TXN_OPERATIONS} are allowed`)
  }
  writer.u8(succeeded ? TXN_SUCCEEDED : TXN_FAILED)
  writer.varint(results.length)
  for (const result of results) writeOperationResult(writer, result)
}

function readResults(reader: ByteReader): OperationResult[] {
  const count = reader.count(MAX_TXN_OPERATIONS, 1, 'results')
  const results: OperationResult[] = []
  for (let i = 0; i < count; i++) results.push(readOperationResult(reader))
  return results
}

function writeOperationResult(writer: ByteWriter, result: OperationResult): void {
  switch (result.type) {
    case 'set':
      return writer.u8(DID_SET)
    case 'delete':
      return writer.u8(result.deleted ? DELETED : DELETED_NOTHING)
    case 'get':
      if (result.entry === null) return writer.u8(FOUND_NOTHING)
      writer.u8(FOUND)
      return writeKeyValue(writer, result.entry)
  }
}

function readOperationResult(reader: ByteReader): OperationResult {
  const code = reader.u8()
  switch (code) {
    case DID_SET:
      return { type: 'set' }
    case DELETED_NOTHING:
    case DELETED:
      return { type: 'delete', deleted: code === DELETED }
    case FOUND_NOTHING:
      return { type: 'get', entry: null }
    case FOUND:
      return { type: 'get', entry: readKeyValue(reader) }
    default:
      return reader.fail(`${code} is the code of no result`)
  }
}

function revisionsProblem({ createRevision, modRevision, version }: KeyValue): string | undefined {
  if (createRevision >= 1 && createRevision <= modRevision && version >= 1) return undefined
  return `a key was created at ${createRevision}, written at ${modRevision} and has version ${version}`
}

export function writeKeyValue(writer: ByteWriter, entry: KeyValue): void {
  const problem = revisionsProblem(entry)
  if (problem !== undefined) throw new WireError(problem)
  writeKey(writer, entry.key)
  writeValue(writer, entry.value)
  writer.varint(entry.createRevision)
  writer.varint(entry.modRevision)
  writer.varint(entry.version)
}

export function readKeyValue(reader: ByteReader): KeyValue {
  const entry = {
    key: readKey(reader),
    value: readValue(reader),
    createRevision: reader.varint(),
    modRevision: reader.varint(),
    version: reader.varint(),
  }
  const problem = revisionsProblem(entry)
  if (problem !== undefined) reader.fail(problem)
  return entry
}
