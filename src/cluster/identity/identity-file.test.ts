import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { addIdentityFields, IDENTITY_FILE, IdentityFileError, loadOrCreateIdentityFile } from './identity-file.ts'

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aspen-identity-'))
  path = join(folder, IDENTITY_FILE)
})

afterEach(() => rmSync(folder, { recursive: true }))

test('loadOrCreateIdentityFile: creates a private file once and finds the same identity afterwards', () => {
  const first = loadOrCreateIdentityFile(path, { nodeId: 7 })
  assert.ok(!first.exposed)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), [IDENTITY_FILE])
  const second = loadOrCreateIdentityFile(path, { nodeId: 8 })
  assert.ok(!second.exposed)
  assert.equal(second.identity.endpointId, first.identity.endpointId)
  assert.equal(second.logStoreId, first.logStoreId)
  assert.deepEqual(second.fields, { nodeId: 7 })
})

test('loadOrCreateIdentityFile: tells when others may read the file', () => {
  loadOrCreateIdentityFile(path)
  chmodSync(path, 0o640)
  assert.ok(loadOrCreateIdentityFile(path).exposed)
})

test('loadOrCreateIdentityFile: refuses a file that holds no identity, names it, and keeps its secret', () => {
  const { endpointId } = loadOrCreateIdentityFile(path).identity
  const text = readFileSync(path, 'utf8')
  const good = JSON.parse(text) as Record<string, unknown>
  const seed = good['seed'] as string
  const damaged: [string, RegExp][] = [
    ['', /not JSON/],
    [text.slice(0, -5), /not JSON/],
    ['[]', /not a JSON object/],
    [JSON.stringify({ ...good, version: 2 }), /version is 2/],
    [JSON.stringify({ ...good, seed: seed.slice(2) }), /"seed"/],
    [JSON.stringify({ ...good, seed: 5 }), /"seed"/],
    [JSON.stringify({ ...good, seed: 'ab'.repeat(32) }), /"endpointId"/],
    [JSON.stringify({ ...good, logStoreId: '' }), /"logStoreId"/],
  ]
  for (const [content, problem] of damaged) {
    writeFileSync(path, content)
    assert.throws(
      () => loadOrCreateIdentityFile(path),
      (error) => {
        assert.ok(error instanceof IdentityFileError)
        assert.match(error.message, problem)
        assert.ok(error.message.includes(path) && !error.message.includes(seed))
        return true
      },
    )
    assert.equal(readFileSync(path, 'utf8'), content, 'the file is left as it was')
  }
  writeFileSync(path, text)
  assert.equal(loadOrCreateIdentityFile(path).identity.endpointId, endpointId)
})

test('loadOrCreateIdentityFile: passes on the system\u2019s error when there is no folder', () => {
  assert.throws(() => loadOrCreateIdentityFile(join(folder, 'none', 'x')), { code: 'ENOENT' })
})

test('addIdentityFields: adds and replaces fields, and cannot change the identity', () => {
  const before = loadOrCreateIdentityFile(path, { a: 1, b: 1 })
  addIdentityFields(path, { b: 2, c: 3, seed: 'ab'.repeat(32), logStoreId: 'other' })
  const after = loadOrCreateIdentityFile(path)
  assert.deepEqual(after.fields, { a: 1, b: 2, c: 3 })
  assert.equal(after.identity.endpointId, before.identity.endpointId)
  assert.equal(after.logStoreId, before.logStoreId)
  assert.ok(!after.exposed)
})

test('addIdentityFields: refuses a file that holds no identity', () => {
  writeFileSync(path, '{}')
  assert.throws(() => addIdentityFields(path, { a: 1 }), IdentityFileError)
  assert.equal(readFileSync(path, 'utf8'), '{}')
})
