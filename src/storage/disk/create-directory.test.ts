import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDirectory } from './create-directory.ts'

test('createDirectory: creates what is missing, for its owner alone, and leaves what is there', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'aspen-create-directory-'))
  t.after(() => rmSync(root, { recursive: true }))
  const path = join(root, 'a', 'b', 'c')
  createDirectory(path)
  createDirectory(path)
  assert.equal(statSync(path).mode & 0o777, 0o700)
})

test(
  'createDirectory: ends with an error where nothing can be created',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  () => {
    assert.throws(() => createDirectory('/proc/aspen/data'), /ENOENT|EACCES|EPERM|EROFS/)
  },
)
