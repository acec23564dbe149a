import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDurableHome, openMemoryHome } from './index.ts'

test('openMemoryHome: says that nothing is kept, and that a durable node lives where it is started', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'aspen-memory-home-'))
  t.after(() => rmSync(directory, { recursive: true }))
  assert.match(openMemoryHome(directory).warnings.join('\n'), /^storage_backend is InMemory: nothing is kept.*$/)
  openDurableHome(directory, 1).release()
  const { warnings } = openMemoryHome(directory)
  assert.equal(warnings.length, 2)
  assert.match(warnings[1] ?? '', /holds a durable node, which this one is not: give storage_backend Sqlite/)
})
