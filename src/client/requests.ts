/** Keys, values and commands as JSON bodies. Bytes travel as base64, text as it is. */
import { AspenError } from '../api/index.ts'
import type { Data, ScanRequest, WriteCommand, WriteCondition, WriteOperation, WriteOptions } from '../api/index.ts'

type Encode = (data: Data) => string

/** @throws AspenError INVALID_REQUEST for a lone surrogate, which has no bytes */
export function base64(data: Data): string {
  if (typeof data === 'string') {
    if (!data.isWellFormed())
      throw new AspenError('INVALID_REQUEST', 'a key or value has a lone surrogate: it is not valid Unicode')
    return Buffer.from(data, 'utf8').toString('base64')
  }
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

function encodeOperation(operation: WriteOperation, encode: Encode): object {
  if ('Set' in operation) return { Set: { key: encode(operation.Set.key), value: encode(operation.Set.value) } }
  if ('Delete' in operation) return { Delete: { key: encode(operation.Delete.key) } }
  return { Get: { key: encode(operation.Get.key) } }
}

function encodeCondition(condition: WriteCondition, encode: Encode): object {
  const key = encode(condition.key)
  return 'value' in condition ? { key, value: encode(condition.value) } : { ...condition, key }
}

function encodeCommand(command: WriteCommand, encode: Encode): object {
  if ('Set' in command || 'Delete' in command) return encodeOperation(command, encode)
  if ('SetMulti' in command) return { SetMulti: { pairs: command.SetMulti.pairs.map(([k, v]) => [encode(k), encode(v)]) } }
  if ('DeleteMulti' in command) return { DeleteMulti: { keys: command.DeleteMulti.keys.map(encode) } }
  const { compare, then, else: otherwise } = command.Txn
  return {
    Txn: {
      compare: compare.map((condition) => encodeCondition(condition, encode)),
      then: then.map((operation) => encodeOperation(operation, encode)),
      ...(otherwise === undefined ? {} : { else: otherwise.map((operation) => encodeOperation(operation, encode)) }),
    },
  }
}

/** Whether a command can be sent as it is. Not a transaction: what it gets may be bytes, even when what it says is not. */
function isText(command: WriteCommand): boolean {
  if ('Set' in command) return typeof command.Set.key === 'string' && typeof command.Set.value === 'string'
  if ('Delete' in command) return typeof command.Delete.key === 'string'
  if ('SetMulti' in command) return command.SetMulti.pairs.every((pair) => pair.every((data) => typeof data === 'string'))
  if ('DeleteMulti' in command) return command.DeleteMulti.keys.every((key) => typeof key === 'string')
  return false
}

export function writeBody(command: WriteCommand, { origin }: WriteOptions): object {
  const session = origin === undefined ? {} : { client_id: origin.client, sequence: origin.sequence }
  if (isText(command)) return { command, ...session }
  return { command: encodeCommand(command, base64), keys: 'base64', values: 'base64', ...session }
}

export function readBody(key: Data): object {
  const plain = typeof key === 'string'
  return { key: plain ? key : base64(key), ...(plain ? {} : { keys: 'base64' }), values: 'base64', metadata: true }
}

export function scanBody({ prefix, start, end, limit, token }: ScanRequest): object {
  return {
    ...(prefix === undefined ? {} : { prefix: base64(prefix) }),
    ...(start === undefined ? {} : { start: base64(start) }),
    ...(end === undefined ? {} : { end: base64(end) }),
    ...(limit === undefined ? {} : { limit }),
    ...(token === undefined ? {} : { token }),
    keys: 'base64',
    values: 'base64',
  }
}
