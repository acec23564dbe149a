import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countSyncs } from './strace.ts'

test('countSyncs: counts syncs of the folder, and writes to it that sync by themselves', () => {
  const lines = [
    '7 pwrite64(21</data/log/1.segment>, ""..., 88, 4096) = 88',
    '7 pwrite64(21</data/log/1.segment>, ""..., 88, 4184 <unfinished ...>',
    '7 <... pwrite64 resumed>) = 88',
    '8 pwrite64(20</data/log/1.segment>, ""..., 88, 4096) = 88',
    '8 fdatasync(20</data/log/1.segment>) = 0',
    '8 fdatasync(30</data/state.db>) = 0',
    '8 write(3<socket:[1]>, ""..., 10) = 10',
  ]
  assert.equal(countSyncs(lines, '/data/log', new Set([21])), 3)
})
