/**
 * Log files after damage: a log that opens holds a state that was written, and lacks nothing whose bytes are still in
 * their place; everything else is refused and left as it is.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Random } from '../../src/lib/index.ts'
import { hasLog, LogCorruptionError, openSegmentedLog } from '../../src/storage/index.ts'
import type { SegmentedLog } from '../../src/storage/index.ts'
import { decodeSegmentHeader } from '../../src/storage/log/segment-header.ts'
import { entry, write } from '../contracts/log-store.ts'
import { applyBatch, applyPurge, fingerprint, lastIndex, modelOf } from '../contracts/log-store-model.ts'
import type { LogModel } from '../contracts/log-store-model.ts'
import { damage, diskWith, filesOf, sameBytes, sameFiles } from './damage-files.ts'
import type { Files } from './damage-files.ts'
import { flood, Tally } from './flood.ts'
import { writeLog } from './written-log.ts'
import type { WrittenLog } from './written-log.ts'

const STORE = 'store-a'
const NEW_NAMES = ['log-spare', 'log-0000000009.segment', 'log-9999999999.segment', 'log-0000000000.segment', 'other']
const OTHER_REFUSAL = /belongs to log store|has log format version/

function isRefusal(error: unknown): boolean {
  if (error instanceof LogCorruptionError) return error.file.startsWith('log-') && error.offset >= 0
  return error instanceof Error && error.constructor === Error && OTHER_REFUSAL.test(error.message)
}

/** What is left of a state when its entries up to the index are gone, or undefined when it does not reach so far. */
function purgedTo(model: LogModel, index: number): LogModel | undefined {
  if (index < model.purged.index || index > lastIndex(model)) return undefined
  return applyPurge(model, index)
}

function firstSegment(files: Files): string | undefined {
  return [...files.keys()].filter((name) => name.endsWith('.segment')).toSorted()[0]
}

function assertWasWritten(written: WrittenLog, files: Files, found: LogModel): void {
  const wanted = fingerprint(found)
  const state = written.states.findLast(({ model }) => {
    if (model.hardState.term !== found.hardState.term || lastIndex(model) !== lastIndex(found)) return false
    const purged = purgedTo(model, found.purged.index)
    return purged !== undefined && fingerprint(purged) === wanted
  })
  assert.ok(state !== undefined, 'the log holds what was never written')
  for (const { file, start, end, recordsAfter } of written.frames) {
    if (recordsAfter >= state.recordsAfter) continue
    const [before, after] = [written.files.get(file)?.subarray(start, end), files.get(file)?.subarray(start, end)]
    assert.ok(!sameBytes(before, after), `${file}: the write at byte ${start} is intact, and the log has forgotten it`)
  }
}

/** Without its first segments a log looks like one that was purged; what was applied then tells at start-up. */
function assertNothingPurged(written: WrittenLog, files: Files, found: LogModel): void {
  const first = firstSegment(written.files)
  if (first === undefined || !files.has(first)) return
  const { base } = decodeSegmentHeader(first, written.files.get(first) as Uint8Array)
  assert.ok(found.purged.index <= base.index, 'entries at the beginning of the log are gone')
}

async function assertGoesOn(log: SegmentedLog, disk: ReturnType<typeof diskWith>, found: LogModel): Promise<void> {
  const batch = { entries: [entry(lastIndex(found) + 1, found.hardState.term + 1)] }
  await write(log, batch)
  const again = await modelOf(openSegmentedLog(disk, { storeId: STORE, segmentSize: 1024 }))
  assert.equal(fingerprint(again), fingerprint(applyBatch(found, batch)))
}

interface Base {
  readonly written: WrittenLog
  readonly sound: LogModel
  readonly donors: Files
}

async function checkDamaged({ written, sound }: Base, files: Files, tally: Tally): Promise<void> {
  const disk = diskWith(files)
  if (!hasLog(disk)) return tally.add('nothing left')
  let log: SegmentedLog
  try {
    log = openSegmentedLog(disk, { storeId: STORE, segmentSize: 1024 })
  } catch (error) {
    if (!isRefusal(error)) throw error
    assert.ok(sameFiles(filesOf(disk), files), `a refused log was changed: ${String(error)}`)
    return tally.add('refused')
  }
  const found = await modelOf(log)
  assertWasWritten(written, files, found)
  assertNothingPurged(written, files, found)
  tally.add(lastIndex(found) === lastIndex(sound) ? 'whole' : 'cut')
  await assertGoesOn(log, disk, found)
}

async function createBase(random: Random): Promise<Base> {
  const written = await writeLog(random, STORE)
  const sound = await modelOf(openSegmentedLog(diskWith(written.files), { storeId: STORE, segmentSize: 1024 }))
  assertWasWritten(written, written.files, sound)
  const { files } = await writeLog(random, 'store-b')
  return { written, sound, donors: files }
}

export async function floodLog(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, {
    inputs,
    perRound: 200,
    round: async (random, count) => {
      const base = await createBase(random)
      for (let i = 0; i < count; i++) {
        await checkDamaged(base, damage(random, base.written.files, base.donors, NEW_NAMES), tally)
      }
      assert.equal(
        fingerprint(await modelOf(openSegmentedLog(diskWith(base.written.files), { storeId: STORE }))),
        fingerprint(base.sound),
      )
    },
  })
  context.diagnostic(String(tally))
  for (const kind of ['refused', 'whole', 'cut'])
    assert.ok(tally.count(kind) > inputs / 100, `the inputs are one-sided: ${String(tally)}`)
}
