import type { LogId } from '../raft/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'

export function writeLogId(writer: ByteWriter, { term, index }: LogId): void {
  writer.varint(term)
  writer.varint(index)
}

export function readLogId(reader: ByteReader): LogId {
  return { term: reader.varint(), index: reader.varint() }
}

/** Term 0 has one entry, the founding configuration at index 1; index 0 is the position before it. */
export function isLogId({ term, index }: LogId): boolean {
  return term === 0 ? index <= 1 : index > 0
}
