import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../disk/index.ts'
import { listSegments, segmentName } from './segment-name.ts'

test('segmentName: sorts like the numbers', () => {
  const numbers = [1, 2, 9, 10, 99, 1_000_000_000]
  const names = numbers.map((number) => segmentName('log-', number))
  assert.deepEqual(names.toSorted(), names)
  assert.equal(names[0], 'log-0000000001.segment')
})

test('listSegments: gives back the numbers, and ignores other files', () => {
  const disk = new MemoryDisk(queueMicrotask)
  for (const name of [segmentName('log-', 12), segmentName('log-', 3), segmentName('other-', 4), 'log-spare', 'LOCK'])
    disk.open(name)
  assert.deepEqual(listSegments(disk, 'log-'), [3, 12])
})
