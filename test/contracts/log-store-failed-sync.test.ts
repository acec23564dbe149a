/**
 * A failed sync, a restart without a reboot, and then a power cut. What recovery found may be in memory alone, readable and counted
 * as written: whatever it gives back, and what was written after it, must be there in the end.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../src/lib/index.ts'
import type { LogStore } from '../../src/ports/index.ts'
import { FAST_DISK, Life, Scheduler, SimDisk } from '../../src/simulation/index.ts'
import type { UnsyncedFate } from '../../src/simulation/index.ts'
import { openSegmentedLog } from '../../src/storage/log/index.ts'
import { entries } from './log-store.ts'

const SEGMENT_SIZE = 16_384
const FATES: readonly UnsyncedFate[] = ['dropped', 'dirty', 'clean']

class Machine {
  readonly disk: SimDisk
  readonly #scheduler = new Scheduler()
  #life = new Life(this.#scheduler, 'n1')

  constructor(seed: number) {
    this.disk = new SimDisk(new Prng(seed), FAST_DISK)
  }

  /** A process begins, and opens the log. */
  start(): LogStore {
    this.#life.end()
    this.#life = new Life(this.#scheduler, 'n1')
    const life = this.#life
    const defer = (run: () => void): void => void life.after(0, run)
    return openSegmentedLog(this.disk.mount(life), { storeId: 's', segmentSize: SEGMENT_SIZE, defer })
  }

  cutPower(): void {
    this.#life.end()
    this.disk.cutPower()
  }

  /** What became of a write of these entries. */
  write(log: LogStore, first: number, last: number, size: number): Error | undefined {
    let answer: Error | null | undefined = null
    log.write([{ entries: entries(first, last, 1, size) }], (error) => {
      answer = error
    })
    // What is prepared in the background is done, too, before anything else fails.
    const until = this.#scheduler.now + 10_000
    while (this.#scheduler.step(until));
    assert.ok(answer !== null, 'the write was not answered')
    return answer
  }
}

const lastOf = (log: LogStore): number => log.recovered.entries.at(-1)?.index ?? 0

/** @param before entries in the log when the sync fails: none puts the frame at the head of a segment */
function failThenRestart(fate: UnsyncedFate, before: number, size: number, seed: number): void {
  const what = `${fate}, behind ${before} entries of ${size} bytes, seed ${seed}`
  const machine = new Machine(seed)
  const log = machine.start()
  if (before > 0) assert.equal(machine.write(log, 1, before, size), undefined)
  machine.disk.failsNext = 'sync'
  machine.disk.unsynced = fate
  assert.match(String(machine.write(log, before + 1, before + 1, size)), /EIO/, what)
  const restarted = machine.start()
  const found = lastOf(restarted)
  assert.ok(found === before || found === before + 1, what)
  assert.equal(machine.write(restarted, found + 1, found + 1, size), undefined, what)
  machine.cutPower()
  assert.equal(lastOf(machine.start()), found + 1, what)
}

function failThenCutPower(fate: UnsyncedFate, before: number, size: number, seed: number): void {
  const machine = new Machine(seed)
  const log = machine.start()
  if (before > 0) machine.write(log, 1, before, size)
  machine.disk.failsNext = 'sync'
  machine.disk.unsynced = fate
  machine.write(log, before + 1, before + 1, size)
  // Once a start has vouched for it, it stays.
  const found = lastOf(machine.start())
  machine.cutPower()
  assert.equal(lastOf(machine.start()), found, `${fate}, behind ${before} entries of ${size} bytes, seed ${seed}`)
}

for (const fate of FATES) {
  test(`openSegmentedLog: vouches for nothing that a power cut can still take (after a failed sync: ${fate})`, () => {
    // A frame within the sector of the one after it, one that spans several, and one that needs a new segment.
    for (const size of [20, 3000, 9000]) {
      for (const before of [0, 1, 4]) {
        for (let seed = 1; seed <= 3; seed++) {
          failThenRestart(fate, before, size, seed)
          failThenCutPower(fate, before, size, seed)
        }
      }
    }
  })
}
