import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { Language, LANGUAGE, LaterVersion } from '../../commands/index.ts'
import { closeStores } from '../../node/index.ts'
import type { RaftStores } from '../../node/index.ts'
import { openDurableHome } from './open-stores.ts'

/** Where the first record of a segment is, and the byte of it that says which version it needs. */
const RECORD_AT = 512 + 32
const NEEDS_AT = 11
const RECORD_SIZE = 28 + 1

let directory = ''
before(() => void (directory = mkdtempSync(join(tmpdir(), 'aspen-stores-'))))
after(() => rmSync(directory, { recursive: true }))

const finished = (start: (done: (error?: Error) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => start((error) => (error === undefined ? resolve() : reject(error))))

async function opened<T>(language: Language, use: (stores: RaftStores) => T | Promise<T>): Promise<T> {
  const home = openDurableHome(directory, 1)
  try {
    const stores = home.openStores(language)
    const result = await use(stores)
    await finished((done) => closeStores(stores, done))
    return result
  } finally {
    home.release()
  }
}

/** What only the next version knows stands in the log from here on. */
function needVersion2(): void {
  const { logStoreId } = JSON.parse(readFileSync(join(directory, 'identity.json'), 'utf8')) as { logStoreId: string }
  const path = join(directory, 'log', 'log-0000000001.segment')
  const bytes = readFileSync(path)
  const record = bytes.subarray(RECORD_AT, RECORD_AT + RECORD_SIZE)
  record.writeUInt8(2, NEEDS_AT)
  record.writeUInt32LE(crc32(record.subarray(4), crc32(`${logStoreId}/1`)), 0)
  writeFileSync(path, bytes)
}

test('openStores: a log of a later version is refused as such, by its needs, and opens for a program that knows it', async () => {
  await opened(LANGUAGE, ({ log }) =>
    finished((done) => log.write([{ entries: [{ index: 1, term: 1, kind: 'command', payload: Uint8Array.of(1) }] }], done)),
  )
  needVersion2()
  await assert.rejects(
    opened(LANGUAGE, () => assert.fail('it must not open')),
    (error: unknown) => {
      assert.ok(error instanceof LaterVersion, `${String(error)}`)
      assert.equal(error.needs, 2)
      assert.match(error.message, /the log in .*log needs version 2 of the commands, and this program knows 1/)
      return true
    },
  )
  const second = new Language(2, LANGUAGE.operations, LANGUAGE.conditions)
  assert.equal(await opened(second, ({ log }) => log.recovered.entries.length), 1)
})
