/** What replicas say of the digests of their states, and of what became of them. The messages are tagged fields: later versions add to them. */
import { ByteReader, ByteWriter, readTaggedFields, WireError, writeTaggedFields } from '../lib/index.ts'
import type { TaggedField } from '../lib/index.ts'
import type { StateDigest } from '../ports/index.ts'
import type { DigestVerdict, SnapshotWanted, StateDigests } from './peer-message.ts'

/** Digests in one message. */
export const MAX_DIGESTS = 32

// Even: whoever does not know one may go on without it.
const FROM = 2
const DIGESTS = 4
const TERM = 6
const INDEX = 8
const DIGEST = 10

export function writeDigests(writer: ByteWriter, { from, digests }: StateDigests): void {
  if (digests.length > MAX_DIGESTS) throw new WireError(`${digests.length} digests in one message`)
  const list = new ByteWriter()
  for (const { index, digest } of digests) {
    list.varint(index)
    list.varint(digest)
  }
  writeTaggedFields(writer, [
    [FROM, whole(from)],
    [DIGESTS, list.finish()],
  ])
}

export function readDigests(reader: ByteReader): StateDigests {
  const fields = readTaggedFields(reader, [FROM, DIGESTS])
  const list = new ByteReader(fields.get(DIGESTS) ?? new Uint8Array(0), 'digests')
  const digests: StateDigest[] = []
  while (list.remaining > 0) {
    if (digests.length === MAX_DIGESTS) list.fail(`more than ${MAX_DIGESTS} digests`)
    digests.push({ index: list.varint(), digest: list.varint() })
  }
  return { type: 'state-digests', from: wholeOf(fields, FROM, 'sender'), digests }
}

export function writeVerdict(writer: ByteWriter, { from, term, index, digest }: DigestVerdict): void {
  const fields: TaggedField[] = [
    [FROM, whole(from)],
    [TERM, whole(term)],
    [INDEX, whole(index)],
  ]
  if (digest !== null) fields.push([DIGEST, whole(digest)])
  writeTaggedFields(writer, fields)
}

export function readVerdict(reader: ByteReader): DigestVerdict {
  const fields = readTaggedFields(reader, [FROM, TERM, INDEX, DIGEST])
  return {
    type: 'digest-verdict',
    from: wholeOf(fields, FROM, 'sender'),
    term: wholeOf(fields, TERM, 'term'),
    index: wholeOf(fields, INDEX, 'index'),
    digest: fields.has(DIGEST) ? wholeOf(fields, DIGEST, 'digest', 0) : null,
  }
}

export function writeWanted(writer: ByteWriter, { from, atLeast }: SnapshotWanted): void {
  writeTaggedFields(writer, [
    [FROM, whole(from)],
    [INDEX, whole(atLeast)],
  ])
}

export function readWanted(reader: ByteReader): SnapshotWanted {
  const fields = readTaggedFields(reader, [FROM, INDEX])
  return { type: 'snapshot-wanted', from: wholeOf(fields, FROM, 'sender'), atLeast: wholeOf(fields, INDEX, 'index', 0) }
}

function whole(value: number): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(value)
  return writer.finish()
}

function wholeOf(fields: ReadonlyMap<number, Uint8Array>, tag: number, name: string, least = 1): number {
  const bytes = fields.get(tag)
  if (bytes === undefined) throw new WireError(`a message about digests without its ${name}`)
  const reader = new ByteReader(bytes, name)
  const value = reader.varintWithin(least, Number.MAX_SAFE_INTEGER, name)
  reader.expectEnd()
  return value
}
