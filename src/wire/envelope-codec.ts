import type { ClientSequence, Command, Condition, DeleteOperation, Envelope, Operation, SetOperation } from '../api/index.ts'
import { ByteReader, ByteWriter, prefixedSize, utf8Encode, varintSize, WireError } from '../lib/index.ts'
import { MAX_CLIENT_ID_SIZE, MAX_SETMULTI_KEYS, MAX_TXN_OPERATIONS } from '../limits.ts'
import { readKey, readValue, writeKey, writeValue } from './key-value-codec.ts'

const VERSION = 1

// What follows the version, as bits of one byte.
const HAS_ORIGIN = 1
const IS_TXN = 2
const ALL_FLAGS = HAS_ORIGIN | IS_TXN

const SET = 1
const DELETE = 2
const GET = 3

const VALUE_EQUALS = 1
const MOD_REVISION_EQUALS = 2
const IS_ABSENT = 3
const IS_PRESENT = 4

/** The smallest operation or condition: its code, and a key of one byte after its length. */
const MIN_ITEM_SIZE = 3

/** The exact number of bytes that {@link encodeEnvelope} returns. */
export function envelopeSize({ origin, command }: Envelope): number {
  let size = 2
  if (origin !== null) size += prefixedSize(utf8Encode(origin.client)) + varintSize(origin.sequence)
  if (command.type === 'batch') return size + operationsSize(command.operations)
  size += varintSize(command.compare.length)
  for (const condition of command.compare) size += conditionSize(condition)
  return size + operationsSize(command.then) + operationsSize(command.else)
}

/**
 * A command and its origin as the bytes that the log, the links and the state machine see.
 * @throws WireError when the command is not one that `toCommand` could have made
 */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const { origin, command } = envelope
  const writer = new ByteWriter(envelopeSize(envelope))
  writer.u8(VERSION)
  writer.u8((origin === null ? 0 : HAS_ORIGIN) | (command.type === 'txn' ? IS_TXN : 0))
  if (origin !== null) {
    writer.string(origin.client, 1, MAX_CLIENT_ID_SIZE, 'client')
    writer.varint(origin.sequence)
  }
  writeCommand(writer, command)
  return writer.finish()
}

/** Whether an encoded envelope always does the same and answers the same: no transaction, and no origin to remember. */
export function isPlainBatch(envelope: Uint8Array): boolean {
  return envelope[0] === VERSION && envelope[1] === 0
}

/** How many operations a plain batch holds, without reading it; undefined for anything else. */
export function operationsOfPlainBatch(envelope: Uint8Array): number | undefined {
  const count = envelope[2]
  // Behind version and flags; so few as there may be take one byte.
  return isPlainBatch(envelope) && count !== undefined && count <= MAX_SETMULTI_KEYS ? count : undefined
}

/** Keys and values of the result are views of `bytes`. @throws WireError */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new ByteReader(bytes, 'envelope')
  const version = reader.u8()
  if (version !== VERSION) reader.fail(`version ${version} of envelopes is not known here`)
  const flags = reader.u8()
  if (flags > ALL_FLAGS) reader.fail(`the flags ${flags} are not known here`)
  const origin = (flags & HAS_ORIGIN) === 0 ? null : readOrigin(reader)
  const command = (flags & IS_TXN) === 0 ? readBatch(reader) : readTxn(reader)
  reader.expectEnd()
  return { origin, command }
}

function readOrigin(reader: ByteReader): ClientSequence {
  return { client: reader.string(1, MAX_CLIENT_ID_SIZE, 'client'), sequence: reader.varint() }
}

function writeCommand(writer: ByteWriter, command: Command): void {
  if (command.type === 'batch') {
    checkCount(command.operations.length, MAX_SETMULTI_KEYS, 'a batch')
    writeOperations(writer, command.operations)
    return
  }
  checkCount(command.compare.length + command.then.length + command.else.length, MAX_TXN_OPERATIONS, 'a transaction')
  writer.varint(command.compare.length)
  for (const condition of command.compare) writeCondition(writer, condition)
  writeOperations(writer, command.then)
  writeOperations(writer, command.else)
}

function checkCount(count: number, max: number, name: string): void {
  if (count === 0 || count > max) throw new WireError(`${name} has ${count} items: 1 to ${max} are allowed`)
}

function readBatch(reader: ByteReader): Command {
  const count = reader.count(MAX_SETMULTI_KEYS, MIN_ITEM_SIZE, 'operations')
  if (count === 0) reader.fail('a batch has no operations')
  const operations: (SetOperation | DeleteOperation)[] = []
  for (let i = 0; i < count; i++) {
    const operation = readOperation(reader)
    if (operation.type === 'get') reader.fail('a batch does not read')
    operations.push(operation)
  }
  return { type: 'batch', operations }
}

function readTxn(reader: ByteReader): Command {
  const count = reader.count(MAX_TXN_OPERATIONS, MIN_ITEM_SIZE, 'conditions')
  const compare: Condition[] = []
  for (let i = 0; i < count; i++) compare.push(readCondition(reader))
  const then = readOperations(reader, MAX_TXN_OPERATIONS - count)
  const otherwise = readOperations(reader, MAX_TXN_OPERATIONS - count - then.length)
  if (count + then.length + otherwise.length === 0) reader.fail('a transaction is empty')
  return { type: 'txn', compare, then, else: otherwise }
}

function operationsSize(operations: readonly Operation[]): number {
  let size = varintSize(operations.length)
  for (const operation of operations) {
    size += 1 + prefixedSize(operation.key)
    if (operation.type === 'set') size += prefixedSize(operation.value)
  }
  return size
}

function writeOperations(writer: ByteWriter, operations: readonly Operation[]): void {
  writer.varint(operations.length)
  for (const operation of operations) writeOperation(writer, operation)
}

function writeOperation(writer: ByteWriter, operation: Operation): void {
  writer.u8(operation.type === 'set' ? SET : operation.type === 'delete' ? DELETE : GET)
  writeKey(writer, operation.key)
  if (operation.type === 'set') writeValue(writer, operation.value)
}

function readOperations(reader: ByteReader, max: number): Operation[] {
  const count = reader.count(max, MIN_ITEM_SIZE, 'operations')
  const operations: Operation[] = []
  for (let i = 0; i < count; i++) operations.push(readOperation(reader))
  return operations
}

function readOperation(reader: ByteReader): Operation {
  const code = reader.u8()
  switch (code) {
    case SET:
      return { type: 'set', key: readKey(reader), value: readValue(reader) }
    case DELETE:
      return { type: 'delete', key: readKey(reader) }
    case GET:
      return { type: 'get', key: readKey(reader) }
    default:
      return reader.fail(`${code} is the code of no operation`)
  }
}

function conditionSize(condition: Condition): number {
  const size = 1 + prefixedSize(condition.key)
  if (condition.type === 'value') return size + prefixedSize(condition.value)
  return condition.type === 'mod-revision' ? size + varintSize(condition.modRevision) : size
}

function writeCondition(writer: ByteWriter, condition: Condition): void {
  switch (condition.type) {
    case 'value':
      writer.u8(VALUE_EQUALS)
      writeKey(writer, condition.key)
      return writeValue(writer, condition.value)
    case 'mod-revision':
      writer.u8(MOD_REVISION_EQUALS)
      writeKey(writer, condition.key)
      return writer.varint(condition.modRevision)
    case 'absent':
      writer.u8(condition.absent ? IS_ABSENT : IS_PRESENT)
      return writeKey(writer, condition.key)
  }
}

function readCondition(reader: ByteReader): Condition {
  const code = reader.u8()
  switch (code) {
    case VALUE_EQUALS:
      return { type: 'value', key: readKey(reader), value: readValue(reader) }
    case MOD_REVISION_EQUALS:
      return { type: 'mod-revision', key: readKey(reader), modRevision: reader.varint() }
    case IS_ABSENT:
    case IS_PRESENT:
      return { type: 'absent', key: readKey(reader), absent: code === IS_ABSENT }
    default:
      return reader.fail(`${code} is the code of no condition`)
  }
}
