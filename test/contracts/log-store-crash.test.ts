/**
 * A segmented log on a disk that loses power at any point, in the middle of recovery too. What was acknowledged must be
 * there; of the one operation under way a prefix of its batches; nothing else. Recovery must never refuse.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chance, Prng, randomBetween } from '../../src/lib/index.ts'
import type { LogBatch, LogStore } from '../../src/ports/index.ts'
import type { EntryKind } from '../../src/raft/index.ts'
import { openSegmentedLog } from '../../src/storage/log/index.ts'
import { CrashingDisk, PowerLost } from './disk-crashing.ts'
import { applyBatch, applyPurge, EMPTY_MODEL, fingerprint, lastIndex, modelOf } from './log-store-model.ts'
import type { LogModel } from './log-store-model.ts'
import { entry } from './log-store.ts'
import { volume } from '../volume.ts'

const SEEDS = volume(250, 80)
const CRASHES_PER_SEED = 12
const KINDS: readonly EntryKind[] = ['command', 'noop', 'membership']

interface Coverage {
  tornTails: number
  partialWrites: number
  rolls: number
  purges: number
  resets: number
  interruptedRecoveries: number
}

class CrashTest {
  readonly random: Prng
  readonly queue: (() => void)[] = []
  readonly disk: CrashingDisk
  readonly segmentSize: number
  readonly coverage: Coverage
  acknowledged: LogModel = EMPTY_MODEL
  /** States that a crash may leave; the first is the acknowledged one. */
  possible: LogModel[] = [EMPTY_MODEL]
  term = 0

  constructor(seed: number, coverage: Coverage) {
    this.random = new Prng(seed)
    this.disk = new CrashingDisk(this.random, (run) => this.queue.push(run))
    this.segmentSize = randomBetween(this.random, 1024, 4096)
    this.coverage = coverage
  }

  /** Opens the log, sometimes losing power in the middle and beginning again. */
  open(): LogStore {
    for (;;) {
      if (chance(this.random, 0.4)) this.disk.interruptSyncStep(randomBetween(this.random, 1, 8))
      try {
        const log = openSegmentedLog(this.disk, {
          storeId: 's',
          segmentSize: this.segmentSize,
          defer: (run) => this.queue.push(run),
        })
        this.disk.interruptSyncStep(Number.POSITIVE_INFINITY)
        return log
      } catch (error) {
        if (!(error instanceof PowerLost)) throw error
        this.coverage.interruptedRecoveries++
        this.loseProcess()
      }
    }
  }

  loseProcess(): void {
    if (chance(this.random, 0.7)) this.disk.crash()
    else this.disk.kill()
    this.queue.length = 0
  }

  runAll(): void {
    for (let run = this.queue.shift(); run !== undefined; run = this.queue.shift()) run()
  }

  async recover(): Promise<LogStore> {
    const log = this.open()
    const reading = modelOf(log)
    this.runAll()
    // The reads of modelOf report in microtasks of their own.
    const found = await reading
    const prints = this.possible.map(fingerprint)
    const position = prints.indexOf(fingerprint(found))
    assert.notEqual(
      position,
      -1,
      `recovered a state that was never written:\n${fingerprint(found)}\nallowed:\n${prints.join('\n')}`,
    )
    if (log.recovered.tornBytes > 0) this.coverage.tornTails++
    if (position > 0 && position < this.possible.length - 1) this.coverage.partialWrites++
    this.settleOn(found)
    return log
  }

  settleOn(model: LogModel): void {
    this.acknowledged = model
    this.possible = [model]
  }

  /** Starts one random operation; its completion settles the model. */
  start(log: LogStore): void {
    const dice = randomBetween(this.random, 0, 9)
    if (dice === 0) this.startReset(log)
    else if (dice <= 2) this.startPurge(log)
    else this.startWrite(log)
  }

  startWrite(log: LogStore): void {
    const batches: LogBatch[] = []
    const states = [this.acknowledged]
    for (let count = randomBetween(this.random, 1, 4); count > 0; count--) {
      const state = states.at(-1) as LogModel
      const batch = this.batch(state)
      batches.push(batch)
      states.push(applyBatch(state, batch))
    }
    this.possible = states
    log.write(batches, (error) => {
      assert.equal(error, undefined)
      this.settleOn(states.at(-1) as LogModel)
    })
  }

  batch(state: LogModel): LogBatch {
    this.term++
    const kept = chance(this.random, 0.25) ? randomBetween(this.random, 0, state.entries.length) : undefined
    const first = kept === undefined ? lastIndex(state) + 1 : state.purged.index + kept + 1
    const count = randomBetween(this.random, 0, 5)
    const largest = chance(this.random, 0.1) ? 2500 : 200
    return {
      ...(state.clusterId === null ? { clusterId: 'c' } : {}),
      ...(chance(this.random, 0.5) ? { hardState: { term: this.term, votedFor: randomBetween(this.random, 1, 5) } } : {}),
      ...(kept === undefined ? {} : { truncateFrom: first }),
      entries: Array.from({ length: count }, (_, i) =>
        entry(first + i, this.term, randomBetween(this.random, 0, largest), KINDS[randomBetween(this.random, 0, 2)]),
      ),
    }
  }

  startPurge(log: LogStore): void {
    const before = this.acknowledged
    const upTo = before.purged.index + randomBetween(this.random, 0, before.entries.length)
    this.possible = Array.from({ length: upTo - before.purged.index + 1 }, (_, i) => applyPurge(before, before.purged.index + i))
    log.purge(upTo, (error, purged) => {
      assert.equal(error, undefined)
      if (purged.index > before.purged.index) this.coverage.purges++
      this.settleOn(applyPurge(before, purged.index))
      assert.deepEqual(purged, this.acknowledged.purged)
    })
  }

  startReset(log: LogStore): void {
    this.term++
    const index = Math.max(1, lastIndex(this.acknowledged) + randomBetween(this.random, -5, 30))
    const after: LogModel = {
      clusterId: 'c',
      hardState: { term: this.term, votedFor: null },
      purged: { term: this.term, index },
      entries: [],
    }
    this.possible = [this.acknowledged, after]
    log.reset(after.purged, after.hardState, 'c', (error) => {
      assert.equal(error, undefined)
      this.coverage.resets++
      this.settleOn(after)
    })
  }

  /** Runs operations until one of them, at a random step, loses the process. */
  runUntilCrash(log: LogStore): void {
    const segments = this.disk.list().length
    for (let operations = randomBetween(this.random, 0, 12); operations > 0; operations--) {
      this.start(log)
      while (this.possible.length > 1 || this.queue.length > 0) {
        if (operations === 1 && chance(this.random, 0.2)) break
        const run = this.queue.shift()
        if (run === undefined) break
        run()
      }
    }
    if (this.disk.list().length > segments) this.coverage.rolls++
    this.loseProcess()
  }
}

test('SegmentedLog: recovers what was acknowledged, and nothing that was not written, from a crash at any point', async () => {
  const coverage: Coverage = { tornTails: 0, partialWrites: 0, rolls: 0, purges: 0, resets: 0, interruptedRecoveries: 0 }
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const run = new CrashTest(seed, coverage)
      for (let crashes = 0; crashes < CRASHES_PER_SEED; crashes++) run.runUntilCrash(await run.recover())
      await run.recover()
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
  for (const [what, count] of Object.entries(coverage))
    assert.ok(count > 20, `${what} happened ${count} times: the test proves too little`)
})
