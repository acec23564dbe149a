/** Where a node is, as the DNS message of its record (RFC 1035): TXT records of one name, which stands there once. */
import { decode } from 'dns-packet'
import type { Answer } from 'dns-packet'
import { attributesOf, placesIn, recordName } from '../record/index.ts'
import type { Places } from '../record/index.ts'

/** For those who look it up through DNS: iroh's. */
const TTL_SECONDS = 30
/** Bencoded it has three digits of length and a colon more, and some of the DHT take less than a thousand bytes. */
const MAX_PACKET_SIZE = 995
const MAX_RECORDS = 64
const HEADER_SIZE = 12
const RESPONSE_FLAGS = 0x8000
const TYPE_TXT = 16
const CLASS_IN = 1
/** To the name of the first record, which follows the header (RFC 1035, section 4.1.4). */
const POINTER_TO_NAME = 0xc000 | HEADER_SIZE
const MAX_STRING_SIZE = 255

/** What finds no room is left out, from the end. */
export function encodePlaces(endpointId: string, places: Places): Buffer {
  const records: Buffer[] = []
  let size = HEADER_SIZE
  for (const text of attributesOf(places)) {
    const name = records.length === 0 ? encodeName(recordName(endpointId)) : pointerToName()
    const record = encodeText(name, text)
    if (size + record.length > MAX_PACKET_SIZE) continue
    size += record.length
    records.push(record)
  }
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt16BE(RESPONSE_FLAGS, 2)
  header.writeUInt16BE(records.length, 6)
  return Buffer.concat([header, ...records])
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')]))
  return Buffer.concat([...labels, Buffer.of(0)])
}

function pointerToName(): Buffer {
  const pointer = Buffer.alloc(2)
  pointer.writeUInt16BE(POINTER_TO_NAME)
  return pointer
}

function encodeText(name: Buffer, text: string): Buffer {
  const bytes = Buffer.from(text)
  const strings: Buffer[] = []
  for (let at = 0; at < bytes.length; at += MAX_STRING_SIZE) {
    const part = bytes.subarray(at, at + MAX_STRING_SIZE)
    strings.push(Buffer.of(part.length), part)
  }
  const data = Buffer.concat(strings)
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(TYPE_TXT, 0)
  fixed.writeUInt16BE(CLASS_IN, 2)
  fixed.writeUInt32BE(TTL_SECONDS, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([name, fixed, data])
}

/** Where this key says to be; null for what is no DNS message, or says nothing of it. */
export function decodePlaces(endpointId: string, value: Uint8Array): Places | null {
  const name = recordName(endpointId)
  return placesIn(
    answersOf(value).flatMap((answer) => (answer.type === 'TXT' && answer.name === name ? [textOf(answer.data)] : [])),
  )
}

function answersOf(value: Uint8Array): Answer[] {
  try {
    const { type, answers = [] } = decode(Buffer.from(value))
    return type === 'response' && answers.length <= MAX_RECORDS ? answers : []
  } catch {
    return []
  }
}

/** Strings of one record are parts of one text. */
function textOf(data: unknown): string {
  const parts: unknown[] = Array.isArray(data) ? data : [data]
  return Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(String(part))))).toString()
}
