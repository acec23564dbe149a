/** Every column of every table of the state, damaged one by one: nothing of it is served, built upon, or sent to others. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import { StateError } from '../../src/storage/index.ts'
import type { SqliteStateMachine } from '../../src/storage/index.ts'
import { batch, CLUSTER_ID, LogWriter, membershipOf, set, settled } from './state-machine-fixture.ts'
import type { OpenedState } from './state-machine-fixture.ts'
import { sqlitePlace } from './state-machine-places.ts'

const ORIGIN = { client: 'client', sequence: 1 }
const KEY = Buffer.from('key')

/** What one who uses the state does with each row, and at last with all. */
const USES: Readonly<Record<string, (opened: OpenedState, log: LogWriter) => unknown>> = {
  get: ({ machine }) => machine.get(KEY),
  head: ({ machine }) => machine.head(KEY),
  scan: ({ machine }) => machine.scan({ start: new Uint8Array(), end: null }, 10, 1000),
  overwrite: ({ machine }, log) => machine.apply([log.set('key', 'next')]),
  repeat: ({ machine }, log) => machine.apply([log.command(batch(set('key', 'value')), ORIGIN)]),
  snapshot: ({ machine }) => settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done)),
}

/** Which uses notice; opening is one. */
async function noticedBy(damage: string): Promise<string[]> {
  const noticed: string[] = []
  for (const [name, use] of Object.entries(USES)) {
    const place = sqlitePlace()
    const opened = place.open()
    const log = new LogWriter()
    opened.machine.apply([log.membership(membershipOf(1)), log.command(batch(set('key', 'value')), ORIGIN)])
    await settled((done) => opened.machine.close(done))
    const database = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
    database.exec(damage)
    assert.equal(database.prepare('SELECT changes() AS n').get()?.['n'], 1, damage)
    database.close()
    try {
      const again = place.open()
      if ((again.machine as SqliteStateMachine).damage !== null) noticed.push('open')
      else await use(again, log)
    } catch (error) {
      assert.ok(error instanceof StateError && error.code === 'CORRUPT', `${damage}: ${String(error)}`)
      noticed.push(name)
    } finally {
      await place.dispose()
    }
  }
  return [...new Set(noticed)]
}

const NUMBERS = ['create_revision', 'mod_revision', 'version', 'checksum']
for (const column of NUMBERS) {
  test(`entries.${column}: damage of a key is noticed by whoever reads it or writes over it`, async () => {
    const by = await noticedBy(
      `UPDATE entries SET ${column} = ${column} + ${column === 'checksum' ? 2 ** 40 + 1 : 1} WHERE space = 0`,
    )
    assert.deepEqual(by, ['get', 'head', 'scan', 'overwrite', 'snapshot'])
  })
}

test('entries.value: damage of a key is noticed by whoever reads it, and another size at the start', async () => {
  assert.deepEqual(await noticedBy("UPDATE entries SET value = CAST('valuf' AS BLOB) WHERE space = 0"), [
    'get',
    'scan',
    'snapshot',
  ])
  const longer = await noticedBy("UPDATE entries SET value = CAST('values' AS BLOB) WHERE space = 0")
  assert.deepEqual(longer, ['open'])
})

for (const [space, name] of [
  [1, 'meta'],
  [2, 'sessions'],
] as const) {
  for (const column of [...NUMBERS, 'value']) {
    test(`entries.${column}: damage of a row of ${name} is noticed at the start`, async () => {
      const changed = column === 'value' ? "CAST(value || X'00' AS BLOB)" : `${column} + 1`
      const by = await noticedBy(`UPDATE entries SET ${column} = ${changed} WHERE space = ${space}`)
      assert.deepEqual(by, ['open'])
    })
  }
}

test('entries.key, entries.space: a row that is in the place of another is noticed', async () => {
  assert.deepEqual(await noticedBy("UPDATE entries SET key = CAST('kez' AS BLOB) WHERE space = 0"), ['scan', 'snapshot'])
  assert.deepEqual(await noticedBy('UPDATE entries SET space = 2 WHERE space = 0'), ['open'])
})

test('meta: every column, damaged alone, is noticed at the start', async () => {
  const place = sqlitePlace()
  place.open()
  const database = new DatabaseSync(join(place.stateDirectory, 'state-1.db'))
  const columns = database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all('meta')
    .map((row) => row['name'] as string)
  database.close()
  await place.dispose()
  assert.ok(columns.length > 5)
  for (const column of columns.filter((name) => name !== 'id')) {
    const changed = column === 'membership' ? "CAST(membership || X'00' AS BLOB)" : `${column} + 1`
    assert.deepEqual(await noticedBy(`UPDATE meta SET ${column} = ${changed}`), ['open'], column)
  }
})
