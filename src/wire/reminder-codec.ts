/** What a node is reminded of when its link opens. The message is tagged fields: later versions add to it. */
import { ByteReader, ByteWriter, readTaggedFields, WireError, writeTaggedFields } from '../lib/index.ts'
import { readLogId, writeLogId } from './log-id-codec.ts'
import type { PeerReminder } from './peer-message.ts'

// Even: whoever does not know one may go on without it.
const FROM = 2
const TERM = 4
const HELD = 6

export function writeReminder(writer: ByteWriter, { from, term, held }: PeerReminder): void {
  if (from < 1) throw new WireError(`invalid reminder: it comes from node ${from}`)
  writeTaggedFields(writer, [
    [FROM, bytesOf((field) => field.varint(from))],
    [TERM, bytesOf((field) => field.varint(term))],
    [HELD, bytesOf((field) => writeLogId(field, held))],
  ])
}

export function readReminder(reader: ByteReader): PeerReminder {
  const fields = readTaggedFields(reader, [FROM, TERM, HELD])
  const read = <T>(tag: number, decode: (field: ByteReader) => T): T => {
    const field = new ByteReader(fields.get(tag) ?? reader.fail(`it lacks field ${tag}`), `reminder, field ${tag}`)
    const value = decode(field)
    field.expectEnd()
    return value
  }
  return {
    type: 'reminder',
    from: read(FROM, (field) => field.varintWithin(1, Number.MAX_SAFE_INTEGER, 'sender')),
    term: read(TERM, (field) => field.varint()),
    held: read(HELD, readLogId),
  }
}

function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.finish()
}
