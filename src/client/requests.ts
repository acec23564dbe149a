/** Keys, values and commands as JSON bodies. Bytes travel as base64, text as it is unless that would be much longer. */
import { AspenError } from '../api/index.ts'
import type { Data, ScanRequest, WriteCommand, WriteOptions } from '../api/index.ts'
import { respellCommand } from '../commands/index.ts'
import { MAX_HTTP_BODY_SIZE } from '../limits.ts'

/** So many characters fit a body however they are written: a control character takes six bytes, and no other takes more. */
const SMALL_TEXT = MAX_HTTP_BODY_SIZE / 8

/** @throws AspenError INVALID_REQUEST for a lone surrogate, which has no bytes */
export function base64(data: Data): string {
  if (typeof data === 'string') {
    if (!data.isWellFormed())
      throw new AspenError('INVALID_REQUEST', 'a key or value has a lone surrogate: it is not valid Unicode')
    return Buffer.from(data, 'utf8').toString('base64')
  }
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
}

/** Keys and values of a command that could be sent as it is. Not of a transaction: what it gets may be bytes. */
function contents(command: WriteCommand): readonly Data[] | undefined {
  if ('Set' in command) return [command.Set.key, command.Set.value]
  if ('Delete' in command) return [command.Delete.key]
  if ('SetMulti' in command) return command.SetMulti.pairs.flat()
  return 'DeleteMulti' in command ? command.DeleteMulti.keys : undefined
}

/** Whether a command is sent as it is: all of it is text, and not so much of it what JSON escapes that base64 is shorter. */
function goesAsText(command: WriteCommand): boolean {
  const parts = contents(command)
  return parts?.every((part) => typeof part === 'string') === true && isShortAsText(parts)
}

/** A legal command has at most 8 MiB: they fit a body as base64, and not always as text. */
function isShortAsText(texts: readonly string[]): boolean {
  if (texts.reduce((sum, { length }) => sum + length, 0) <= SMALL_TEXT) return true
  const base64Size = texts.reduce((sum, text) => sum + 4 * Math.ceil(Buffer.byteLength(text) / 3), 0)
  return Buffer.byteLength(JSON.stringify(texts)) <= base64Size
}

export function writeBody(command: WriteCommand, { origin, revision }: WriteOptions): object {
  const options = {
    ...(origin === undefined ? {} : { client_id: origin.client, sequence: origin.sequence }),
    ...(revision === undefined ? {} : { revision }),
  }
  if (goesAsText(command)) return { command, ...options }
  return { command: respellCommand(command, base64, base64), keys: 'base64', values: 'base64', ...options }
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
