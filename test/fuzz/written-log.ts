/** A log that was written, as files, with every state it went through and every frame it consists of. */
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { LogBatch } from '../../src/ports/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { MemoryDisk, openSegmentedLog } from '../../src/storage/index.ts'
import type { SegmentedLog } from '../../src/storage/index.ts'
import { checkFrame, checksumSeed, segmentBytes } from '../../src/storage/log/frame.ts'
import { SEGMENT_HEADER_SIZE } from '../../src/storage/log/segment-header.ts'
import { close, purge, reset, write } from '../contracts/log-store.ts'
import { applyBatch, EMPTY_MODEL, lastIndex } from '../contracts/log-store-model.ts'
import type { LogModel } from '../contracts/log-store-model.ts'
import { filesOf } from './damage-files.ts'
import type { Files } from './damage-files.ts'
import { randomBytes } from './mutate-bytes.ts'

export const CLUSTER = 'c'.repeat(32)
const SEGMENT_SIZES = [1024, 1536, 4096]

/** A state of the log, and how many records were written after it. */
interface LogState {
  readonly model: LogModel
  readonly recordsAfter: number
}

export interface Frame {
  readonly file: string
  readonly start: number
  readonly end: number
  readonly recordsAfter: number
}

export interface WrittenLog {
  readonly files: Files
  /** Oldest first. Purged entries are still in them. */
  readonly states: readonly LogState[]
  readonly frames: readonly Frame[]
}

function records({ clusterId, hardState, truncateFrom, entries }: LogBatch): number {
  return [clusterId, hardState, truncateFrom].filter((part) => part !== undefined).length + entries.length
}

function randomBatch(random: Random, model: LogModel, purgedIndex: number): LogBatch {
  const last = lastIndex(model)
  const truncateFrom = last > purgedIndex && chance(random, 0.15) ? randomBetween(random, purgedIndex + 1, last) : undefined
  const first = truncateFrom ?? last + 1
  const term = model.hardState.term + (chance(random, 0.2) ? 1 : 0)
  const entries = Array.from({ length: pick(random, [0, 1, 1, 1, 2, 5]) }, (_, i): Entry => {
    const kind = pick(random, ['command', 'command', 'noop', 'membership'] as const)
    return { index: first + i, term, kind, payload: randomBytes(random, pick(random, [0, 30, 150])) }
  })
  return {
    ...(model.clusterId === null ? { clusterId: CLUSTER } : {}),
    ...(term > model.hardState.term || chance(random, 0.1) ? { hardState: { term, votedFor: pick(random, [null, 1, 2]) } } : {}),
    ...(truncateFrom === undefined ? {} : { truncateFrom }),
    entries,
  }
}

/** The frames in the files, in the order they were written. */
export function listFrames(files: Files, storeId: string): Frame[] {
  const frames: (Omit<Frame, 'recordsAfter'> & { readonly count: number })[] = []
  for (const [file, bytes] of files) {
    const number = /^log-(\d+)\.segment$/.exec(file)?.[1]
    if (number === undefined) continue
    const content = segmentBytes(bytes, checksumSeed(storeId, Number(number)))
    for (let start = SEGMENT_HEADER_SIZE; ;) {
      const frame = checkFrame(content, start)
      if (frame === undefined) break
      frames.push({ file, start, end: frame.end, count: frame.recordCount })
      start = frame.end
    }
  }
  let recordsAfter = 0
  const listed: Frame[] = []
  for (const { file, start, end, count } of frames.toReversed()) {
    listed.unshift({ file, start, end, recordsAfter })
    recordsAfter += count
  }
  return listed
}

class LogAuthor {
  readonly #random: Random
  readonly #storeId: string
  readonly #disk = new MemoryDisk(queueMicrotask)
  #log: SegmentedLog
  #model: LogModel = EMPTY_MODEL
  #purgedIndex = 0
  #records = 0
  #states: { readonly model: LogModel; readonly records: number }[] = [{ model: EMPTY_MODEL, records: 0 }]

  constructor(random: Random, storeId: string) {
    this.#random = random
    this.#storeId = storeId
    this.#log = this.#open()
  }

  async write(): Promise<WrittenLog> {
    for (let steps = randomBetween(this.#random, 1, 30); steps > 0; steps--) await this.#step()
    if (chance(this.#random, 0.3)) await close(this.#log)
    const files = filesOf(this.#disk)
    const states = this.#states.map(({ model, records: written }) => ({ model, recordsAfter: this.#records - written }))
    return { files, states, frames: listFrames(files, this.#storeId) }
  }

  async #step(): Promise<void> {
    const last = lastIndex(this.#model)
    const step = randomBetween(this.#random, 1, 100)
    if (step <= 5) {
      await close(this.#log)
      this.#log = this.#open()
    } else if (step <= 10 && last > this.#purgedIndex) {
      this.#purgedIndex = (await purge(this.#log, randomBetween(this.#random, this.#purgedIndex + 1, last))).index
    } else if (step <= 12) await this.#reset()
    else await this.#write()
  }

  async #write(): Promise<void> {
    const batches: LogBatch[] = []
    for (let count = pick(this.#random, [1, 1, 2, 4]); count > 0; count--) {
      const batch = randomBatch(this.#random, this.#model, this.#purgedIndex)
      this.#model = applyBatch(this.#model, batch)
      this.#records += records(batch)
      this.#states.push({ model: this.#model, records: this.#records })
      batches.push(batch)
    }
    await write(this.#log, ...batches)
  }

  async #reset(): Promise<void> {
    const { hardState } = this.#model
    const purged = { term: Math.max(1, hardState.term), index: lastIndex(this.#model) + randomBetween(this.#random, 0, 9) }
    await reset(this.#log, purged, hardState, CLUSTER)
    this.#model = { clusterId: CLUSTER, hardState, purged, entries: [] }
    this.#purgedIndex = purged.index
    this.#records = 0
    this.#states = [{ model: this.#model, records: 0 }]
  }

  #open(): SegmentedLog {
    return openSegmentedLog(this.#disk, { storeId: this.#storeId, segmentSize: pick(this.#random, SEGMENT_SIZES) })
  }
}

export function writeLog(random: Random, storeId: string): Promise<WrittenLog> {
  return new LogAuthor(random, storeId).write()
}
