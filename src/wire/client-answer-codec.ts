import type { KeyValue, ScanPage } from '../api/index.ts'
import { MAX_SCAN_LIMIT, MAX_SCAN_TOKEN_SIZE } from '../limits.ts'
import { ByteReader, ByteWriter, unreachable } from '../lib/index.ts'
import type { ClientAnswer } from './client-message.ts'
import { readClientRoute, writeClientRoute } from './route.ts'
import { readErrorText, writeErrorText } from './forward-codec.ts'
import { decodeWriteResult, encodeWriteResult, readKeyValue, writeKeyValue } from '../commands/index.ts'

const WRITTEN = 1
const NOT_FOUND = 2
const FOUND = 3
const PAGE = 4
const LAST_PAGE = 5
const ERROR = 6
const DRAINED = 7

/** The key of one byte and the value of none, their lengths, and three revisions. */
const MIN_ENTRY_SIZE = 6

/** An answer in parts to be joined. @throws WireError when it is not one a node could give */
export function encodeClientAnswer(answer: ClientAnswer): Uint8Array[] {
  const writer = new ByteWriter()
  writeClientRoute(writer)
  writer.u8(codeOf(answer))
  if (answer.type === 'drained') return writer.finishParts()
  writer.varint(answer.id)
  if (answer.type === 'written') writer.payload(encodeWriteResult(answer.result))
  else if (answer.type === 'found') writeEntry(writer, answer.entry)
  else if (answer.type === 'page') writePage(writer, answer.page)
  else writeErrorText(writer, answer)
  return writer.finishParts()
}

/**
 * Keys and values of the result are views of `bytes`.
 * @throws WireError, also for an answer of an unknown kind: it is to something that was asked; {@link UnknownMessageError} for a channel or
 * a group that this version does not know, on which a node may say what nobody asked for
 */
export function decodeClientAnswer(bytes: Uint8Array): ClientAnswer {
  const reader = new ByteReader(bytes, 'answer to a client')
  readClientRoute(reader)
  const code = reader.u8()
  const answer = code === DRAINED ? ({ type: 'drained' } as const) : readAnswer(reader, code, reader.varint())
  reader.expectEnd()
  return answer
}

function codeOf(answer: ClientAnswer): number {
  switch (answer.type) {
    case 'written':
      return WRITTEN
    case 'found':
      return answer.entry === null ? NOT_FOUND : FOUND
    case 'page':
      return answer.page.token === null ? LAST_PAGE : PAGE
    case 'error':
      return ERROR
    case 'drained':
      return DRAINED
    default:
      return unreachable(answer)
  }
}

function readAnswer(reader: ByteReader, code: number, id: number): ClientAnswer {
  switch (code) {
    case WRITTEN:
      return { type: 'written', id, result: decodeWriteResult(reader.rest()) }
    case NOT_FOUND:
      return { type: 'found', id, entry: null }
    case FOUND:
      return { type: 'found', id, entry: readKeyValue(reader) }
    case PAGE:
    case LAST_PAGE:
      return { type: 'page', id, page: readPage(reader, code === PAGE) }
    case ERROR:
      return { type: 'error', id, ...readErrorText(reader) }
    default:
      return reader.fail(`${code} is the code of no answer`)
  }
}

function writeEntry(writer: ByteWriter, entry: KeyValue | null): void {
  if (entry !== null) writeKeyValue(writer, entry)
}

function writePage(writer: ByteWriter, { entries, token }: ScanPage): void {
  if (token !== null) writer.string(token, 1, MAX_SCAN_TOKEN_SIZE, 'token')
  writer.varint(entries.length)
  for (const entry of entries) writeKeyValue(writer, entry)
}

function readPage(reader: ByteReader, goesOn: boolean): ScanPage {
  const token = goesOn ? reader.string(1, MAX_SCAN_TOKEN_SIZE, 'token') : null
  const count = reader.count(MAX_SCAN_LIMIT, MIN_ENTRY_SIZE, 'entries')
  const entries: KeyValue[] = []
  for (let i = 0; i < count; i++) entries.push(readKeyValue(reader))
  return { entries, token }
}
