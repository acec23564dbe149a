import type { EntryMeta } from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import type { EntryIndex } from './entry-index.ts'
import { checkRecord, decodeRecord, kindNumber, RECORD_ENTRY_FIRST, RECORD_HEADER_SIZE, segmentBytes } from './frame.ts'
import { LogCorruptionError } from './log-corruption-error.ts'
import type { Segment } from './segment.ts'

/** Reading over this many bytes that are not wanted is cheaper than another read. */
const MAX_GAP_BYTES = 16 * 1024
/** Read at once, unless a single entry is larger. */
const MAX_RUN_BYTES = 4 * 1024 * 1024

interface WantedEntry extends EntryMeta {
  readonly position: number
}

/** Entries that one read brings. */
interface Run {
  readonly segment: Segment
  readonly position: number
  end: number
  readonly wanted: WantedEntry[]
}

function planRuns(index: EntryIndex, segments: ReadonlyMap<number, Segment>, range: ReadRange): Run[] {
  const runs: Run[] = []
  let run: Run | undefined
  let total = 0
  for (let i = range.first; i <= range.last; i++) {
    const size = index.size(i)
    if (i > range.first && total + size > range.maxBytes) break
    total += size
    const position = index.position(i)
    const end = position + RECORD_HEADER_SIZE + size
    const segment = segments.get(index.segment(i)) as Segment
    if (run?.segment !== segment || position - run.end > MAX_GAP_BYTES || end - run.position > MAX_RUN_BYTES) {
      run = { segment, position, end, wanted: [] }
      runs.push(run)
    }
    run.end = end
    run.wanted.push({ index: i, term: index.term(i), kind: index.kind(i), size, position })
  }
  return runs
}

function decodeRun(run: Run, bytes: Uint8Array, entries: Entry[]): void {
  const part = segmentBytes(bytes, run.segment.seed)
  for (const { index, term, kind, size, position } of run.wanted) {
    const at = position - run.position
    const end = checkRecord(part, at, bytes.length)
    const record = end === at + RECORD_HEADER_SIZE + size ? decodeRecord(part, at, end) : undefined
    if (record?.index !== index || record.term !== term || record.type !== RECORD_ENTRY_FIRST + kindNumber(kind)) {
      throw new LogCorruptionError(run.segment.name, position, `entry ${index} was written here and does not read back`)
    }
    entries.push({ index, term, kind, payload: record.payload })
  }
}

export interface ReadRange {
  readonly first: number
  readonly last: number
  readonly maxBytes: number
}

type ReadDone = (error: Error | undefined, entries: readonly Entry[]) => void

/** Reads held entries and verifies each again. Payloads are views of the bytes that one read brought. */
export function readEntries(index: EntryIndex, segments: ReadonlyMap<number, Segment>, range: ReadRange, done: ReadDone): void {
  const runs = planRuns(index, segments, range)
  const entries: Entry[] = []
  for (const run of runs) run.segment.acquire()
  const finish = (error: Error | undefined): void => {
    for (const run of runs) run.segment.release()
    done(error, error === undefined ? entries : [])
  }
  const readRun = (next: number): void => {
    const run = runs[next]
    if (run === undefined) return finish(undefined)
    run.segment.file.read(run.position, run.end - run.position, (error, bytes) => {
      if (error !== undefined) return finish(error)
      try {
        decodeRun(run, bytes, entries)
      } catch (corruption) {
        return finish(corruption as Error)
      }
      readRun(next + 1)
    })
  }
  readRun(0)
}
