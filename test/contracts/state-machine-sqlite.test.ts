/** What only a state in files can go through: damage, crashes, and what the files hold without the rest. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { StateBusy } from '../../src/ports/index.ts'
import type { StateEngine, StoredSnapshot } from '../../src/ports/index.ts'
import { openSnapshotFiles, openSqliteStateMachine, StateError } from '../../src/storage/index.ts'
import type { SqliteStateMachine } from '../../src/storage/index.ts'
import { NodeDisk } from '../../src/storage/disk/index.ts'
import { allRows, CLUSTER_ID, LogWriter, membershipOf, plainState, settled, transfer } from './state-machine-fixture.ts'
import type { OpenedState } from './state-machine-fixture.ts'
import { sqlitePlace } from './state-machine-places.ts'
import type { SqlitePlace } from './state-machine-places.ts'

async function withPlace(use: (place: SqlitePlace) => Promise<void> | void): Promise<void> {
  const place = sqlitePlace()
  try {
    await use(place)
  } finally {
    await place.dispose()
  }
}

async function close({ machine, snapshots }: OpenedState): Promise<void> {
  await settled((done) => machine.close(done))
  snapshots.close()
}

function fill({ machine }: OpenedState, count: number): LogWriter {
  const log = new LogWriter()
  machine.apply([log.membership(membershipOf(1))])
  machine.apply(Array.from({ length: count }, (_, i) => log.set(`key-${i}`, `value-${i}`)))
  return log
}

function takeSnapshot({ machine }: OpenedState): Promise<StoredSnapshot> {
  return settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done))
}

const CLIENT = { client: 'c', sequence: 1 }

const damagedBy = (file: string, code: string) => (error: unknown) =>
  error instanceof StateError && error.code === code && error.file === file && error.message.includes(file)

const damageOf = (machine: StateEngine): string | null => (machine as SqliteStateMachine).damage

/** The state begins empty, and says which file was damaged. */
function assertSetAside(machine: StateEngine, file: string): void {
  const damage = damageOf(machine) ?? ''
  assert.ok(damage.includes(`the state database ${file} is damaged: `), damage)
  assert.equal(machine.info().applied.index, 0)
}

test('durableIndex: is what the database file holds without its write-ahead log', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 500)
    assert.equal(opened.machine.durableIndex(), 0)
    await settled((done) => opened.machine.checkpoint(done))
    const durable = opened.machine.durableIndex()
    assert.equal(durable, log.index)
    opened.machine.apply([log.set('later', '1')])
    assert.equal(opened.machine.durableIndex(), durable)
    const copy = join(place.stateDirectory, 'copy')
    mkdirSync(copy)
    copyFileSync(join(place.stateDirectory, 'state-1.db'), join(copy, 'state-1.db'))
    const database = new DatabaseSync(join(copy, 'state-1.db'))
    assert.equal(database.prepare('SELECT applied_index AS applied FROM meta').get()?.['applied'], durable)
    assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    database.close()
  }))

test('checkpoint: claims nothing while a reader keeps it from completing', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 50)
    const reader = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
    reader.exec('BEGIN; SELECT count(*) FROM entries')
    opened.machine.apply([log.set('after the reader', '1')])
    await settled((done) => opened.machine.checkpoint(done))
    assert.ok((opened.machine.heldBytes?.() ?? 0) > 0)
    assert.equal(opened.machine.durableIndex(), 0)
    reader.exec('ROLLBACK')
    reader.close()
    await settled((done) => opened.machine.checkpoint(done))
    assert.equal(opened.machine.heldBytes?.(), 0)
    assert.equal(opened.machine.durableIndex(), log.index)
  }))

test('apply: waits for nobody who writes or keeps writers out; nothing has changed, and the same batch goes well later', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const { machine } = opened
    const log = fill(opened, 5)
    machine.flush()
    const other = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
    other.exec('BEGIN IMMEDIATE')
    const batch = [log.set('late', '1')]
    const before = machine.info()
    for (let i = 0; i < 3; i++) assert.throws(() => machine.apply(batch), StateBusy)
    assert.deepEqual(machine.info(), before)
    assert.equal(machine.get(Buffer.from('late')), undefined)
    machine.flush()
    await settled((done) => machine.checkpoint(done))
    assert.equal((await takeSnapshot(opened)).last.index, before.applied.index)
    other.exec('ROLLBACK')
    other.close()
    machine.apply(batch)
    assert.equal(machine.info().applied.index, log.index)
    await settled((done) => machine.checkpoint(done))
    assert.equal(machine.durableIndex(), log.index)
  }))

test('open: does not wait for whoever holds the database, names the file, and leaves nothing open', () =>
  withPlace((place) => {
    const file = join(place.stateDirectory, 'state-1.db')
    mkdirSync(place.stateDirectory)
    const other = new DatabaseSync(file)
    for (const hold of ['BEGIN EXCLUSIVE', 'PRAGMA journal_mode = WAL; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE']) {
      other.exec(hold)
      const since = performance.now()
      for (let i = 0; i < 3; i++) {
        assert.throws(
          () => place.open(),
          (error) => error instanceof StateBusy && error.file === file,
        )
      }
      // Far above what it takes, and below any wait of SQLite's.
      assert.ok(performance.now() - since < 9_000, 'the thread was asleep')
      other.exec('ROLLBACK')
    }
    other.close()
    assert.equal(place.open().machine.info().applied.index, 0)
  }))

test('open: sets aside what is no database, and names the file', () =>
  withPlace((place) => {
    const file = join(place.stateDirectory, 'state-1.db')
    mkdirSync(place.stateDirectory)
    writeFileSync(file, 'this is not a database, but it is long enough to look at'.repeat(100))
    assertSetAside(place.open().machine, file)
    assert.equal(readFileSync(join(place.stateDirectory, 'damaged', 'state-1.db')).length, 5600)
  }))

test('open: names the file when it is of a later version, and leaves it where it is', () =>
  withPlace((place) => {
    const file = join(place.stateDirectory, 'state-1.db')
    mkdirSync(place.stateDirectory)
    const database = new DatabaseSync(file)
    database.exec('CREATE TABLE other (id)')
    database.exec(`PRAGMA application_id = ${0x4153504e}; PRAGMA user_version = 99`)
    database.close()
    assert.throws(() => place.open(), damagedBy(file, 'UNKNOWN_VERSION'))
  }))

test('open: sets aside a file that was cut, and names it', () =>
  withPlace(async (place) => {
    const opened = place.open()
    fill(opened, 2000)
    await close(opened)
    const file = join(place.stateDirectory, 'state-1.db')
    truncateSync(file, 20_000)
    assertSetAside(place.open().machine, file)
  }))

test('open: sets aside a file whose page with what was applied is damaged, and names it', () =>
  withPlace(async (place) => {
    const opened = place.open()
    fill(opened, 20)
    await close(opened)
    const file = join(place.stateDirectory, 'state-1.db')
    const database = new DatabaseSync(file)
    const page = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'meta'").get()?.['rootpage'])
    database.close()
    const content = readFileSync(file)
    content.fill(0xff, (page - 1) * 4096, page * 4096)
    writeFileSync(file, content)
    assertSetAside(place.open().machine, file)
  }))

test('open: sets aside a file with damaged pages behind those that opening reads', () =>
  withPlace(async (place) => {
    const opened = place.open()
    fill(opened, 2000)
    await close(opened)
    const file = join(place.stateDirectory, 'state-1.db')
    const content = readFileSync(file)
    // Everything behind the first pages, which hold the schema and what is read at the start.
    content.fill(0xff, 64 * 1024)
    writeFileSync(file, content)
    const { machine } = place.open()
    assertSetAside(machine, file)
    assert.deepEqual(machine.scan({ start: new Uint8Array(), end: null }, 1000, 1_000_000), { rows: [], more: false })
  }))

test('get, scan: refuse a row that is not as it was written, name the file, and the next start sets it aside', () =>
  withPlace(async (place) => {
    const opened = place.open()
    fill(opened, 200)
    await close(opened)
    const file = join(place.stateDirectory, 'state-1.db')
    for (const column of ['mod_revision', 'create_revision', 'version', 'checksum']) {
      const database = new DatabaseSync(file)
      database.exec(`UPDATE entries SET ${column} = ${column} + 1 WHERE key = CAST('key-199' AS BLOB)`)
      assert.equal(database.prepare('SELECT changes() AS n').get()?.['n'], 1)
      database.close()
      const { machine } = place.open()
      assert.equal(damageOf(machine), null)
      assert.throws(() => machine.get(Buffer.from('key-199')), damagedBy(file, 'CORRUPT'))
      assert.throws(() => machine.scan({ start: new Uint8Array(), end: null }, 1000, 1_000_000), damagedBy(file, 'CORRUPT'))
      assert.notEqual(machine.get(Buffer.from('key-1')), undefined)
      await settled((done) => machine.close(() => done()))
      const mark = join(place.stateDirectory, 'damaged.txt')
      assert.match(readFileSync(mark, 'utf8'), /the checksum of row \d+ is wrong/)
      rmSync(mark)
      const undo = new DatabaseSync(file)
      undo.exec(`UPDATE entries SET ${column} = ${column} - 1 WHERE key = CAST('key-199' AS BLOB)`)
      undo.close()
    }
  }))

test('open: sets aside a state whose account of itself is not as it was written', () =>
  withPlace(async (place) => {
    const opened = place.open()
    fill(opened, 50)
    await close(opened)
    const file = join(place.stateDirectory, 'state-1.db')
    const database = new DatabaseSync(file)
    database.exec('UPDATE meta SET applied_index = applied_index - 1')
    database.close()
    assertSetAside(place.open().machine, file)
  }))

test('open: names what it cannot open', () =>
  withPlace((place) => {
    const file = join(place.stateDirectory, 'state-1.db')
    mkdirSync(file, { recursive: true })
    assert.throws(() => place.open(), damagedBy(file, 'UNREADABLE'))
  }))

test('restore: keeps the old state when the snapshot is damaged, and says so', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 100)
    const taken = await takeSnapshot(opened)
    opened.machine.apply([log.set('later', '1')])
    const before = plainState(opened.machine)
    const file = join(place.snapshotDirectory, taken.id)
    const content = readFileSync(file)
    // A bit of the last value, which nothing but the digest can tell.
    content[content.length - 12] = (content[content.length - 12] as number) ^ 1
    writeFileSync(file, content)
    await assert.rejects(
      settled((done) => opened.machine.restore(taken, done)),
      { code: 'DIGEST_MISMATCH' },
    )
    assert.deepEqual(plainState(opened.machine), before)
    opened.machine.apply([log.set('goes', 'on')])
    await settled((done) => opened.machine.checkpoint(done))
    assert.deepEqual(
      readdirSync(place.stateDirectory).filter((name) => name.endsWith('.db')),
      ['state-1.db'],
    )
  }))

test('restore: leaves one generation of files, and serves reads from the old state meanwhile', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 300)
    const taken = await takeSnapshot(opened)
    opened.machine.apply([log.set('key-0', 'after the cut')])
    const restored = settled((done) => opened.machine.restore(taken, done))
    assert.equal(opened.machine.info().applied.index, log.index)
    assert.throws(() => opened.machine.apply([log.noop()]), /before or after a restore/)
    await restored
    assert.equal(opened.machine.info().applied.index, taken.last.index)
    await settled((done) => opened.machine.restore(taken, done))
    const state = plainState(opened.machine)
    await close(opened)
    assert.deepEqual(readdirSync(place.stateDirectory), ['state-3.db'])
    assert.deepEqual(plainState(place.open().machine), state)
  }))

test('open: takes the newest generation and clears away what a crash during a restore left', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 20)
    const taken = await takeSnapshot(opened)
    const state = plainState(opened.machine)
    await settled((done) => opened.machine.restore(taken, done))
    await close(opened)
    const at = (name: string): string => join(place.stateDirectory, name)
    for (const name of ['state-1.db', 'state-1.db-wal', 'state-1.db-shm', 'state-3.db.building', 'state-3.db.building-journal']) {
      writeFileSync(at(name), 'left over')
    }
    writeFileSync(at('other'), 'not ours')
    const reopened = place.open()
    assert.deepEqual(plainState(reopened.machine), state)
    reopened.machine.apply([log.set('goes', 'on')])
    await close(reopened)
    assert.deepEqual(readdirSync(place.stateDirectory).toSorted(), ['other', 'state-2.db'])
  }))

test('restore: leaves the old state or the new one when the process is killed at any moment', { timeout: 60_000 }, () =>
  withPlace(async (source) => {
    const from = source.open()
    const log = fill(from, 4000)
    from.machine.apply([log.set('marker', 'new')])
    const taken = await takeSnapshot(from)
    const fresh = plainState(from.machine)
    let [old, replaced] = [0, 0]
    for (let kill = 0; kill < 6; kill++) {
      await withPlace(async (place) => {
        const prepared = place.open()
        const target = fill(prepared, 50)
        prepared.machine.apply([target.set('marker', 'old')])
        const before = plainState(prepared.machine)
        await transfer(from.snapshots, prepared.snapshots, taken)
        await close(prepared)
        // From the first millisecond of the restore to after its end.
        await killDuringRestore(place, kill * 20)
        const { machine } = place.open()
        if (machine.info().applied.index === taken.last.index) {
          replaced++
          assert.deepEqual(plainState(machine), fresh)
        } else {
          old++
          assert.deepEqual(plainState(machine), before)
        }
      })
    }
    assert.equal(old + replaced, 6)
    assert.ok(old > 0, 'no kill came before the end')
  }),
)

async function killDuringRestore(place: SqlitePlace, delayMs: number): Promise<void> {
  const args = [place.stateDirectory, place.snapshotDirectory]
  const child = fork(new URL('state-machine-restoring.ts', import.meta.url), args, { execArgv: [] })
  await once(child, 'message')
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Applied and not yet committed when a process is killed: the log has it. */
const MAX_UNCOMMITTED = 1024

test('open: holds what a killed process had applied, less what was not committed, as of one moment', { timeout: 30_000 }, () =>
  withPlace(async (place) => {
    const args = [place.stateDirectory, place.snapshotDirectory, 'apply']
    const child = fork(new URL('state-machine-restoring.ts', import.meta.url), args, { execArgv: [] })
    const [applied] = (await once(child, 'message')) as [number]
    child.kill('SIGKILL')
    await once(child, 'exit')
    const { machine } = place.open()
    assert.ok(machine.info().applied.index > applied - MAX_UNCOMMITTED)
    assert.equal(machine.info().keys, machine.info().applied.index - 1)
    assert.equal(allRows(machine).length, machine.info().keys)
    assert.equal(machine.durableIndex(), machine.info().applied.index)
  }),
)

test('openSqliteStateMachine: lets the process end while it is open and idle', { timeout: 30_000 }, () =>
  withPlace(async (place) => {
    const args = [place.stateDirectory, place.snapshotDirectory, 'idle']
    const child = fork(new URL('state-machine-restoring.ts', import.meta.url), args, { execArgv: [] })
    const [code] = (await once(child, 'exit')) as [number]
    assert.equal(code, 0)
  }),
)

test('takeSnapshot: needs a snapshot store with a directory', () =>
  withPlace(async (place) => {
    mkdirSync(place.stateDirectory)
    const snapshots = openSnapshotFiles(new NodeDisk(place.snapshotDirectory))
    const machine = openSqliteStateMachine({ directory: place.stateDirectory, snapshots })
    await assert.rejects(
      settled((done) => machine.takeSnapshot(CLUSTER_ID, done)),
      /has no path/,
    )
    await settled((done) => machine.close(done))
  }))

/** What another connection sees of the state. */
function committedIndex(directory: string): number {
  const database = new DatabaseSync(join(directory, 'state-1.db'), { readOnly: true })
  const row = database.prepare('SELECT applied_index FROM meta').get()
  database.close()
  return row?.['applied_index'] as number
}

test('apply: shares a transaction between batches, which is committed when it is large, and by a flush', () =>
  withPlace((place) => {
    const { machine } = place.open()
    const log = new LogWriter()
    machine.apply([log.membership(membershipOf(1))])
    for (let i = 0; i < 100; i++) machine.apply([log.set(`key-${i}`, 'value')])
    assert.equal(committedIndex(place.stateDirectory), 0, 'not yet')
    assert.equal(machine.info().applied.index, 101, 'but seen by whoever asks the state machine')
    for (let i = 0; i < MAX_UNCOMMITTED; i++) machine.apply([log.set(`key-${i}`, 'value')])
    assert.ok(committedIndex(place.stateDirectory) > 101 && committedIndex(place.stateDirectory) <= log.index, 'it was large')
    machine.flush()
    assert.equal(committedIndex(place.stateDirectory), log.index)
    machine.apply([log.set('large', 'v'.repeat(1024 * 1024)), log.set('large', 'v'.repeat(1024 * 1024))])
    machine.apply([log.set('large', 'v'.repeat(1024 * 1024)), log.set('large', 'v'.repeat(1024 * 1024))])
    assert.equal(committedIndex(place.stateDirectory), log.index, 'by bytes')
  }))

test('checkpoint, takeSnapshot, close: include what was applied before the call, committed or not', () =>
  withPlace(async (place) => {
    const { machine } = place.open()
    const log = new LogWriter()
    machine.apply([log.membership(membershipOf(1)), log.set('a', '1')])
    await settled((done) => machine.checkpoint(done))
    assert.equal(machine.durableIndex(), 2)
    machine.apply([log.set('b', '2')])
    const snapshot = await settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done))
    assert.equal(snapshot.last.index, 3)
    machine.apply([log.set('c', '3')])
    await settled((done) => machine.close(done))
    assert.equal(committedIndex(place.stateDirectory), 4)
  }))

/** What somebody else does to the rows, behind the back of the state. */
const DAMAGES: readonly (readonly [what: string, sql: string])[] = [
  ['a byte of a value changes', "UPDATE entries SET value = CAST('valuE-7' AS BLOB) WHERE key = CAST('key-7' AS BLOB)"],
  ['a byte of a key changes', "UPDATE entries SET key = CAST('kez-7' AS BLOB) WHERE key = CAST('key-7' AS BLOB)"],
  ['a row is lost', "DELETE FROM entries WHERE key = CAST('key-7' AS BLOB)"],
  [
    'a row is there twice',
    `INSERT INTO entries (space, key, create_revision, mod_revision, version, hash, checksum, value)
     SELECT space, CAST('key-7 ' AS BLOB), create_revision, mod_revision, version, hash, checksum, value FROM entries WHERE key = CAST('key-7' AS BLOB)`,
  ],
  [
    'two rows swap their values',
    `UPDATE entries SET value = CASE key WHEN CAST('key-7' AS BLOB) THEN CAST('value-8' AS BLOB) ELSE CAST('value-7' AS BLOB) END
     WHERE key IN (CAST('key-7' AS BLOB), CAST('key-8' AS BLOB))`,
  ],
  ['a version is another', "UPDATE entries SET version = version + 1 WHERE key = CAST('key-7' AS BLOB)"],
  ['a create revision is another', "UPDATE entries SET create_revision = create_revision - 1 WHERE key = CAST('key-7' AS BLOB)"],
  ['a mod revision is another', "UPDATE entries SET mod_revision = mod_revision - 1 WHERE key = CAST('key-7' AS BLOB)"],
  ['a session is lost', 'DELETE FROM entries WHERE space = 2'],
]

for (const [what, sql] of DAMAGES) {
  test(`audit: notices when ${what}, and the digest speaks of what is there`, () =>
    withPlace(async (place) => {
      const opened = place.open()
      const log = fill(opened, 20)
      opened.machine.apply([log.command({ type: 'batch', operations: [{ type: 'delete', key: Buffer.from('none') }] }, CLIENT)])
      opened.machine.flush()
      const audit = (): Promise<boolean> => settled<boolean>((done) => opened.machine.audit(done))
      assert.equal(await audit(), true)
      const before = opened.machine.digest()
      const database = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
      database.exec(sql)
      database.close()
      assert.deepEqual(opened.machine.digest(), before, 'nobody has looked yet')
      assert.equal(await audit(), false)
      const after = opened.machine.digest()
      assert.notEqual(after.digest, before.digest)
      assert.equal(await audit(), true, 'it is said once')
      assert.deepEqual(opened.machine.digest(), after)
    }))
}

for (const [what, sql] of DAMAGES) {
  test(`open: sets the state aside when ${what}, or finds it at the first use of the row`, () =>
    withPlace(async (place) => {
      const opened = place.open()
      const log = fill(opened, 20)
      opened.machine.apply([log.command({ type: 'batch', operations: [{ type: 'delete', key: Buffer.from('none') }] }, CLIENT)])
      await close(opened)
      const file = join(place.stateDirectory, 'state-1.db')
      const database = new DatabaseSync(file)
      database.exec(sql)
      database.close()
      const { machine } = place.open()
      // A head or a value that is not as it was written is refused when it is read.
      if (damageOf(machine) === null)
        assert.throws(() => machine.scan({ start: new Uint8Array(), end: null }, 1000, 1_000_000), damagedBy(file, 'CORRUPT'))
      else assertSetAside(machine, file)
    }))
}

test('open: sets aside a state with a row that is an old one, sound by itself', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 20)
    opened.machine.flush()
    const file = join(place.stateDirectory, 'state-1.db')
    const database = new DatabaseSync(file)
    const old = database.prepare("SELECT * FROM entries WHERE key = CAST('key-7' AS BLOB)").get()
    opened.machine.apply([log.set('key-7', 'VALUE-7')])
    await close(opened)
    const { value, mod_revision: revision, version, hash, checksum } = old as Record<string, number | Uint8Array>
    database
      .prepare(
        "UPDATE entries SET value = ?, mod_revision = ?, version = ?, hash = ?, checksum = ? WHERE key = CAST('key-7' AS BLOB)",
      )
      .run(value ?? null, revision ?? null, version ?? null, hash ?? null, checksum ?? null)
    database.close()
    const { machine } = place.open()
    assertSetAside(machine, file)
    assert.match(damageOf(machine) ?? '', /its rows are not those that were written: their hashes have the sum/)
  }))

test('takeSnapshot: says of a state from which a row is gone that it is damaged', () =>
  withPlace(async (place) => {
    const opened = place.open()
    fill(opened, 20)
    opened.machine.flush()
    const file = join(place.stateDirectory, 'state-1.db')
    const database = new DatabaseSync(file)
    database.exec("DELETE FROM entries WHERE key = CAST('key-7' AS BLOB)")
    database.close()
    await assert.rejects(
      takeSnapshot(opened),
      (error) => error instanceof StateError && error.code === 'CORRUPT' && /damaged: a cut of 20 keys/.test(error.message),
    )
  }))

test('takeSnapshot: refuses a row that is an old one, sound by itself, and audit notices it', () =>
  withPlace(async (place) => {
    const opened = place.open()
    const log = fill(opened, 20)
    opened.machine.flush()
    const database = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
    const old = database.prepare("SELECT * FROM entries WHERE key = CAST('key-7' AS BLOB)").get()
    opened.machine.apply([log.set('key-7', 'VALUE-7')])
    opened.machine.flush()
    // As a disk would have it that has lost the last write of a page.
    const { value, mod_revision: revision, version, hash, checksum } = old as Record<string, number | Uint8Array>
    database
      .prepare(
        "UPDATE entries SET value = ?, mod_revision = ?, version = ?, hash = ?, checksum = ? WHERE key = CAST('key-7' AS BLOB)",
      )
      .run(value ?? null, revision ?? null, version ?? null, hash ?? null, checksum ?? null)
    database.close()
    await assert.rejects(
      takeSnapshot(opened),
      (error) => error instanceof StateError && error.message.includes('its rows have the sum'),
    )
    assert.equal(await settled<boolean>((done) => opened.machine.audit(done)), false)
  }))
