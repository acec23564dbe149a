/** The snapshot store, and the state in memory that lives by it, on a disk that loses power at any moment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chance, Prng, randomBetween } from '../../src/lib/index.ts'
import type { StateEngine, StoredSnapshot } from '../../src/ports/index.ts'
import { openMemoryStateMachine, openSnapshotFiles } from '../../src/storage/index.ts'
import type { SnapshotFiles } from '../../src/storage/index.ts'
import { MemoryDisk } from '../../src/storage/disk/index.ts'
import { CrashingDisk } from './disk-crashing.ts'
import { batch, CLUSTER_ID, LogWriter, membershipOf, plainState, set, settled } from './state-machine-fixture.ts'

const ENTRIES = 60

/** The same log for every seed, with the state after each of its entries. */
function history(): { log: ReturnType<LogWriter['set']>[]; states: unknown[] } {
  const writer = new LogWriter()
  const machine = openMemoryStateMachine({
    snapshots: openSnapshotFiles(new MemoryDisk(queueMicrotask)),
    volatile: true,
    defer: queueMicrotask,
  })
  const log = [writer.membership(membershipOf(1))]
  while (log.length < ENTRIES) log.push(writer.command(batch(set(`key-${log.length % 7}`, `${log.length}`.repeat(100)))))
  const states = [plainState(machine)]
  for (const entry of log) {
    machine.apply([entry])
    states.push(plainState(machine))
  }
  return { log, states }
}

const { log, states } = history()

class Run {
  readonly random: Prng
  readonly disk: CrashingDisk
  /** The highest index ever reported as durable. */
  promised = 0
  readonly #queue: (() => void)[] = []
  readonly #defer = (run: () => void): void => void this.#queue.push(run)

  constructor(seed: number) {
    this.random = new Prng(seed)
    this.disk = new CrashingDisk(this.random, this.#defer)
  }

  open(): { machine: StateEngine; snapshots: SnapshotFiles } {
    const snapshots = openSnapshotFiles(this.disk, { defer: this.#defer })
    return {
      snapshots,
      machine: openMemoryStateMachine({ snapshots, volatile: false, defer: this.#defer, clusterId: () => CLUSTER_ID }),
    }
  }

  /** Runs some of what is waiting; completions of a former life are dropped by the crash. */
  turn(count: number): void {
    for (let i = 0; i < count; i++) this.#queue.shift()?.()
  }

  stop(): void {
    this.#queue.length = 0
    if (chance(this.random, 0.3)) this.disk.kill()
    else this.disk.crash()
  }
}

/** Applies on from what was recovered, with checkpoints, and is stopped somewhere. */
function life(run: Run): void {
  const { machine, snapshots } = run.open()
  const { index } = machine.info().applied
  assert.deepEqual(snapshots.damaged, [])
  assert.ok(index >= run.promised, `recovered ${index}, though ${run.promised} was durable`)
  assert.equal(machine.durableIndex(), index)
  assert.deepEqual(plainState(machine), states[index])
  const steps = randomBetween(run.random, 0, 20)
  for (let i = 0; i < steps; i++) {
    const next = machine.info().applied.index
    if (next < ENTRIES) machine.apply([log[next] as (typeof log)[number]])
    if (chance(run.random, 0.3)) machine.checkpoint((error) => assert.equal(error, undefined))
    run.turn(randomBetween(run.random, 0, 4))
    run.promised = Math.max(run.promised, machine.durableIndex())
  }
  run.stop()
}

test('MemoryStateMachine: keeps what it called durable, whenever the power fails', () => {
  let progress = 0
  for (let seed = 1; seed <= 300; seed++) {
    const run = new Run(seed)
    for (let i = 0; i < 5; i++) life(run)
    progress += run.promised
  }
  assert.ok(progress > 1000, 'checkpoints completed')
})

/** Receives a snapshot by chunks, over crashes, until it is there. */
async function receivedOverCrashes(
  seed: number,
  snapshot: StoredSnapshot,
  content: Uint8Array,
): Promise<{ resumed: number; failed: number }> {
  const random = new Prng(seed)
  const disk = new CrashingDisk(random, setImmediate)
  let [resumed, failed] = [0, 0]
  for (let attempt = 0; attempt < 100; attempt++) {
    const store = openSnapshotFiles(disk)
    assert.deepEqual(store.damaged, [])
    if (store.newest()?.id === snapshot.id) return { resumed, failed }
    let position = store.receive(snapshot)
    if (position > 0) resumed++
    for (let chunks = randomBetween(random, 1, 8); chunks > 0 && position < content.length; chunks--) {
      const chunk = content.subarray(position, position + 2000)
      await settled((done) => store.write(snapshot.id, position, chunk, done))
      position += chunk.length
    }
    if (position === content.length) {
      const finished = settled((done) => store.finish(snapshot.id, done))
      // What a crash left of earlier chunks may be damaged: then the file is gone, and the transfer begins again.
      const outcome = chance(random, 0.5)
        ? 'cut off'
        : await finished.then(
            () => 'done',
            (error: Error & { code: string }) => error.code,
          )
      if (outcome === 'done') assert.deepEqual(store.newest(), snapshot)
      else if (outcome !== 'cut off') {
        assert.ok(outcome === 'DIGEST_MISMATCH' || outcome === 'CORRUPT', outcome)
        failed++
      }
      finished.catch(() => undefined)
    }
    disk.crash()
  }
  return assert.fail(`seed ${seed}: the snapshot never arrived`)
}

test('SnapshotFiles: a transfer over crashes ends with the snapshot, whole', async () => {
  const source = openSnapshotFiles(new MemoryDisk(setImmediate))
  const machine = openMemoryStateMachine({ snapshots: source, volatile: true, defer: setImmediate })
  machine.apply(log)
  const snapshot = await settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done))
  const large = await settled<Uint8Array>((done) => source.read(snapshot.id, 0, snapshot.sizeBytes, done))
  let [resumed, failed] = [0, 0]
  for (let seed = 1; seed <= 40; seed++) {
    const run = await receivedOverCrashes(seed, snapshot, large)
    resumed += run.resumed
    failed += run.failed
  }
  assert.ok(resumed > 0, 'some transfer was resumed')
  assert.ok(failed > 0, 'some damage was found')
})
