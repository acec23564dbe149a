/**
 * What is in the files after checkpoints beside entries that are applied meanwhile. One that is complete leaves a database file that holds what is
 * claimed without its write-ahead log. One that is not claims nothing, and then the file is no moment at all: pages that were written again behind a
 * reader are left out, all others are copied, and only with the log, which is synced before, do they make one.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { LANGUAGE } from '../../src/commands/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { openDatabase } from '../../src/storage/sqlite/sqlite-database.ts'
import { SqliteState } from '../../src/storage/sqlite/sqlite-state.ts'
import { checkpointState } from '../../src/storage/sqlite/worker/worker-database.ts'
import { LogWriter, membershipOf, settled } from './state-machine-fixture.ts'
import type { OpenedState } from './state-machine-fixture.ts'
import { sqlitePlace } from './state-machine-places.ts'

type Machine = OpenedState['machine']

const KEYS = 7
/** Two rows to a page: no commit writes them all, so that a file of two moments shows. */
const VALUE_BYTES = 1500
const CHECKPOINTS = 40
/** Complete are nearly all, on a busy machine too: the writer has to be stopped between the end of a commit and that of its reading. */
const MAX_CHECKPOINTS = 100 * CHECKPOINTS
/** Commits beside one checkpoint, and checkpoints after which the log begins again: it stays below the length at which writers are kept out. */
const MAX_COMMITS = 100
const STRETCH = 8

/** Entry `index` sets this key to this value. */
const keyOf = (index: number): string => `k${index % KEYS}`
const valueOf = (index: number): string => String(index).padEnd(VALUE_BYTES, '.')

function setsOf(log: LogWriter, count: number): Entry[] {
  return Array.from({ length: count }, () => log.set(keyOf(log.index + 1), valueOf(log.index + 1)))
}

/** One moment at `claimed` or later is in a copy of the file: alone, or with its log. Nobody writes meanwhile. */
function assertHolds(directory: string, claimed: number, files: 'alone' | 'with its log'): void {
  const copy = join(directory, 'copy.db')
  copyFileSync(join(directory, 'state-1.db'), copy)
  if (files === 'with its log') copyFileSync(join(directory, 'state-1.db-wal'), `${copy}-wal`)
  const database = new DatabaseSync(copy)
  try {
    assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    const applied = Number(database.prepare('SELECT applied_index AS i FROM meta').get()?.['i'])
    assert.ok(applied >= claimed, `${claimed} was claimed to be durable, and the file is at ${applied}`)
    const rows = database.prepare('SELECT CAST(key AS TEXT) AS k, CAST(value AS TEXT) AS v FROM entries WHERE space = 0').all()
    const found = Object.fromEntries(rows.map((row) => [String(row['k']), String(row['v'])]))
    const expected: Record<string, string> = {}
    for (let index = Math.max(2, applied - KEYS + 1); index <= applied; index++) expected[keyOf(index)] = valueOf(index)
    assert.deepEqual(found, expected, `as of entry ${applied}`)
  } finally {
    // The last connection takes the log of the copy with it.
    database.close()
  }
}

const checkpoint = (machine: Machine): Promise<void> => settled((done) => machine.checkpoint(done))

/** Busy with the checkpoint's own moment: it is tried again, as the applier does. */
function applyWhenFree(machine: Machine, entries: readonly Entry[]): void {
  for (;;) {
    try {
      machine.apply(entries)
      return
    } catch (error) {
      assert.equal((error as Error).name, 'StateBusy')
    }
  }
}

/** Commits until the checkpoint has ended. */
async function checkpointBeside(machine: Machine, entries: () => Entry[]): Promise<void> {
  let running = true
  const ended = checkpoint(machine).finally(() => (running = false))
  for (let commits = 0; running; commits++) {
    if (commits < MAX_COMMITS) applyWhenFree(machine, entries())
    await new Promise(setImmediate)
  }
  await ended
}

test('checkpoint: beside entries that are applied meanwhile, the file alone is one moment at or after what is claimed', async () => {
  const place = sqlitePlace()
  try {
    const { machine } = place.open()
    const log = new LogWriter()
    machine.apply([log.membership(membershipOf(1))])
    await checkpoint(machine)
    let complete = 0
    for (let round = 0; complete < CHECKPOINTS; round++) {
      assert.ok(round < MAX_CHECKPOINTS, `of ${round} checkpoints beside a writer ${complete} were complete`)
      const size = 1 + (round % 5)
      machine.apply(setsOf(log, size))
      const [before, wanted] = [machine.durableIndex(), log.index]
      await checkpointBeside(machine, () => setsOf(log, size))
      const claimed = machine.durableIndex()
      if (machine.heldBytes?.() === 0) {
        complete++
        assert.ok(claimed >= wanted, `a checkpoint of ${wanted} is complete and claims ${claimed}`)
        assertHolds(place.stateDirectory, claimed, 'alone')
      } else {
        assert.equal(claimed, before, 'not complete, and claims something')
        assertHolds(place.stateDirectory, log.index, 'with its log')
      }
      if (round % STRETCH !== STRETCH - 1) continue
      machine.apply(setsOf(log, 1))
      await checkpoint(machine)
      assert.equal(machine.durableIndex(), log.index, 'with nobody beside it a checkpoint is complete')
      assertHolds(place.stateDirectory, log.index, 'alone')
    }
  } finally {
    await place.dispose()
  }
})

test('checkpoint: beside a reader of an older moment it claims nothing, and what it copied is one moment with the log', async () => {
  const place = sqlitePlace()
  try {
    const { machine } = place.open()
    const log = new LogWriter()
    machine.apply([log.membership(membershipOf(1)), ...setsOf(log, KEYS)])
    await checkpoint(machine)
    const before = machine.durableIndex()
    machine.apply(setsOf(log, KEYS))
    machine.flush()
    const reader = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
    try {
      reader.exec('BEGIN; SELECT * FROM meta')
      // Writes one page of rows again, and leaves the others.
      machine.apply(setsOf(log, 1))
      await checkpoint(machine)
    } finally {
      reader.close()
    }
    assert.equal(machine.durableIndex(), before)
    assert.ok((machine.heldBytes?.() ?? 0) > 0, 'it says that the log is needed')
    assert.throws(
      () => assertHolds(place.stateDirectory, before, 'alone'),
      /^AssertionError.*as of entry/,
      'the case this is about',
    )
    assertHolds(place.stateDirectory, log.index, 'with its log')
    await checkpoint(machine)
    assert.equal(machine.durableIndex(), log.index)
    assert.equal(machine.heldBytes?.(), 0)
    assertHolds(place.stateDirectory, log.index, 'alone')
  } finally {
    await place.dispose()
  }
})

/** A connection beside which `commit` runs before and after each pass over the log. */
function besideCommits(database: DatabaseSync, commit: () => void): Pick<DatabaseSync, 'prepare'> {
  return {
    prepare(sql) {
      const statement = database.prepare(sql)
      if (!sql.includes('wal_checkpoint')) return statement
      const get = (): ReturnType<typeof statement.get> => {
        commit()
        const row = statement.get()
        commit()
        return row
      }
      return { get } as typeof statement
    },
  }
}

test('checkpoint: what is committed between its steps is not claimed, and what was before is in the file alone', async () => {
  const place = sqlitePlace()
  mkdirSync(place.stateDirectory)
  const file = join(place.stateDirectory, 'state-1.db')
  const state = new SqliteState(file, LANGUAGE)
  const other = openDatabase(file)
  try {
    state.keepsOpen = false
    const log = new LogWriter()
    state.apply([log.membership(membershipOf(1)), ...setsOf(log, KEYS)])
    for (let round = 0; round < KEYS; round++) {
      const before = log.index
      const commit = (): void => void state.apply(setsOf(log, 1 + (round % 5)))
      assert.deepEqual(checkpointState(besideCommits(other, commit), file), {
        complete: true,
        appliedIndex: before,
        heldBytes: 0,
      })
      assertHolds(place.stateDirectory, before, 'alone')
    }
  } finally {
    other.close()
    state.close()
    await place.dispose()
  }
})
