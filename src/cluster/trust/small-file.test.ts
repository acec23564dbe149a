import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSmallFile, readSmallFileLater } from './small-file.ts'

test('readSmallFile: takes an ordinary file, and waits for no pipe, device, folder or large file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [good, large, pipe] = ['good', 'large', 'pipe'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(good, 'text')
  writeFileSync(large, '')
  truncateSync(large, 2 * 1024 * 1024 + 1)
  assert.deepEqual([readSmallFile(good), await readSmallFileLater(good)], ['text', 'text'])
  const refused: [string, RegExp][] = [
    [large, /at most 2097152 are read/],
    [folder, /no ordinary file/],
  ]
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [pipe])
    refused.push([pipe, /no ordinary file/], ['/dev/zero', /no ordinary file/])
  }
  for (const [path, reason] of refused) {
    assert.throws(() => readSmallFile(path), reason)
    await assert.rejects(readSmallFileLater(path), reason)
  }
})
