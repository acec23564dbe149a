/** What only a real directory has; the rest is the Disk contract. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NodeDisk } from './node-disk.ts'

const root = mkdtempSync(join(tmpdir(), 'aspen-node-disk-'))
after(() => rmSync(root, { recursive: true }))

test('NodeDisk: creates its directory with all parents, for its owner alone', () => {
  const disk = new NodeDisk(join(root, 'a', 'b', 'c'))
  assert.equal(disk.directory, join(root, 'a', 'b', 'c'))
  assert.equal(statSync(disk.directory).mode & 0o777, 0o700)
  disk.open('x').close()
  assert.equal(statSync(join(disk.directory, 'x')).mode & 0o777, 0o600)
})

test('NodeDisk: throws when the directory is a file', () => {
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => new NodeDisk(join(root, 'file')), /EEXIST|ENOTDIR/)
})

test('list: leaves folders out', () => {
  const disk = new NodeDisk(join(root, 'folders'))
  mkdirSync(join(disk.directory, 'folder'))
  disk.open('file').close()
  assert.deepEqual(disk.list(), ['file'])
})

test('writeDurably: is in the file under its name when it completes, also after a rename', async () => {
  const disk = new NodeDisk(join(root, 'renamed'))
  const file = disk.open('before')
  disk.rename('before', 'after')
  await new Promise<void>((resolve, reject) =>
    file.writeDurably(2, Buffer.from('xyz'), (error) => (error ? reject(error) : resolve())),
  )
  assert.equal(readFileSync(join(disk.directory, 'after'), 'latin1'), '\0\0xyz')
  assert.deepEqual(disk.list(), ['after'])
})

test('read: is short when the file was cut behind its back', async () => {
  const disk = new NodeDisk(join(root, 'cut'))
  const file = disk.open('a')
  file.writeDurablySync(0, Buffer.alloc(1000, 1))
  truncateSync(join(disk.directory, 'a'), 10)
  const bytes = await new Promise<Uint8Array>((resolve, reject) =>
    file.read(5, 100, (error, found) => (error ? reject(error) : resolve(found))),
  )
  assert.equal(bytes.length, 5)
})

test('write, sync, read: report the path and what was tried when the system refuses', async () => {
  const disk = new NodeDisk(join(root, 'refused'))
  const file = disk.open('a')
  // Beyond what any file system takes: the write itself fails, in the thread pool.
  const position = Number.MAX_SAFE_INTEGER
  for (const operation of ['write', 'writeDurably'] as const) {
    const error = await new Promise<Error | undefined>((resolve) => file[operation](position, Buffer.from('x'), resolve))
    assert.match(
      error?.message ?? '',
      new RegExp(`writing 1 bytes at ${position} of ${join(disk.directory, 'a')} failed: (EFBIG|EINVAL)`),
    )
    assert.ok(error?.cause instanceof Error)
  }
})
