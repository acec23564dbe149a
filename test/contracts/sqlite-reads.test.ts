/** When a state in SQLite has a transaction open: every other connection to its file depends on it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { LANGUAGE } from '../../src/commands/index.ts'
import { SqliteState } from '../../src/storage/sqlite/sqlite-state.ts'
import { LogWriter, membershipOf } from './state-machine-fixture.ts'

/** Uses a state, and another connection to its file which finds out whether the state keeps a transaction open. */
function besideState(use: (state: SqliteState, isOpen: () => boolean) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'aspen-state-reads-'))
  const file = join(directory, 'state-1.db')
  try {
    const state = new SqliteState(file, LANGUAGE)
    const other = new DatabaseSync(file, { timeout: 0 })
    // The log of writes begins anew only when nobody reads from it or writes to it; that nobody reads is seen while it has something new.
    const isOpen = (): boolean => other.prepare('PRAGMA wal_checkpoint(RESTART)').get()?.['busy'] === 1
    try {
      use(state, isOpen)
    } finally {
      other.close()
      state.close()
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const valueOf = (state: SqliteState, key: string): string => Buffer.from(state.get(Buffer.from(key))?.value ?? []).toString()

test('SqliteState: reads share a transaction, which ends with the next write, and see what was written last', () =>
  besideState((state, isOpen) => {
    const log = new LogWriter()
    const write = (value: string): void => {
      state.apply([log.set('key', value)])
      assert.equal(valueOf(state, 'key'), value)
      state.commit()
    }
    state.apply([log.membership(membershipOf(1))])
    write('1')
    assert.equal(valueOf(state, 'key'), '1')
    assert.equal(isOpen(), true)
    assert.equal(valueOf(state, 'key'), '1')
    write('2')
    assert.equal(isOpen(), false)
    write('3')
    assert.equal(valueOf(state, 'key'), '3')
    state.commit()
    assert.equal(isOpen(), false, 'whoever asks for a commit wants nothing left open')
    assert.equal(valueOf(state, 'key'), '3')
    write('4')
  }))

test('SqliteState: leaves no transaction open while a checkpoint runs', () =>
  besideState((state, isOpen) => {
    const log = new LogWriter()
    state.keepsOpen = false
    state.apply([log.membership(membershipOf(1)), log.set('key', '1')])
    assert.equal(valueOf(state, 'key'), '1')
    assert.equal(isOpen(), false)
    state.keepsOpen = true
    state.apply([log.set('key', '2')])
    assert.equal(isOpen(), true)
  }))
