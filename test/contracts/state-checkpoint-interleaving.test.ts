/** Entries are applied while checkpoints run: what a checkpoint claims is in the database file, without its write-ahead log. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { LogWriter, membershipOf, settled } from './state-machine-fixture.ts'
import { sqlitePlace } from './state-machine-places.ts'

const KEYS = 7
const CHECKPOINTS = 40

/** Entry `index` sets this key to its index. */
const keyOf = (index: number): string => `k${index % KEYS}`

/** The file alone, as a power cut at this moment could leave it. */
function assertHolds(directory: string, claimed: number): void {
  const copy = join(directory, 'copy.db')
  copyFileSync(join(directory, 'state-1.db'), copy)
  const database = new DatabaseSync(copy)
  try {
    assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    const applied = Number(database.prepare('SELECT applied_index AS i FROM meta').get()?.['i'])
    assert.ok(applied >= claimed, `${claimed} was claimed to be durable, and the file is at ${applied}`)
    const rows = database.prepare('SELECT CAST(key AS TEXT) AS k, CAST(value AS TEXT) AS v FROM entries WHERE space = 0').all()
    const found = Object.fromEntries(rows.map((row) => [String(row['k']), String(row['v'])]))
    const expected: Record<string, string> = {}
    for (let index = Math.max(2, applied - KEYS + 1); index <= applied; index++) expected[keyOf(index)] = String(index)
    assert.deepEqual(found, expected, `as of entry ${applied}`)
  } finally {
    database.close()
  }
}

test('checkpoint: beside entries that are applied meanwhile, the file alone is one moment at or after what is claimed', async () => {
  const place = sqlitePlace()
  try {
    const { machine } = place.open()
    const log = new LogWriter()
    machine.apply([log.membership(membershipOf(1))])
    let claims = 0
    for (let round = 0; round < CHECKPOINTS; round++) {
      let running = true
      const ended = settled((done) =>
        machine.checkpoint((error) => {
          running = false
          done(error)
        }),
      )
      do {
        const entries = Array.from({ length: 1 + (round % 5) }, () => log.set(keyOf(log.index + 1), String(log.index + 1)))
        // Busy with the checkpoint's own moment: it is tried again, as the applier does.
        for (let applied = false; !applied;) {
          try {
            machine.apply(entries)
            applied = true
          } catch (error) {
            assert.equal((error as Error).name, 'StateBusy')
          }
        }
        await new Promise(setImmediate)
      } while (running)
      await ended
      claims = Math.max(claims, machine.durableIndex())
      assertHolds(place.stateDirectory, machine.durableIndex())
    }
    assert.ok(claims > CHECKPOINTS / 2, 'checkpoints do complete beside a writer')
  } finally {
    await place.dispose()
  }
})
