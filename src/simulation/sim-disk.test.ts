import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../lib/index.ts'
import type { Disk } from '../ports/index.ts'
import { isVolumeFull } from '../storage/index.ts'
import { Life } from './life.ts'
import { Scheduler } from './scheduler.ts'
import { FAST_DISK, SimDisk } from './sim-disk.ts'

interface Machine {
  readonly scheduler: Scheduler
  readonly disk: SimDisk
  readonly boot: () => Disk
  readonly cutPower: () => void
}

function machine(seed: number): Machine {
  const scheduler = new Scheduler()
  const disk = new SimDisk(new Prng(seed), FAST_DISK)
  let life = new Life(scheduler, 'n1')
  return {
    scheduler,
    disk,
    boot: () => {
      life.end()
      life = new Life(scheduler, 'n1')
      return disk.mount(life)
    },
    cutPower: () => {
      life.end()
      disk.cutPower()
    },
  }
}

function bytes(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value)
}

function drain(scheduler: Scheduler): void {
  while (scheduler.step(Number.MAX_SAFE_INTEGER));
}

/** Every byte read back, as text: what survived of a file of ones. */
function survivors(disk: Disk, name: string): string {
  return [...disk.open(name).readSync(0, 1 << 20)].join('')
}

test('SimDisk: what a killed process still did in its last event never happened', () => {
  const scheduler = new Scheduler()
  const disk = new SimDisk(new Prng(1), FAST_DISK)
  const life = new Life(scheduler, 'n1')
  const mounted = disk.mount(life)
  const written = (): void => assert.fail('a dead process was told of a write')
  life.after(0, () => {
    const file = mounted.open('kept')
    file.writeDurablySync(0, bytes(3, 1))
    life.lightFuse(1, () => life.end())
    file.write(3, bytes(3, 2), written)
    file.write(6, bytes(3, 3), written)
    file.writeDurably(0, bytes(3, 4), written)
    file.truncateSync(1)
    file.sync(written)
    mounted.rename('kept', 'renamed')
    mounted.open('new').write(0, bytes(1, 1), written)
    mounted.rename('new', 'newer')
    mounted.remove('kept')
    mounted.syncDirectory(written)
  })
  drain(scheduler)
  assert.equal(life.alive, false)
  const next = disk.mount(new Life(scheduler, 'n1'))
  assert.deepEqual(next.list(), ['kept'])
  assert.equal(survivors(next, 'kept'), '111222')
})

test('SimDisk: keeps through a power cut what was made durable, whatever the seed', () => {
  for (let seed = 0; seed < 50; seed++) {
    const { scheduler, boot, cutPower } = machine(seed)
    const disk = boot()
    const file = disk.open('a')
    let ended = 0
    disk.syncDirectory(() => ended++)
    file.writeDurably(0, bytes(2000, 1), () => ended++)
    file.write(2000, bytes(2000, 2), () => file.sync(() => ended++))
    drain(scheduler)
    assert.equal(ended, 3)
    cutPower()
    assert.equal(survivors(boot(), 'a'), '1'.repeat(2000) + '2'.repeat(2000))
  }
})

test('SimDisk: loses, keeps and tears what was not made durable', () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const { scheduler, boot, cutPower } = machine(seed)
    const disk = boot()
    const file = disk.open('a')
    disk.syncDirectorySync()
    file.writeDurablySync(0, bytes(1024, 1))
    file.write(0, bytes(1024, 2), () => undefined)
    drain(scheduler)
    assert.equal(
      [...file.readSync(0, 1024)].every((byte) => byte === 2),
      true,
    )
    cutPower()
    const seen = survivors(boot(), 'a')
    assert.match(seen, /^[12]{1024}$/)
    outcomes.add(
      seen === '1'.repeat(1024)
        ? 'lost'
        : seen === '2'.repeat(1024)
          ? 'kept'
          : /^(1|2)\1{511}(1|2)\2{511}$/.test(seen)
            ? 'mixed'
            : 'torn',
    )
  }
  assert.deepEqual([...outcomes].toSorted(), ['kept', 'lost', 'mixed', 'torn'])
})

test('SimDisk: may keep parts of a durable write that the power cut interrupts, and never reports it', () => {
  let partly = 0
  for (let seed = 0; seed < 100; seed++) {
    const { scheduler, boot, cutPower } = machine(seed)
    const disk = boot()
    const file = disk.open('a')
    disk.syncDirectorySync()
    file.writeDurably(0, bytes(4096, 1), () => assert.fail('the write ended after the end of its process'))
    cutPower()
    drain(scheduler)
    const ones = survivors(boot(), 'a').replaceAll('0', '').length
    if (ones > 0 && ones < 4096) partly++
  }
  assert.ok(partly > 10, `${partly} of 100`)
})

test('SimDisk: loses creations, renames and removals from some point on unless the directory is synced', () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 100; seed++) {
    const { boot, cutPower } = machine(seed)
    const disk = boot()
    disk.open('old')
    disk.syncDirectorySync()
    disk.open('new.tmp')
    disk.rename('new.tmp', 'new')
    disk.remove('old')
    cutPower()
    seen.add(boot().list().join('+'))
  }
  assert.deepEqual([...seen].toSorted(), ['new', 'new+old', 'new.tmp+old', 'old'])
  const { boot, cutPower } = machine(1)
  const disk = boot()
  disk.open('a.tmp')
  disk.rename('a.tmp', 'a')
  disk.syncDirectorySync()
  cutPower()
  assert.deepEqual(boot().list(), ['a'])
})

test('SimDisk: keeps everything when only the process is killed', () => {
  const { boot } = machine(1)
  boot()
    .open('a')
    .write(0, bytes(3000, 1), () => undefined)
  assert.equal(survivors(boot(), 'a'), '1'.repeat(3000))
})

test('SimDisk: refuses a process that is dead', () => {
  const { boot } = machine(1)
  const old = boot()
  const file = old.open('a')
  boot()
  assert.throws(() => file.size(), /after its death/)
  assert.throws(() => old.list(), /after its death/)
})

test('SimDisk: loses synced data when it lies about the sync', () => {
  let lost = 0
  for (let seed = 0; seed < 50; seed++) {
    const { scheduler, disk: simulated, boot, cutPower } = machine(seed)
    simulated.lieAboutSync = true
    const file = boot().open('a')
    file.writeDurably(0, bytes(100, 1), () => undefined)
    drain(scheduler)
    cutPower()
    if (survivors(boot(), 'a') === '') lost++
  }
  assert.ok(lost > 10, `${lost} of 50`)
})

const FAILING = /EIO: i\/o error.*the disk under it fails/
const FULL = /ENOSPC: no space left on device.*its volume is full/

/** What a write or sync was answered with, once everything has run. */
function outcome(scheduler: Scheduler, run: (done: (error?: Error) => void) => void): Error | undefined {
  let answer: Error | undefined | null = null
  run((error) => {
    answer = error
  })
  const until = scheduler.now + 100
  while (scheduler.step(until));
  assert.ok(answer !== null, 'it was never answered')
  return answer
}

test('SimDisk: fails the next write or sync, once, and loses what it said it could not keep', () => {
  const kept = new Set<string>()
  const fates = new Set<string>()
  for (let seed = 0; seed < 80; seed++) {
    const { scheduler, disk: simulated, boot, cutPower } = machine(seed)
    const disk = boot()
    const file = disk.open('a')
    disk.syncDirectorySync()
    file.writeDurablySync(0, bytes(600, 1))
    simulated.failsNext = 'sync'
    assert.match(outcome(scheduler, (done) => file.writeDurably(0, bytes(600, 2), done))?.message ?? '', FAILING)
    const read = [...new Set(file.readSync(0, 600))].join()
    kept.add(read)
    assert.equal(
      outcome(scheduler, (done) => file.write(0, bytes(1, 1), done)),
      undefined,
    )
    simulated.failsNext = 'write'
    assert.match(outcome(scheduler, (done) => file.write(600, bytes(600, 3), done))?.message ?? '', FAILING)
    assert.equal(simulated.failsNext, null)
    assert.equal(simulated.counters.failures, 2)
    cutPower()
    const survived = survivors(boot(), 'a')
    assert.match(survived, /^[12]{600}[03]*$/)
    fates.add(`${read} then ${survived.slice(1, 2)}`)
  }
  // What a sync could not write is dropped from memory in some runs, and stays there in others.
  assert.deepEqual([...kept].toSorted(), ['1', '2'])
  // And what stays there may reach the platter, or not.
  assert.deepEqual([...fates].toSorted(), ['1 then 1', '2 then 1', '2 then 2'])
})

test('SimDisk: what counts as written after a failed sync is readable, and no sync brings it to the platter', () => {
  const { disk: simulated, boot, cutPower } = machine(1)
  const disk = boot()
  const file = disk.open('a')
  disk.syncDirectorySync()
  file.writeDurablySync(0, bytes(600, 1))
  simulated.failsNext = 'sync'
  simulated.unsynced = 'clean'
  assert.throws(() => file.writeDurablySync(0, bytes(600, 2)), FAILING)
  file.syncSync()
  assert.equal(survivors(disk, 'a'), '2'.repeat(600))
  cutPower()
  assert.equal(survivors(boot(), 'a'), '1'.repeat(600))
})

test('SimDisk: throws at start-up what it reports later on', () => {
  const { disk: simulated, boot } = machine(1)
  const file = boot().open('a')
  simulated.failsNext = 'sync'
  assert.throws(() => file.syncSync(), FAILING)
  simulated.failsNext = 'write'
  assert.throws(() => file.writeDurablySync(0, bytes(10, 1)), FAILING)
})

test('SimDisk: lets nothing grow while it is full, and keeps what files have', () => {
  const { scheduler, disk: simulated, boot } = machine(1)
  const reported: string[] = []
  simulated.onFailure = ({ code, durable }) => reported.push(`${code} ${durable}`)
  const disk = boot()
  const file = disk.open('a')
  file.writeDurablySync(0, bytes(100, 1))
  simulated.fillLevel = 'full'
  assert.equal(disk.space().freeBytes, 0)
  assert.equal(
    outcome(scheduler, (done) => file.writeDurably(0, bytes(100, 2), done)),
    undefined,
  )
  const refused = outcome(scheduler, (done) => file.writeDurably(50, bytes(100, 3), done))
  assert.match(refused?.message ?? '', FULL)
  assert.ok(isVolumeFull(refused))
  assert.match(outcome(scheduler, (done) => disk.open('b').write(0, bytes(1, 3), done))?.message ?? '', FULL)
  assert.deepEqual(reported, ['ENOSPC true', 'ENOSPC false'])
  simulated.fillLevel = 'roomy'
  assert.equal(
    outcome(scheduler, (done) => file.writeDurably(50, bytes(100, 3), done)),
    undefined,
  )
  assert.equal(survivors(disk, 'a'), '2'.repeat(50) + '3'.repeat(100))
})

test('SimDisk: flips a bit of what was synced, but none of the last two durable writes', () => {
  const changed = new Set<number>()
  for (let seed = 0; seed < 200; seed++) {
    const { disk: simulated, boot, cutPower } = machine(seed)
    const disk = boot()
    const file = disk.open('a')
    disk.syncDirectorySync()
    for (const i of [0, 1, 2, 3]) file.writeDurablySync(100 * i, bytes(100, 0))
    cutPower()
    if (!simulated.flipBit(new Prng(seed))) continue
    const found = [...boot().open('a').readSync(0, 400)].flatMap((byte, i) => (byte === 0 ? [] : [i]))
    assert.equal(found.length, 1)
    changed.add(found[0] as number)
  }
  assert.ok(changed.size > 50, `${changed.size}`)
  assert.ok([...changed].every((position) => position < 200))
})

test('SimDisk: has nothing to flip when it is empty', () => {
  const { disk: simulated, boot } = machine(1)
  boot()
  assert.equal(simulated.flipBit(new Prng(1)), false)
  assert.equal(simulated.counters.flippedBits, 0)
})
