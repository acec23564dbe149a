import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { checkpointBesideWriter, checkpointDatabase } from './sqlite-checkpoint.ts'

const PAGE_SIZE = 4096

function withDatabase(use: (writer: DatabaseSync, other: DatabaseSync, logFile: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'aspen-checkpoint-'))
  const file = join(directory, 'test.db')
  const writer = new DatabaseSync(file)
  writer.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF')
  writer.exec('CREATE TABLE pages (id INTEGER PRIMARY KEY, filler BLOB)')
  const other = new DatabaseSync(file)
  other.exec('PRAGMA synchronous = OFF')
  try {
    use(writer, other, `${file}-wal`)
  } finally {
    other.close()
    writer.close()
    rmSync(directory, { recursive: true })
  }
}

/** Writes at least `count` pages into the log. */
function writePages(writer: DatabaseSync, count: number): void {
  writer.exec(`INSERT OR REPLACE INTO pages WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    SELECT i, randomblob(${PAGE_SIZE - 200}) FROM n`)
}

/**
 * A connection beside which the writer is never idle: it commits during each pass. (In one thread: after it, while a
 * reader keeps the writer from noticing that all was copied.)
 */
function besideBusyWriter(database: DatabaseSync, writer: DatabaseSync, reader: DatabaseSync): Pick<DatabaseSync, 'prepare'> {
  const passive = (get: () => unknown): unknown => {
    reader.exec('BEGIN; SELECT count(*) FROM pages')
    const row = get()
    writePages(writer, 1)
    reader.exec('ROLLBACK')
    return row
  }
  return {
    prepare(sql: string) {
      const statement = database.prepare(sql)
      const get = () => statement.get()
      return { get: () => (sql.includes('PASSIVE') ? passive(get) : get()) } as typeof statement
    },
  }
}

const LIMITS = { frames: 200, fileBytes: 1000 * PAGE_SIZE }

test('checkpointBesideWriter: begins a long log again though the writer is never idle', () => {
  withDatabase((writer, other, logFile) => {
    const reader = new DatabaseSync(logFile.replace('-wal', ''))
    let longest = 0
    for (let round = 0; round < 20; round++) {
      writePages(writer, 90)
      assert.equal(checkpointBesideWriter(besideBusyWriter(other, writer, reader), logFile, LIMITS), true)
      longest = Math.max(longest, statSync(logFile).size)
    }
    reader.close()
    assert.ok(longest > 200 * PAGE_SIZE && longest < 400 * PAGE_SIZE, String(longest))
  })
})

test('checkpointBesideWriter: beside a reader who stays it claims nothing, and does not keep the writer out', () => {
  withDatabase((writer, other, logFile) => {
    const reader = new DatabaseSync(logFile.replace('-wal', ''))
    writePages(writer, 300)
    reader.exec('BEGIN; SELECT count(*) FROM pages')
    writePages(writer, 300)
    const asked: string[] = []
    const spied: Pick<DatabaseSync, 'prepare'> = {
      prepare: (sql) => {
        asked.push(sql)
        return other.prepare(sql)
      },
    }
    assert.equal(checkpointBesideWriter(spied, logFile, LIMITS), false)
    assert.deepEqual(
      [...new Set(asked)],
      ['PRAGMA wal_checkpoint(PASSIVE)'],
      'any other holds the lock of writers while it waits',
    )
    reader.close()
    assert.equal(checkpointBesideWriter(other, logFile, LIMITS), true)
  })
})

test('checkpointBesideWriter: cuts a log file that grew very large', () => {
  withDatabase((writer, other, logFile) => {
    writePages(writer, 1000)
    assert.ok(statSync(logFile).size > LIMITS.fileBytes)
    assert.equal(checkpointBesideWriter(other, logFile, LIMITS), true)
    assert.equal(statSync(logFile).size, 0)
  })
})

test('checkpointDatabase: is not complete while a reader needs the log, or without a log', () => {
  withDatabase((writer, other) => {
    other.exec('BEGIN; SELECT * FROM pages')
    writePages(writer, 10)
    assert.equal(checkpointDatabase(writer, 'PASSIVE').complete, false)
    other.exec('ROLLBACK')
    assert.equal(checkpointDatabase(writer, 'PASSIVE').complete, true)
  })
  const plain = new DatabaseSync(':memory:')
  assert.equal(checkpointDatabase(plain, 'PASSIVE').complete, false)
  plain.close()
})
