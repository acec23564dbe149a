/** What a write answers, as bytes: for the links, and for what is remembered of clients. */
import type { OperationResult, WriteResult } from '../api/index.ts'
import { ByteReader, ByteWriter, WireError } from '../lib/index.ts'
import { LaterVersion } from './later-version.ts'
import type { Language } from './language.ts'
import { FIRST_REVISION, TXN_OPERATIONS } from './semantics.ts'
import { LANGUAGE } from './version-1.ts'

const HAS_REVISION = 1
const IS_TXN = 2
const SUCCEEDED = 4
const ALL_FLAGS = HAS_REVISION | IS_TXN | SUCCEEDED

/** @throws WireError when it is not what a state machine could have answered */
export function encodeWriteResult({ logId, revision, txn }: WriteResult, language: Language = LANGUAGE): Uint8Array {
  const writer = new ByteWriter()
  const results = txn?.results ?? []
  writer.u8(versionOfResults(results, language))
  const kind = txn === undefined ? 0 : IS_TXN | (txn.succeeded ? SUCCEEDED : 0)
  writer.u8(kind | (revision === undefined ? 0 : HAS_REVISION))
  if (logId.term === 0 || logId.index === 0) throw new WireError('a write has a term and an index from 1')
  writer.varint(logId.term)
  writer.varint(logId.index)
  if (revision !== undefined) writer.varint(revision)
  if (txn !== undefined) writeResults(writer, results, language)
  return writer.finish()
}

/** Keys and values of the result are views of `bytes`. @throws LaterVersion, WireError */
export function decodeWriteResult(bytes: Uint8Array, language: Language = LANGUAGE): WriteResult {
  const reader = new ByteReader(bytes, 'write result')
  const version = reader.u8()
  if (version === 0) reader.fail('there is no version 0 of results')
  if (version > language.version) throw new LaterVersion('the answer to a command', version, language.version)
  const flags = reader.u8()
  if (flags > ALL_FLAGS || (flags & (IS_TXN | SUCCEEDED)) === SUCCEEDED) reader.fail(`${flags} is the code of no outcome`)
  const term = reader.varintWithin(1, Number.MAX_SAFE_INTEGER, 'term')
  const index = reader.varintWithin(1, Number.MAX_SAFE_INTEGER, 'index')
  const revision =
    (flags & HAS_REVISION) === 0 ? undefined : reader.varintWithin(FIRST_REVISION, Number.MAX_SAFE_INTEGER, 'revision')
  const results = (flags & IS_TXN) === 0 ? undefined : readResults(reader, language)
  reader.expectEnd()
  if (versionOfResults(results ?? [], language) !== version) reader.fail(`what it holds is not of version ${version}`)
  return {
    logId: { term, index },
    ...(revision === undefined ? {} : { revision }),
    ...(results === undefined ? {} : { txn: { succeeded: (flags & SUCCEEDED) !== 0, results } }),
  }
}

/** Bytes of keys and values that the operations of a transaction found. */
export function foundBytes({ txn }: WriteResult, language: Language = LANGUAGE): number {
  let found = 0
  for (const result of txn?.results ?? []) found += language.operation(result.type).foundBytes(result)
  return found
}

function versionOfResults(results: readonly OperationResult[], language: Language): number {
  let version = 1
  for (const { type } of results) version = Math.max(version, language.operation(type).since)
  return version
}

function writeResults(writer: ByteWriter, results: readonly OperationResult[], language: Language): void {
  if (results.length > TXN_OPERATIONS) {
    throw new WireError(`a transaction has ${results.length} results: at most ${TXN_OPERATIONS} are allowed`)
  }
  writer.varint(results.length)
  for (const result of results) {
    const definition = language.operation(result.type)
    writer.u8(definition.code)
    definition.writeResult(writer, result)
  }
}

function readResults(reader: ByteReader, language: Language): OperationResult[] {
  const count = reader.count(TXN_OPERATIONS, 1, 'results')
  const results: OperationResult[] = []
  for (let i = 0; i < count; i++) {
    const code = reader.u8()
    const definition = language.operationByCode(code)
    if (definition === undefined) return reader.fail(`${code} is the code of no result`)
    results.push(definition.readResult(reader) as OperationResult)
  }
  return results
}
