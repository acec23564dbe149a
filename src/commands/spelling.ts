/**
 * From what users write, in code or in JSON, to validated commands. Nothing is known of what comes in: each part of it is read
 * once, and what was checked is what is used.
 */
import { AspenError, checked, givenFields, givenItems, givenLength, givenVariant } from '../api/index.ts'
import type { Data, WriteCommand } from '../api/index.ts'
import { MAX_SETMULTI_KEYS, MAX_TXN_OPERATIONS } from '../limits.ts'
import type { Command, Condition, Operation } from './command.ts'
import type { AnyCondition, AnyOperation, Respell, Spelled } from './definition.ts'
import type { Language } from './language.ts'
import { LANGUAGE } from './version-1.ts'

/** What is made of the parts of a command: values of the language, or another spelling. */
interface Visitor<O, C> {
  operation(definition: AnyOperation, spelled: unknown): O
  condition(definition: AnyCondition, spelled: Spelled): C
}

/** A command taken apart. */
type Parts<O, C> =
  | { readonly type: 'batch'; readonly name: string; readonly operations: readonly O[] }
  | { readonly type: 'txn'; readonly compare: readonly C[]; readonly then: readonly O[]; readonly else: readonly O[] | undefined }

const PARSING: Visitor<Operation, Condition> = {
  operation: (definition, spelled) => definition.parse(spelled) as Operation,
  condition: (definition, spelled) => definition.parse(spelled) as Condition,
}

/**
 * Validates a write, whatever it is given. Values are views of what it was given.
 * @throws AspenError INVALID_REQUEST, INVALID_KEY, KEY_TOO_LARGE, VALUE_TOO_LARGE, BATCH_TOO_LARGE
 */
export function toCommand(write: WriteCommand, language: Language = LANGUAGE): Command {
  const parts = partsOf(write, language, PARSING)
  if (parts.type === 'batch') return { type: 'batch', operations: parts.operations }
  return { ...parts, else: parts.else ?? [] }
}

/**
 * The same write in a copy that nobody else holds, with its keys and values in another spelling. Sizes of keys and values are left
 * to {@link toCommand}.
 * @throws AspenError INVALID_REQUEST, BATCH_TOO_LARGE
 */
export function respellCommand(write: WriteCommand, key: Respell, value: Respell, language: Language = LANGUAGE): WriteCommand {
  const parts = partsOf<Spelled, Spelled>(write, language, {
    operation: (definition, spelled) => ({ [definition.name]: definition.respell(spelled, key, value) }),
    condition: (definition, spelled) => definition.respell(spelled, key, value),
  })
  return spelledParts(parts) as unknown as WriteCommand
}

const asItIs: Respell = (data) => data

/** The same write in a copy that has the shape it should have. @throws AspenError INVALID_REQUEST, BATCH_TOO_LARGE */
export function checkWrite(write: WriteCommand, language: Language = LANGUAGE): WriteCommand {
  return respellCommand(write, asItIs, asItIs, language)
}

function spelledParts(parts: Parts<Spelled, Spelled>): Spelled {
  if (parts.type === 'txn') {
    const { compare, then, else: otherwise } = parts
    return { Txn: { compare, then, ...(otherwise === undefined ? {} : { else: otherwise }) } }
  }
  const { name, operations } = parts
  if (name === 'SetMulti') return { SetMulti: { pairs: operations.map(({ Set }) => pairOf(Set as Spelled)) } }
  if (name === 'DeleteMulti') return { DeleteMulti: { keys: operations.map(({ Delete }) => (Delete as Spelled)['key']) } }
  return operations[0] as Spelled
}

function pairOf({ key, value }: Spelled): readonly [Data, Data] {
  return [key as Data, value as Data]
}

function partsOf<O, C>(write: unknown, language: Language, visitor: Visitor<O, C>): Parts<O, C> {
  return checked('the command', (): Parts<O, C> => {
    const [name, body] = givenVariant(write, 'a command', commandNames(language))
    if (name === 'Txn') return txnParts(body, language, visitor)
    return { type: 'batch', name, operations: batchOf(name, body, language, visitor) }
  })
}

function batchOf<O, C>(name: string, body: unknown, language: Language, visitor: Visitor<O, C>): readonly O[] {
  if (name !== 'SetMulti' && name !== 'DeleteMulti') return [visitor.operation(named(name, language), body)]
  const definition = named(name === 'SetMulti' ? 'Set' : 'Delete', language)
  if (name === 'SetMulti') return listOf(body, 'pairs', name, (pair) => visitor.operation(definition, toPair(pair)))
  return listOf(body, 'keys', name, (key) => visitor.operation(definition, { key }))
}

const namesByLanguage = new WeakMap<Language, readonly string[]>()

function commandNames(language: Language): readonly string[] {
  const known = namesByLanguage.get(language)
  if (known !== undefined) return known
  const plain = language.operations.filter(({ answersNothing }) => answersNothing).map(({ name }) => name)
  const names = [...plain, 'SetMulti', 'DeleteMulti', 'Txn']
  namesByLanguage.set(language, names)
  return names
}

/** `name` is one of those that `givenVariant` allows. */
function named(name: string, language: Language): AnyOperation {
  return language.operationByName(name) as AnyOperation
}

function toPair(pair: unknown): Spelled {
  const length = givenLength(pair, 'a pair of SetMulti')
  if (length !== 2) {
    throw new AspenError('INVALID_REQUEST', `a pair of SetMulti has ${length} items: give a key and a value`)
  }
  const [key, value] = givenItems(pair, length, (item) => item)
  return { key, value }
}

function listOf<T>(body: unknown, field: string, what: string, item: (value: unknown) => T): readonly T[] {
  const list = givenFields(body, what, [field])[field]
  const length = givenLength(list, `the list of ${field}`)
  checkCount(length, MAX_SETMULTI_KEYS, `list of ${field}`)
  return givenItems(list, length, item)
}

function txnParts<O, C>(body: unknown, language: Language, visitor: Visitor<O, C>): Parts<O, C> {
  const { compare, then, else: otherwise } = givenFields(body, 'Txn', ['compare', 'then', 'else'])
  const conditions = givenLength(compare, 'compare of the transaction')
  const first = givenLength(then, 'then of the transaction')
  const second = otherwise === undefined ? 0 : givenLength(otherwise, 'else of the transaction')
  checkCount(conditions + first + second, MAX_TXN_OPERATIONS, 'transaction')
  const operation = (item: unknown): O => txnOperation(item, language, visitor)
  return {
    type: 'txn',
    compare: givenItems(compare, conditions, (item) => txnCondition(item, language, visitor)),
    then: givenItems(then, first, operation),
    else: otherwise === undefined ? undefined : givenItems(otherwise, second, operation),
  }
}

function txnOperation<O, C>(item: unknown, language: Language, visitor: Visitor<O, C>): O {
  const names = language.operations.map(({ name }) => name)
  const [name, body] = givenVariant(item, 'an operation of a transaction', names)
  return visitor.operation(named(name, language), body)
}

function txnCondition<O, C>(item: unknown, language: Language, visitor: Visitor<O, C>): C {
  const fields = language.conditions.map(({ field }) => field)
  const { key, ...rest } = givenFields(item, 'a condition', ['key', ...fields])
  const [field, body] = givenVariant(rest, 'a condition', fields)
  const definition = language.conditions.find((one) => one.field === field) as AnyCondition
  return visitor.condition(definition, { key, [field]: body })
}

function checkCount(count: number, limit: number, what: string): void {
  if (count === 0) throw new AspenError('INVALID_REQUEST', `the ${what} is empty: give 1 to ${limit}`)
  if (count <= limit) return
  const message = `the ${what} has ${count} items; at most ${limit} are allowed`
  throw new AspenError('BATCH_TOO_LARGE', message, { size: count, limit })
}
