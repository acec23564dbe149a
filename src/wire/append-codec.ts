import { setVersionOf } from '../commands/index.ts'
import { MAX_BATCH_SIZE, MAX_COMMAND_SIZE } from '../limits.ts'
import type { Entry, LogId } from '../raft/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import { entryKindCode, entryKindNeeds, entryKindOf } from './entry-kind.ts'
import { isLogId } from './log-id-codec.ts'
import { decodeMembership } from './membership-codec.ts'
import { WireError } from '../lib/index.ts'

/**
 * Entries that follow `prev`: their number; runs of equal term and kind, with the version that the kind needs; their sizes; their payloads. Positions
 * are not written: the indices are consecutive. The payloads come last and together, so that large ones travel uncopied.
 */
export function writeEntries(writer: ByteWriter, prev: LogId, entries: readonly Entry[]): void {
  if (entries.length > MAX_BATCH_SIZE) throw new WireError(`${entries.length} entries: at most ${MAX_BATCH_SIZE} fit an append`)
  checkIndices(prev, entries)
  writer.varint(entries.length)
  writeRuns(writer, prev.term, entries)
  for (const entry of entries) writer.varint(entry.payload.length)
  for (const entry of entries) writer.payload(entry.payload)
}

function checkIndices(prev: LogId, entries: readonly Entry[]): void {
  let index = prev.index
  for (const entry of entries) {
    index++
    if (entry.index !== index) throw new WireError(`entry ${entry.index} is where entry ${index} should be`)
    if (!isLogId(entry)) throw new WireError(`entry ${index} has term ${entry.term}`)
    if (entry.payload.length > MAX_COMMAND_SIZE)
      throw new WireError(`the payload of entry ${index} has ${entry.payload.length} bytes`)
    // A configuration, or a version, that nobody could decode must not leave this node.
    if (entry.kind === 'membership') decodeMembership(entry.payload)
    if (entry.kind === 'version') setVersionOf(entry.payload)
  }
}

function writeRuns(writer: ByteWriter, prevTerm: number, entries: readonly Entry[]): void {
  let term = prevTerm
  let first = 0
  while (first < entries.length) {
    const { kind, term: runTerm, index } = entries[first] as Entry
    let end = first + 1
    while (end < entries.length && entries[end]?.term === runTerm && entries[end]?.kind === kind) end++
    if (!(runTerm >= term)) throw new WireError(`entry ${index} has term ${runTerm}, after term ${term}`)
    writer.u8(entryKindCode(kind))
    writer.varint(entryKindNeeds(kind))
    writer.varint(runTerm - term)
    writer.varint(end - first)
    term = runTerm
    first = end
  }
}

/** What entries that are read stand in: the entry before them, the term they were sent in, and the version that the reader can apply. */
export interface EntriesContext {
  readonly prev: LogId
  readonly maxTerm: number
  readonly ownVersion: number
}

/**
 * The entries after `prev`, none of a term past `maxTerm`; they fill the rest of the bytes. Payloads are views.
 * Whether `prev` itself can be is the caller's to check.
 */
export function readEntries(reader: ByteReader, { prev, maxTerm, ownVersion }: EntriesContext): Entry[] {
  const count = reader.count(MAX_BATCH_SIZE, 1, 'entries')
  if (prev.index > Number.MAX_SAFE_INTEGER - count) reader.fail(`${count} entries cannot follow index ${prev.index}`)
  const runs = readRuns(reader, count, { prev, maxTerm, ownVersion })
  const sizes = readSizes(reader, count)
  const entries: Entry[] = []
  let { index } = prev
  for (const { kind, term, length } of runs) {
    for (let i = 0; i < length; i++) {
      const payload = reader.view(sizes[entries.length] as number)
      index++
      if (kind === 'version') setVersionOf(payload)
      entries.push(
        kind === 'membership'
          ? { index, term, kind, payload, membership: decodeMembership(payload) }
          : { index, term, kind, payload },
      )
    }
  }
  return entries
}

interface Run {
  readonly kind: Entry['kind']
  readonly term: number
  readonly length: number
}

function readRuns(reader: ByteReader, count: number, { prev, maxTerm, ownVersion }: EntriesContext): Run[] {
  const runs: Run[] = []
  let { term } = prev
  let last: Run | undefined
  for (let covered = 0; covered < count; covered += last.length) {
    const kind = entryKindOf(reader.u8(), reader.varint(), ownVersion)
    term += reader.varintWithin(0, maxTerm - term, 'distance between two terms')
    if (last?.kind === kind && last.term === term) reader.fail('two runs of entries are one')
    last = { kind, term, length: reader.varintWithin(1, count - covered, 'length of a run of entries') }
    const end = { term, index: prev.index + covered + last.length }
    if (!isLogId(end)) reader.fail(`entry ${end.index} has term ${term}`)
    runs.push(last)
  }
  return runs
}

/** Their sum is what is left of the bytes: checked before anything is made of them. */
function readSizes(reader: ByteReader, count: number): number[] {
  const sizes: number[] = []
  let total = 0
  for (let i = 0; i < count; i++) {
    const size = reader.varintWithin(0, MAX_COMMAND_SIZE, 'size of an entry')
    sizes.push(size)
    total += size
  }
  if (total !== reader.remaining) reader.fail(`the payloads take ${total} bytes, but ${reader.remaining} are left`)
  return sizes
}
