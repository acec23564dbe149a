/** A store that finds no file descriptor for a while waits for one, and nothing that was written is doubted. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Disk, DiskFile } from '../../src/ports/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { MemoryDisk } from '../../src/storage/disk/index.ts'
import { openSegmentedLog } from '../../src/storage/log/index.ts'

const OPTIONS = { storeId: '0123456789abcdef', segmentSize: 2048 }
const command = (index: number): Entry => ({ index, term: 1, kind: 'command', payload: new Uint8Array(500).fill(index) })

/** A disk whose opens fail in two of three cases once `short` is set. */
class ShortDisk extends MemoryDisk implements Disk {
  short = false
  refused = 0
  #asked = 0

  override open(name: string): DiskFile {
    if (this.short && ++this.#asked % 3 !== 0) {
      this.refused++
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
    }
    return super.open(name)
  }
}

test('SegmentedLog: goes on over many segments while most openings find no descriptor, and has everything after a restart', async () => {
  const disk = new ShortDisk(setImmediate)
  const log = openSegmentedLog(disk, OPTIONS)
  disk.short = true
  for (let index = 1; index <= 12; index++) {
    await new Promise<void>((resolve, reject) =>
      log.write([{ entries: [command(index)] }], (error) => (error === undefined ? resolve() : reject(error))),
    )
  }
  assert.ok(disk.refused > 5, `${disk.refused} openings were refused`)
  await new Promise<void>((resolve, reject) => log.close((error) => (error === undefined ? resolve() : reject(error))))
  disk.short = false
  assert.equal(openSegmentedLog(disk, OPTIONS).recovered.entries.length, 12)
})

const PROGRAM = (folder: string): string => `
  import { closeSync, openSync } from 'node:fs'
  import { NodeDisk } from '${new URL('../../src/storage/disk/index.ts', import.meta.url).href}'
  import { openSegmentedLog } from '${new URL('../../src/storage/log/index.ts', import.meta.url).href}'
  const disk = new NodeDisk(${JSON.stringify(folder)})
  const log = openSegmentedLog(disk, ${JSON.stringify(OPTIONS)})
  const hoard = []
  const fill = () => { try { for (;;) hoard.push(openSync('/dev/null', 'r')) } catch (error) { return error.code } }
  const first = fill()
  const writes = (from, to) => new Promise((resolve, reject) => {
    const next = (index) => index > to ? resolve() : log.write([{ entries: [{ index, term: 1, kind: 'command', payload: new Uint8Array(500) }] }],
      (error) => error === undefined ? next(index + 1) : reject(error))
    next(from)
  })
  setTimeout(() => hoard.splice(0).forEach(closeSync), 300)
  await writes(1, 30)
  await new Promise((resolve) => log.close(resolve))
  console.log(first, openSegmentedLog(disk, ${JSON.stringify(OPTIONS)}).recovered.entries.length)`

const STATE_PROGRAM = (folder: string): string => `
  import { closeSync, openSync, } from 'node:fs'

  import { NodeDisk } from '${new URL('../../src/storage/disk/index.ts', import.meta.url).href}'
  import { openSnapshotFiles } from '${new URL('../../src/storage/snapshots/index.ts', import.meta.url).href}'
  import { openSqliteStateMachine } from '${new URL('../../src/storage/sqlite/index.ts', import.meta.url).href}'
  import { writeFileAtomically, writeFileAtomicallySync } from '${new URL('../../src/cluster/identity/atomic-file.ts', import.meta.url).href}'
  const folder = ${JSON.stringify(folder)}
  const open = () => {
    const snapshots = openSnapshotFiles(new NodeDisk(folder + '/snapshots'), { directory: folder + '/snapshots' })
    return openSqliteStateMachine({ directory: folder + '/state', snapshots })
  }
  const settled = (run) => new Promise((resolve, reject) => run((error, value) => error === undefined ? resolve(value) : reject(error)))
  const machine = open()
  machine.apply([{ index: 1, term: 1, kind: 'noop', payload: new Uint8Array(0) }])
  const hoard = []
  const fill = () => { try { for (;;) hoard.push(openSync('/dev/null', 'r')) } catch (error) { return error.code } }
  const first = fill()
  writeFileAtomicallySync(folder + '/identity.json', 'whole')
  fill()
  const opened = openSqliteStateMachine({ directory: folder + '/opened-short', snapshots: machine.snapshots })
  fill()
  let isFree = false
  const written = writeFileAtomically(folder + '/peers.json', 'whole')
  const moved = settled((done) => machine.checkpoint(done)).then(() => isFree)
  setTimeout(() => { isFree = true; hoard.splice(0).forEach(closeSync) }, 300)
  const wasFree = await moved
  await written
  await settled((done) => opened.close(done))
  await settled((done) => machine.close(done))
  const again = open()
  console.log(first, wasFree, again.info().applied.index, again.durableIndex())
  await settled((done) => again.close(done))`

test(
  'state machine, identity, peer book: in a process that has used up its descriptors',
  { skip: process.platform !== 'linux' },
  (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-descriptors-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const run = spawnSync(
      'sh',
      ['-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', STATE_PROGRAM(folder)],
      { encoding: 'utf8' },
    )
    assert.equal(run.stdout, 'EMFILE true 1 1\n', run.stderr)
    for (const name of ['identity.json', 'peers.json']) assert.equal(readFileSync(join(folder, name), 'utf8'), 'whole')
  },
)

test('SegmentedLog: in a process that has used up its descriptors', { skip: process.platform !== 'linux' }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-descriptors-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const run = spawnSync(
    'sh',
    ['-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath, '--input-type=module', '-e', PROGRAM(folder)],
    {
      encoding: 'utf8',
    },
  )
  assert.equal(run.stdout, 'EMFILE 30\n', run.stderr)
})
