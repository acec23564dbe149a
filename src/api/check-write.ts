import { utf8Encode } from '../lib/index.ts'
import { MAX_CLIENT_ID_SIZE, MAX_SETMULTI_KEYS, MAX_TXN_OPERATIONS, MIN_CLIENT_SEQUENCE } from '../limits.ts'
import type { ClientSequence, Data, WriteCommand, WriteCondition, WriteOperation } from './commands.ts'
import { AspenError } from './errors.ts'
import { checked, givenData, givenFields, givenItems, givenLength, givenText, givenVariant, invalid } from './given.ts'

const COMMANDS = ['Set', 'SetMulti', 'Delete', 'DeleteMulti', 'Txn']
const OPERATIONS = ['Set', 'Delete', 'Get']
const CONDITIONS = ['value', 'mod_revision', 'absent']

/**
 * A command as users spell it, in a copy that has the shape it should have and that nobody else holds; its bytes are views. Sizes of
 * keys and values are left to `toCommand`.
 * @throws AspenError INVALID_REQUEST, BATCH_TOO_LARGE
 */
export function checkWrite(write: unknown): WriteCommand {
  return checked('the command', () => {
    const [name, body] = givenVariant(write, 'a command', COMMANDS)
    switch (name) {
      case 'Set':
        return { Set: toSet(body) }
      case 'Delete':
        return { Delete: toKeyed(body, 'Delete') }
      case 'SetMulti':
        return { SetMulti: { pairs: toList(body, 'pairs', 'SetMulti', toPair) } }
      case 'DeleteMulti':
        return { DeleteMulti: { keys: toList(body, 'keys', 'DeleteMulti', toKeyData) } }
      default:
        return { Txn: toTxn(body) }
    }
  })
}

/** @throws AspenError INVALID_REQUEST */
export function checkOrigin(origin: unknown): ClientSequence {
  const fields = givenFields(origin, 'the origin', ['client', 'sequence'])
  const client = givenText(fields['client'], 'the client id')
  const size = utf8Encode(client).length
  if (size < 1 || size > MAX_CLIENT_ID_SIZE) {
    throw invalid(`the client id has ${size} bytes; 1 to ${MAX_CLIENT_ID_SIZE} are allowed`)
  }
  const sequence = toWhole(fields['sequence'], 'the sequence', MIN_CLIENT_SEQUENCE)
  return { client, sequence }
}

function toWhole(value: unknown, what: string, min: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= min) return value as number
  throw invalid(`${what} is ${typeof value === 'number' ? value : typeof value}: it must be a whole number from ${min}`)
}

const toKeyData = (value: unknown): Data => givenData(value, 'the key')
const toValueData = (value: unknown): Data => givenData(value, 'the value')

function toKeyed(body: unknown, what: string): { readonly key: Data } {
  return { key: toKeyData(givenFields(body, what, ['key'])['key']) }
}

function toSet(body: unknown): { readonly key: Data; readonly value: Data } {
  const fields = givenFields(body, 'Set', ['key', 'value'])
  return { key: toKeyData(fields['key']), value: toValueData(fields['value']) }
}

function toPair(pair: unknown): readonly [Data, Data] {
  const length = givenLength(pair, 'a pair of SetMulti')
  if (length !== 2) throw invalid(`a pair of SetMulti has ${length} items: give a key and a value`)
  const [key, value] = givenItems(pair, length, (item) => item)
  return [toKeyData(key), toValueData(value)]
}

function toList<T>(body: unknown, name: string, what: string, item: (value: unknown) => T): readonly T[] {
  const list = givenFields(body, what, [name])[name]
  const length = givenLength(list, `the list of ${name}`)
  checkCount(length, MAX_SETMULTI_KEYS, `list of ${name}`)
  return givenItems(list, length, item)
}

function toTxn(body: unknown): Extract<WriteCommand, { readonly Txn: unknown }>['Txn'] {
  const { compare, then, else: otherwise } = givenFields(body, 'Txn', ['compare', 'then', 'else'])
  const conditions = givenLength(compare, 'compare of the transaction')
  const first = givenLength(then, 'then of the transaction')
  const second = otherwise === undefined ? 0 : givenLength(otherwise, 'else of the transaction')
  checkCount(conditions + first + second, MAX_TXN_OPERATIONS, 'transaction')
  return {
    compare: givenItems(compare, conditions, toCondition),
    then: givenItems(then, first, toOperation),
    ...(otherwise === undefined ? {} : { else: givenItems(otherwise, second, toOperation) }),
  }
}

function toOperation(operation: unknown): WriteOperation {
  const [name, body] = givenVariant(operation, 'an operation of a transaction', OPERATIONS)
  if (name === 'Set') return { Set: toSet(body) }
  return name === 'Delete' ? { Delete: toKeyed(body, name) } : { Get: toKeyed(body, name) }
}

function toCondition(condition: unknown): WriteCondition {
  const { key: given, ...rest } = givenFields(condition, 'a condition', ['key', ...CONDITIONS])
  const key = toKeyData(given)
  const [name, body] = givenVariant(rest, 'a condition', CONDITIONS)
  if (name === 'value') return { key, value: toValueData(body) }
  if (name === 'mod_revision') return { key, mod_revision: toWhole(body, 'mod_revision', 0) }
  if (typeof body !== 'boolean') throw invalid(`absent is ${typeof body}: it must be true or false`)
  return { key, absent: body }
}

function checkCount(count: number, limit: number, what: string): void {
  if (count === 0) throw invalid(`the ${what} is empty: give 1 to ${limit}`)
  if (count <= limit) return
  const message = `the ${what} has ${count} items; at most ${limit} are allowed`
  throw new AspenError('BATCH_TOO_LARGE', message, { size: count, limit })
}
