/** What only a disk in memory has; the rest is the Disk contract. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from './memory-disk.ts'

test('MemoryDisk: reports nothing before its owner lets it, and then in order', () => {
  const queue: (() => void)[] = []
  const disk = new MemoryDisk((run) => queue.push(run))
  const reported: string[] = []
  const file = disk.open('a')
  file.write(0, Uint8Array.of(1), () => reported.push('write'))
  file.sync(() => reported.push('sync'))
  file.read(0, 1, (_, bytes) => reported.push(`read ${bytes.join()}`))
  disk.syncDirectory(() => reported.push('directory'))
  assert.deepEqual(reported, [])
  for (const run of queue) run()
  assert.deepEqual(reported, ['write', 'sync', 'read 1', 'directory'])
})

test('MemoryDisk: refuses to grow past its capacity, and takes everything that does not grow', () => {
  const queue: (() => void)[] = []
  const disk = new MemoryDisk((run) => queue.push(run), { capacityBytes: 10 })
  const file = disk.open('a')
  file.writeDurablySync(0, new Uint8Array(8))
  assert.deepEqual(disk.space(), { freeBytes: 2, totalBytes: 10 })
  let reported: Error | undefined
  disk.open('b').write(0, new Uint8Array(3), (error) => (reported = error))
  for (const run of queue) run()
  assert.match(reported?.message ?? '', /ENOSPC: no space left for 3 more bytes of b/)
  assert.equal(disk.open('b').size(), 0)
  assert.throws(() => file.writeDurablySync(6, new Uint8Array(5)), /ENOSPC/)
  file.writeDurablySync(0, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
  disk.remove('a')
  assert.deepEqual(disk.space(), { freeBytes: 10, totalBytes: 10 })
})

test('MemoryDisk: hands its files over, and nothing of it reaches the next one', () => {
  const queue: (() => void)[] = []
  const disk = new MemoryDisk((run) => queue.push(run), { capacityBytes: 100 })
  const file = disk.open('a')
  file.writeDurablySync(0, Uint8Array.of(1, 2, 3))
  disk.open('b').writeDurablySync(0, Uint8Array.of(4))
  // One is under way, and takes effect; the others come too late.
  file.write(1, Uint8Array.of(9), () => undefined)
  const next = disk.handOver()
  file.writeDurablySync(0, Uint8Array.of(7))
  file.writeDurablySync(0, Uint8Array.of(7, 7, 7, 7))
  file.truncateSync(1)
  disk.rename('b', 'c')
  disk.remove('a')
  for (const run of queue) run()
  assert.deepEqual(next.list(), ['a', 'b'])
  assert.deepEqual([...next.open('a').readSync(0, 10)], [1, 9, 3])
  assert.deepEqual([...next.open('b').readSync(0, 10)], [4])
  assert.deepEqual(next.space(), { freeBytes: 96, totalBytes: 100 })
  next.open('a').writeDurablySync(0, Uint8Array.of(5))
  assert.deepEqual([...next.open('a').readSync(0, 10)], [5, 9, 3])
})
