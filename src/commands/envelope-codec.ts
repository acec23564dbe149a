/**
 * Commands as the bytes that the log, the links and the state machine see:
 *
 *   u8 version    the first version of the language that has all that the envelope holds
 *   u8 flags      HAS_ORIGIN, IS_TXN, WANTS_REVISION, STAMPED
 *   u32 elapsed   written in place by the leader that proposes it, 0 until then
 *   origin        client id and sequence, if any
 *   command       its operations, and the conditions of a transaction
 */
import type { ClientSequence } from '../api/index.ts'
import { ByteReader, ByteWriter, prefixedSize, utf8Encode, varintSize, WireError } from '../lib/index.ts'
import type { Command, Condition, Envelope, NewEnvelope, Operation } from './command.ts'
import { LaterVersion } from './later-version.ts'
import type { Language } from './language.ts'
import { BATCH_OPERATIONS, CLIENT_ID_SIZE, MAX_ELAPSED_MS, TXN_OPERATIONS } from './semantics.ts'
import { LANGUAGE } from './version-1.ts'

const HAS_ORIGIN = 1
const IS_TXN = 2
const WANTS_REVISION = 4
const STAMPED = 8
const ALL_FLAGS = HAS_ORIGIN | IS_TXN | WANTS_REVISION | STAMPED

const FLAGS_AT = 1
const ELAPSED_AT = 2
const HEAD_SIZE = 6

/** The smallest operation or condition: its code, and a key of one byte after its length. */
const MIN_ITEM_SIZE = 3

/** The first version of the language that can say this. */
export function versionOf(command: Command, language: Language = LANGUAGE): number {
  if (command.type === 'batch') return versionOfOperations(command.operations, language)
  let version = Math.max(versionOfOperations(command.then, language), versionOfOperations(command.else, language))
  for (const { type } of command.compare) version = Math.max(version, language.condition(type).since)
  return version
}

function versionOfOperations(operations: readonly Operation[], language: Language): number {
  let version = 1
  for (const { type } of operations) version = Math.max(version, language.operation(type).since)
  return version
}

/** The exact number of bytes that {@link encodeEnvelope} returns. */
export function envelopeSize({ origin, command }: NewEnvelope, language: Language = LANGUAGE): number {
  const size = HEAD_SIZE + commandSize(command, language)
  return origin === null ? size : size + prefixedSize(utf8Encode(origin.client)) + varintSize(origin.sequence)
}

/** @throws WireError when the command is not one that `toCommand` could have made */
export function encodeEnvelope(envelope: NewEnvelope, language: Language = LANGUAGE): Uint8Array {
  const { origin, command, wantsRevision = false } = envelope
  const writer = new ByteWriter(envelopeSize(envelope, language))
  writer.u8(versionOf(command, language))
  writer.u8((origin === null ? 0 : HAS_ORIGIN) | (command.type === 'txn' ? IS_TXN : 0) | (wantsRevision ? WANTS_REVISION : 0))
  writer.u32(0)
  if (origin !== null) {
    writer.string(origin.client, 1, CLIENT_ID_SIZE, 'client')
    writer.varint(origin.sequence)
  }
  writeCommand(writer, command, language)
  return writer.finish()
}

/**
 * Says how much time has passed for the leader since it proposed the command before. Written in place, without a copy,
 * unless the bytes are in a log already: those never change. Whatever a stranger has written there is overwritten.
 */
export function stampEnvelope(bytes: Uint8Array, elapsedMs: number): Uint8Array {
  const flags = bytes[FLAGS_AT] as number
  const stamped = (flags & STAMPED) === 0 ? bytes : new Uint8Array(bytes)
  const elapsed = Math.min(elapsedMs, MAX_ELAPSED_MS)
  stamped[FLAGS_AT] = flags | STAMPED
  for (let i = 0; i < 4; i++) stamped[ELAPSED_AT + i] = (elapsed >>> (8 * i)) & 0xff
  return stamped
}

/** The version that a program must know to read this. */
export function envelopeVersion(bytes: Uint8Array): number {
  return bytes[0] ?? 0
}

/**
 * Whether an encoded envelope always does the same and answers the same, so that it may be answered once it is
 * committed: no transaction, no origin to remember, no revision to tell.
 */
export function answersAtCommit(bytes: Uint8Array): boolean {
  return ((bytes[FLAGS_AT] as number) & ~STAMPED) === 0
}

/**
 * Keys and values of the result are views of `bytes`.
 * @throws LaterVersion when it takes a later program to read it; WireError when it is malformed
 */
export function decodeEnvelope(bytes: Uint8Array, language: Language = LANGUAGE): Envelope {
  const reader = new ByteReader(bytes, 'envelope')
  const version = reader.u8()
  if (version === 0) reader.fail('there is no version 0 of commands')
  if (version > language.version) throw new LaterVersion('a command', version, language.version)
  const flags = reader.u8()
  if (flags > ALL_FLAGS) reader.fail(`the flags ${flags} are not known here`)
  const elapsedMs = reader.u32()
  if (elapsedMs > 0 && (flags & STAMPED) === 0) reader.fail('time has passed for it that no leader has measured')
  const origin = (flags & HAS_ORIGIN) === 0 ? null : readOrigin(reader)
  const command = (flags & IS_TXN) === 0 ? readBatch(reader, language) : readTxn(reader, language)
  reader.expectEnd()
  const needed = language.version === 1 ? 1 : versionOf(command, language)
  if (needed !== version) reader.fail(`what it holds is of version ${needed}, and it says ${version}`)
  return { origin, command, wantsRevision: (flags & WANTS_REVISION) !== 0, elapsedMs }
}

/** A command alone, always the same bytes for the same command: what it is told from others by. */
export function encodeCommand(command: Command, language: Language = LANGUAGE): Uint8Array {
  const writer = new ByteWriter(1 + commandSize(command, language))
  writer.u8(command.type === 'txn' ? IS_TXN : 0)
  writeCommand(writer, command, language)
  return writer.finish()
}

function readOrigin(reader: ByteReader): ClientSequence {
  return {
    client: reader.string(1, CLIENT_ID_SIZE, 'client'),
    sequence: reader.varintWithin(1, Number.MAX_SAFE_INTEGER, 'sequence'),
  }
}

function commandSize(command: Command, language: Language): number {
  if (command.type === 'batch') return operationsSize(command.operations, language)
  let size = varintSize(command.compare.length)
  for (const condition of command.compare) size += 1 + language.condition(condition.type).size(condition)
  return size + operationsSize(command.then, language) + operationsSize(command.else, language)
}

function operationsSize(operations: readonly Operation[], language: Language): number {
  let size = varintSize(operations.length)
  for (const operation of operations) size += 1 + language.operation(operation.type).size(operation)
  return size
}

function writeCommand(writer: ByteWriter, command: Command, language: Language): void {
  if (command.type === 'batch') {
    checkCount(command.operations.length, BATCH_OPERATIONS, 'a batch')
    checkAnswersNothing(command.operations, language)
    writeOperations(writer, command.operations, language)
    return
  }
  checkCount(command.compare.length + command.then.length + command.else.length, TXN_OPERATIONS, 'a transaction')
  writer.varint(command.compare.length)
  for (const condition of command.compare) {
    const definition = language.condition(condition.type)
    writer.u8(definition.code)
    definition.write(writer, condition)
  }
  writeOperations(writer, command.then, language)
  writeOperations(writer, command.else, language)
}

function checkCount(count: number, max: number, name: string): void {
  if (count === 0 || count > max) throw new WireError(`${name} has ${count} items: 1 to ${max} are allowed`)
}

function checkAnswersNothing(operations: readonly Operation[], language: Language): void {
  for (const { type } of operations) {
    if (!language.operation(type).answersNothing) throw new WireError(`a batch does not answer: a ${type} needs a transaction`)
  }
}

function writeOperations(writer: ByteWriter, operations: readonly Operation[], language: Language): void {
  writer.varint(operations.length)
  for (const operation of operations) {
    const definition = language.operation(operation.type)
    writer.u8(definition.code)
    definition.write(writer, operation)
  }
}

function readBatch(reader: ByteReader, language: Language): Command {
  const operations = readOperations(reader, BATCH_OPERATIONS, language)
  if (operations.length === 0) reader.fail('a batch has no operations')
  for (const { type } of operations) if (!language.operation(type).answersNothing) reader.fail('a batch does not read')
  return { type: 'batch', operations }
}

function readTxn(reader: ByteReader, language: Language): Command {
  const count = reader.count(TXN_OPERATIONS, MIN_ITEM_SIZE, 'conditions')
  const compare: Condition[] = []
  for (let i = 0; i < count; i++) compare.push(readCondition(reader, language))
  const then = readOperations(reader, TXN_OPERATIONS - count, language)
  const otherwise = readOperations(reader, TXN_OPERATIONS - count - then.length, language)
  if (count + then.length + otherwise.length === 0) reader.fail('a transaction is empty')
  return { type: 'txn', compare, then, else: otherwise }
}

function readOperations(reader: ByteReader, max: number, language: Language): Operation[] {
  const count = reader.count(max, MIN_ITEM_SIZE, 'operations')
  const operations: Operation[] = []
  for (let i = 0; i < count; i++) operations.push(readOperation(reader, language))
  return operations
}

/** The language is a table over every operation there is: what it reads is one of them. */
function readOperation(reader: ByteReader, language: Language): Operation {
  const code = reader.u8()
  const definition = language.operationByCode(code)
  if (definition === undefined) return reader.fail(`${code} is the code of no operation`)
  return definition.read(reader) as Operation
}

function readCondition(reader: ByteReader, language: Language): Condition {
  const code = reader.u8()
  const definition = language.conditionByCode(code)
  if (definition === undefined) return reader.fail(`${code} is the code of no condition`)
  return definition.read(reader) as Condition
}
