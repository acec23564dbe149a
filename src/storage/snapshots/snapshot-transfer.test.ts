import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiskFile, StoredSnapshot } from '../../ports/index.ts'
import { MemoryDisk, SYNC_STEP_BYTES } from '../disk/index.ts'
import { snapshotName } from './snapshot-name.ts'
import { SnapshotTransfer } from './snapshot-transfer.ts'

const CHUNK = SYNC_STEP_BYTES / 4

/** Counts syncs, and does nothing before it is told to. */
class CountingDisk extends MemoryDisk {
  readonly waiting: (() => void)[]
  syncs = 0
  failSync = false

  constructor() {
    const waiting: (() => void)[] = []
    super((run) => waiting.push(run))
    this.waiting = waiting
  }

  override open(name: string): DiskFile {
    const file = super.open(name)
    const sync = file.sync.bind(file)
    file.sync = (done): void => {
      this.syncs++
      if (this.failSync) this.waiting.push(() => done(new Error('EIO')))
      else sync(done)
    }
    return file
  }

  settle(): void {
    for (let run = this.waiting.shift(); run !== undefined; run = this.waiting.shift()) run()
  }
}

function begin(): { disk: CountingDisk; transfer: SnapshotTransfer; answers: (string | undefined)[]; write: () => void } {
  const disk = new CountingDisk()
  const last = { index: 9, term: 1 }
  const digest = 'a'.repeat(64)
  const membership = { voters: [1], outgoing: [], learners: [], members: [] }
  const id = snapshotName(last, digest)
  const snapshot: StoredSnapshot = {
    id,
    clusterId: 'c',
    clusterVersion: 1,
    last,
    membership,
    membershipIndex: 1,
    sizeBytes: 100 * CHUNK,
    digest,
  }
  const transfer = new SnapshotTransfer(disk, snapshot, (run) => disk.waiting.push(run))
  const answers: (string | undefined)[] = []
  const write = (): void => transfer.write(transfer.received, new Uint8Array(CHUNK), (error) => answers.push(error?.message))
  return { disk, transfer, answers, write }
}

test('SnapshotTransfer: what comes is synced step by step, and the chunk that completes a step is answered behind its sync', () => {
  const { disk, answers, write } = begin()
  for (let i = 0; i < 8; i++) {
    write()
    disk.settle()
    assert.deepEqual([answers.length, disk.syncs], [i + 1, Math.floor((i + 1) / 4)])
  }
})

test('SnapshotTransfer: a sync that fails on the way is reported, and the transfer takes no more', () => {
  const { disk, answers, write } = begin()
  disk.failSync = true
  for (let i = 0; i < 5; i++) {
    write()
    disk.settle()
  }
  assert.deepEqual(answers, [undefined, undefined, undefined, 'EIO', 'EIO'])
})

test('SnapshotTransfer: given up or suspended while a chunk is being written, it leaves the closed file alone', () => {
  for (const end of ['abandon', 'suspend'] as const) {
    const { disk, transfer, answers, write } = begin()
    for (let i = 0; i < 4; i++) write()
    transfer[end]()
    disk.settle()
    assert.deepEqual([answers.length, disk.syncs], [4, 0])
  }
})
