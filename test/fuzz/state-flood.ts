/** Snapshot files and the state database after damage. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import {
  MemoryDisk,
  openMemoryStateMachine,
  openSnapshotFiles,
  openSqliteStateMachine,
  StateError,
} from '../../src/storage/index.ts'
import type { StateEngine, StoredSnapshot } from '../../src/ports/index.ts'
import { CLUSTER_ID, LogWriter, membershipOf, plainState, settled } from '../contracts/state-machine-fixture.ts'
import { damage, diskWith, filesOf } from './damage-files.ts'
import type { Files } from './damage-files.ts'
import { flood, Tally } from './flood.ts'

const ODD_NAMES = [
  'local-1.tmp',
  `${'9'.repeat(16)}-1-${'ab'.repeat(32)}.snapshot`,
  `${'1'.repeat(16)}-1-${'ab'.repeat(32)}.snapshot.partial`,
  'x',
]
const defer = (run: () => void): void => void setImmediate(run)

function write(random: Random, machine: StateEngine, writer: LogWriter): void {
  const entries = Array.from({ length: randomBetween(random, 1, 30) }, () =>
    writer.set(`key ${randomBetween(random, 0, 60)}`, 'v'.repeat(randomBetween(random, 0, 120))),
  )
  machine.apply(entries)
}

/** The states that were, by the index they were at. */
type States = Map<number, unknown>

// --- Snapshots ---

interface Snapshots {
  readonly files: Files
  readonly states: States
}

/** A folder with two snapshots, as a crash between them and the removal of the older one leaves it. */
async function takeSnapshots(random: Random): Promise<Snapshots> {
  const disk = new MemoryDisk(defer)
  const machine = openMemoryStateMachine({
    snapshots: openSnapshotFiles(disk, { defer }),
    volatile: false,
    defer,
    clusterId: () => CLUSTER_ID,
  })
  const writer = new LogWriter()
  machine.apply([writer.membership(membershipOf(1, 2))])
  const states: States = new Map()
  let files: Files = new Map()
  for (let i = 0; i < 2; i++) {
    write(random, machine, writer)
    await settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done))
    states.set(writer.index, plainState(machine))
    files = new Map([...files, ...filesOf(disk)])
  }
  return { files, states }
}

function checkSnapshots({ files, states }: Snapshots, damaged: Files, tally: Tally): void {
  const snapshots = openSnapshotFiles(diskWith(damaged), { defer })
  const newest = snapshots.newest()
  const machine = openMemoryStateMachine({ snapshots, volatile: false, defer, clusterId: () => CLUSTER_ID })
  if (newest === null) {
    assert.equal(machine.info().applied.index, 0)
    return tally.add('none left')
  }
  assert.deepEqual(plainState(machine), states.get(newest.last.index), 'a snapshot that was never taken')
  assert.ok(files.has(newest.id))
  tally.add(newest.last.index === Math.max(...states.keys()) ? 'the newest' : 'the older one')
}

export async function floodSnapshots(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, {
    inputs,
    perRound: 200,
    round: async (random, count) => {
      const base = await takeSnapshots(random)
      const { files: donors } = await takeSnapshots(random)
      for (let i = 0; i < count; i++) checkSnapshots(base, damage(random, base.files, donors, ODD_NAMES), tally)
      checkSnapshots(base, base.files, tally)
    },
  })
  context.diagnostic(String(tally))
  for (const what of ['the newest', 'the older one']) assert.ok(tally.count(what) > inputs / 20, String(tally))
}

// --- The database ---

function filesIn(directory: string): Files {
  return new Map(readdirSync(directory).map((name) => [name, new Uint8Array(readFileSync(join(directory, name)))]))
}

function openIn(root: string): StateEngine {
  const directory = join(root, 'snapshots')
  mkdirSync(directory, { recursive: true })
  const snapshots = openSnapshotFiles(new MemoryDisk(defer), { defer, directory })
  return openSqliteStateMachine({ directory: join(root, 'state'), snapshots })
}

/** A database that was closed, or what a killed process left of it, and every state it went through, the last one last. */
async function createDatabase(random: Random, root: string): Promise<{ files: Files; states: readonly string[] }> {
  const machine = openIn(root)
  const states = [JSON.stringify(plainState(machine))]
  const writer = new LogWriter()
  machine.apply([writer.membership(membershipOf(1, 2))])
  states.push(JSON.stringify(plainState(machine)))
  for (let i = 0; i < 5; i++) {
    write(random, machine, writer)
    machine.flush()
    states.push(JSON.stringify(plainState(machine)))
  }
  const killed = filesIn(join(root, 'state'))
  await settled((done) => machine.close(done))
  return { files: chance(random, 0.5) ? killed : filesIn(join(root, 'state')), states }
}

/** What SQLite says of a transaction that failed is passed on: the node ends over it, whatever it was. */
function isRefusal(error: unknown): boolean {
  return error instanceof StateError || (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR')
}

/** Reads everything and writes something. What is read is what was there at some time, or the damage is noticed. */
async function useDatabase(root: string, states: readonly string[]): Promise<string> {
  let machine: StateEngine
  try {
    machine = openIn(root)
  } catch (error) {
    if (error instanceof StateError) return 'refused at the start'
    throw error
  }
  let what = 'an earlier state'
  try {
    const before = JSON.stringify(plainState(machine))
    assert.ok(states.includes(before), 'it has what was never there')
    if (before === states.at(-1)) what = 'the same'
    else if (before === states[0]) what = 'set aside, or lost'
    const { term, index } = machine.info().applied
    machine.apply([new LogWriter(index, Math.max(1, term)).set('after', 'the flood')])
    assert.equal(machine.info().applied.index, index + 1)
  } catch (error) {
    if (!isRefusal(error)) throw error
    what = 'refused in use'
  }
  // Closing empties SQLite's log into the database, which may be damaged too.
  await settled((done) => machine.close((error) => done(isRefusal(error) ? undefined : error)))
  return what
}

export async function floodDatabase(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, {
    inputs,
    perRound: 50,
    round: async (random, count) => {
      const root = mkdtempSync(join(tmpdir(), 'aspen-fuzz-'))
      try {
        const { files, states } = await createDatabase(random, join(root, 'base'))
        for (let i = 0; i <= count; i++) {
          const place = join(root, String(i))
          mkdirSync(join(place, 'state'), { recursive: true })
          const damaged =
            i === count ? files : damage(random, files, files, [pick(random, ['state-2.db', 'state-1.db-wal', 'x'])])
          for (const [name, bytes] of damaged) writeFileSync(join(place, 'state', name), bytes)
          const what = await useDatabase(place, states)
          if (i === count) assert.equal(what, 'the same')
          tally.add(what)
          rmSync(place, { recursive: true })
        }
      } finally {
        rmSync(root, { recursive: true })
      }
    },
  })
  context.diagnostic(String(tally))
}
