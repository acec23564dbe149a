/** Keys, values, commands and results between JSON and the public interfaces. */
import { isUtf8 } from 'node:buffer'
import { AspenError } from '../../api/index.ts'
import type { Data, KeyValue, WriteCommand, WriteResult } from '../../api/index.ts'
import { respellCommand, resultToJson } from '../../commands/index.ts'
import type { Respell } from '../../commands/index.ts'

/** How a request writes its keys and values, and wants them answered. */
export interface Encodings {
  readonly keys?: 'text' | 'base64'
  readonly values?: 'text' | 'base64'
}

type Decode = (text: string) => Data

function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what is not base64; only text that it would write itself is taken.
  if (bytes.toString('base64') !== text) {
    throw new AspenError('INVALID_REQUEST', 'a key or value is not base64 (RFC 4648, section 4, with padding)')
  }
  // Plain bytes, not a view of the pool that small Buffers share: a store may keep them.
  return new Uint8Array(bytes)
}

const asText: Decode = (text) => text

export function dataDecoder(encoding: 'text' | 'base64' | undefined): Decode {
  return encoding === 'base64' ? fromBase64 : asText
}

/** How keys or values leave: text that is none becomes base64, and says so. What took effect, or was asked for, is never withheld. */
interface Written {
  readonly text: string
  readonly marked: boolean
}

export function writeData(bytes: Uint8Array, encoding: 'text' | 'base64' | undefined): Written {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (encoding === 'base64') return { text: buffer.toString('base64'), marked: false }
  return isUtf8(buffer) ? { text: buffer.toString('utf8'), marked: false } : { text: buffer.toString('base64'), marked: true }
}

/** The command of a validated body. Text needs no work: the body has the shape of a WriteCommand already. */
export function decodeCommand(command: WriteCommand, encodings: Encodings): WriteCommand {
  if (encodings.keys !== 'base64' && encodings.values !== 'base64') return command
  return respellCommand(command, respelling(encodings.keys), respelling(encodings.values))
}

/** Bodies are JSON: what is spelled in one is text. */
function respelling(encoding: 'text' | 'base64' | undefined): Respell {
  const decode = dataDecoder(encoding)
  return (data) => (typeof data === 'string' ? decode(data) : data)
}

export function entryJson(entry: KeyValue, encodings: Encodings): object {
  const key = writeData(entry.key, encodings.keys)
  return {
    key: key.text,
    ...(key.marked ? { key_encoding: 'base64' } : {}),
    ...valueJson(entry, encodings),
    ...revisionsJson(entry),
  }
}

/** The value alone. */
export function valueJson({ value }: KeyValue, { values }: Encodings): object {
  const { text, marked } = writeData(value, values)
  return marked ? { value: text, encoding: 'base64' } : { value: text }
}

function revisionsJson(entry: KeyValue): object {
  return { create_revision: entry.createRevision, mod_revision: entry.modRevision, version: entry.version }
}

export function writeJson({ logId, revision, txn }: WriteResult, encodings: Encodings): object {
  const plain = { success: true, log_id: logId, ...(revision === undefined ? {} : { revision }) }
  if (txn === undefined) return plain
  const results = txn.results.map((each) => resultToJson(each, (entry) => entryJson(entry, encodings)))
  return { ...plain, succeeded: txn.succeeded, results }
}

export function readJson(entry: KeyValue, encodings: Encodings): object {
  return { ...valueJson(entry, encodings), ...revisionsJson(entry) }
}
