/** What the snapshot store must do over any disk. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Disk, StoredSnapshot } from '../../src/ports/index.ts'
import { openMemoryStateMachine, openSnapshotFiles } from '../../src/storage/index.ts'
import type { SnapshotFiles } from '../../src/storage/index.ts'
import { MemoryDisk } from '../../src/storage/disk/index.ts'
import { batch, CLUSTER_ID, LogWriter, membershipOf, plainState, set, settled, transfer } from './state-machine-fixture.ts'

const defer = (run: () => void): void => void setImmediate(run)

/** A store that holds a snapshot at each of these indices. */
async function sourceWith(...indices: number[]): Promise<{ store: SnapshotFiles; snapshots: StoredSnapshot[]; state: unknown }> {
  const store = openSnapshotFiles(new MemoryDisk(defer), { defer })
  const machine = openMemoryStateMachine({ snapshots: store, volatile: true, defer })
  const log = new LogWriter()
  machine.apply([log.membership(membershipOf(1, 2))])
  const snapshots: StoredSnapshot[] = []
  for (const index of indices) {
    while (log.index < index) machine.apply([log.command(batch(set(`key-${log.index}`, 'v'.repeat(900))))])
    snapshots.push(await settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done)))
  }
  return { store, snapshots, state: plainState(machine) }
}

async function contentOf(store: SnapshotFiles, { id, sizeBytes }: StoredSnapshot): Promise<Uint8Array> {
  return new Uint8Array(await settled<Uint8Array>((done) => store.read(id, 0, sizeBytes, done)))
}

async function receiveAll(store: SnapshotFiles, snapshot: StoredSnapshot, content: Uint8Array): Promise<void> {
  const position = store.receive(snapshot)
  await settled((done) => store.write(snapshot.id, position, content.subarray(position), done))
  await settled((done) => store.finish(snapshot.id, done))
}

export function snapshotStoreContract(name: string, createDisk: () => Disk): void {
  const open = (disk = createDisk()): SnapshotFiles => openSnapshotFiles(disk, { defer })

  describe(`${name}: transfers`, () => transferContract(createDisk, open))
  describe(`${name}: refusals`, () => refusalContract(open))
  describe(`${name}: retention`, () => retentionContract(createDisk, open))
  describe(`${name}: start-up`, () => recoveryContract(createDisk, open))
}

type Open = (disk?: Disk) => SnapshotFiles

function transferContract(createDisk: () => Disk, open: Open): void {
  test('newest: is null in an empty store', () => {
    const store = open()
    assert.equal(store.newest(), null)
    store.close()
  })

  test('finish: makes a received snapshot the newest, with the same bytes', async () => {
    const { store: source, snapshots, state } = await sourceWith(50)
    const [snapshot] = snapshots as [StoredSnapshot]
    const target = open()
    await transfer(source, target, snapshot, 1000)
    assert.deepEqual(target.newest(), snapshot)
    assert.deepEqual(await contentOf(target, snapshot), await contentOf(source, snapshot))
    const machine = openMemoryStateMachine({ snapshots: target, volatile: false, defer, clusterId: () => CLUSTER_ID })
    assert.deepEqual(plainState(machine), state)
    target.close()
  })

  test('receive: resumes where the transfer was, also after the store was opened again', async () => {
    const { store: source, snapshots } = await sourceWith(50)
    const [snapshot] = snapshots as [StoredSnapshot]
    const content = await contentOf(source, snapshot)
    const disk = createDisk()
    const first = open(disk)
    assert.equal(first.receive(snapshot), 0)
    await settled((done) => first.write(snapshot.id, 0, content.subarray(0, 10_000), done))
    assert.equal(first.receive(snapshot), 10_000)
    first.close()
    const second = open(disk)
    assert.equal(second.newest(), null)
    assert.equal(second.receive(snapshot), 10_000)
    await receiveAll(second, snapshot, content)
    assert.deepEqual(second.newest(), snapshot)
    assert.equal(second.receive(snapshot), snapshot.sizeBytes)
    await settled((done) => second.finish(snapshot.id, done))
    second.close()
  })

  test('receive: gives up another transfer for the new one', async () => {
    const { store: source, snapshots } = await sourceWith(40, 50)
    const [older, newer] = snapshots as [StoredSnapshot, StoredSnapshot]
    const disk = createDisk()
    const target = open(disk)
    target.receive(older)
    await settled((done) => target.write(older.id, 0, new Uint8Array(100), done))
    assert.equal(target.receive(newer), 0)
    await assert.rejects(
      settled((done) => target.write(older.id, 100, new Uint8Array(1), done)),
      { code: 'TRANSFER_MISMATCH' },
    )
    assert.deepEqual(disk.list(), [`${newer.id}.partial`])
    await receiveAll(target, newer, await contentOf(source, newer))
    assert.deepEqual(disk.list(), [newer.id])
    target.close()
  })

  test('write: takes chunks that follow each other without waiting, and finish waits for them', async () => {
    const { store: source, snapshots } = await sourceWith(50)
    const [snapshot] = snapshots as [StoredSnapshot]
    const content = await contentOf(source, snapshot)
    const target = open()
    target.receive(snapshot)
    const writes: Promise<void>[] = []
    for (let position = 0; position < content.length; position += 5000) {
      writes.push(settled((done) => target.write(snapshot.id, position, content.subarray(position, position + 5000), done)))
    }
    await settled((done) => target.finish(snapshot.id, done))
    await Promise.all(writes)
    assert.deepEqual(target.newest(), snapshot)
    target.close()
  })
}

function refusalContract(open: Open): void {
  test('write: changes nothing for a chunk at another position, or beyond the end', async () => {
    const { store: source, snapshots } = await sourceWith(20)
    const [snapshot] = snapshots as [StoredSnapshot]
    const content = await contentOf(source, snapshot)
    const target = open()
    await assert.rejects(
      settled((done) => target.write(snapshot.id, 0, content, done)),
      { code: 'TRANSFER_MISMATCH' },
    )
    target.receive(snapshot)
    await assert.rejects(
      settled((done) => target.write(snapshot.id, 5, content.subarray(5), done)),
      { code: 'TRANSFER_MISMATCH' },
    )
    const longer = new Uint8Array(content.length + 1)
    await assert.rejects(
      settled((done) => target.write(snapshot.id, 0, longer, done)),
      { code: 'TRANSFER_MISMATCH' },
    )
    assert.equal(target.receive(snapshot), 0)
    await receiveAll(target, snapshot, content)
    target.close()
  })

  test('finish: refuses while bytes are missing, and lets the transfer go on', async () => {
    const { store: source, snapshots } = await sourceWith(20)
    const [snapshot] = snapshots as [StoredSnapshot]
    const content = await contentOf(source, snapshot)
    const target = open()
    target.receive(snapshot)
    await settled((done) => target.write(snapshot.id, 0, content.subarray(0, 100), done))
    await assert.rejects(
      settled((done) => target.finish(snapshot.id, done)),
      { code: 'TRANSFER_MISMATCH' },
    )
    await receiveAll(target, snapshot, content)
    assert.deepEqual(target.newest(), snapshot)
    target.close()
  })

  test('finish: deletes what has another digest, and a new transfer succeeds', async () => {
    const { store: source, snapshots } = await sourceWith(20, 30)
    const [snapshot, other] = snapshots as [StoredSnapshot, StoredSnapshot]
    const content = await contentOf(source, snapshot)
    const target = open()
    // One bit of a value, which nothing but the digest can tell.
    const damaged = content.slice()
    damaged[content.length - 500] = (content[content.length - 500] as number) ^ 1
    await assert.rejects(receiveAll(target, snapshot, damaged), { code: 'DIGEST_MISMATCH' })
    assert.equal(target.newest(), null)
    assert.equal(target.receive(snapshot), 0)
    // A whole snapshot, but not the one that was announced.
    const lie = { ...other, last: snapshot.last, id: snapshot.id, digest: snapshot.digest }
    await assert.rejects(receiveAll(target, lie, await contentOf(source, other)), { code: 'DIGEST_MISMATCH' })
    await receiveAll(target, snapshot, content)
    assert.deepEqual(target.newest(), snapshot)
    target.close()
  })

  test('finish: deletes what is no snapshot at all', async () => {
    const { snapshots } = await sourceWith(20)
    const [snapshot] = snapshots as [StoredSnapshot]
    const target = open()
    await assert.rejects(receiveAll(target, snapshot, new Uint8Array(snapshot.sizeBytes)), { code: 'CORRUPT' })
    assert.equal(target.receive(snapshot), 0)
    target.close()
  })

  test('receive: refuses a name that is not made of position and digest', async () => {
    const { snapshots } = await sourceWith(20)
    const [snapshot] = snapshots as [StoredSnapshot]
    const target = open()
    const bad = [
      { ...snapshot, id: '../../etc/passwd' },
      { ...snapshot, last: { term: 1, index: 21 } },
      { ...snapshot, digest: '../x', id: snapshot.id.replace(snapshot.digest, '../x') },
      { ...snapshot, sizeBytes: 1.5 },
      { ...snapshot, sizeBytes: -1 },
    ]
    for (const one of bad) assert.throws(() => target.receive(one), { code: 'TRANSFER_MISMATCH' }, one.id)
    target.close()
  })

  test('read: says so when the snapshot is not in the store', async () => {
    const target = open()
    await assert.rejects(
      settled<Uint8Array>((done) => target.read('none', 0, 10, done)),
      { code: 'SNAPSHOT_GONE' },
    )
    target.close()
  })
}

function retentionContract(createDisk: () => Disk, open: Open): void {
  test('finish: keeps the newest, the one before it, and the one that a transfer reads', async () => {
    const { store: source, snapshots } = await sourceWith(10)
    const { snapshots: later, store: laterSource } = await sourceWith(20, 30)
    const { snapshots: latest, store: latestSource } = await sourceWith(40, 50)
    const disk = createDisk()
    const target = open(disk)
    const [first] = snapshots as [StoredSnapshot]
    await transfer(source, target, first)
    await contentOf(target, first)
    for (const one of later) await transfer(laterSource, target, one)
    for (const one of latest) await transfer(latestSource, target, one)
    const kept = [first, ...latest].map(({ id }) => id)
    assert.deepEqual(disk.list(), kept)
    assert.equal((await contentOf(target, first)).length, first.sizeBytes)
    await assert.rejects(contentOf(target, later[0] as StoredSnapshot), { code: 'SNAPSHOT_GONE' })
    assert.deepEqual(target.newest(), latest[1])
    target.close()
  })

  test('finish: leaves the newest the newest when an older one arrives', async () => {
    const { store: source, snapshots } = await sourceWith(20, 30)
    const [older, newer] = snapshots as [StoredSnapshot, StoredSnapshot]
    const target = open()
    await transfer(source, target, newer)
    await transfer(source, target, older)
    assert.deepEqual(target.newest(), newer)
    target.close()
  })
}

function recoveryContract(createDisk: () => Disk, open: Open): void {
  test('open: finds the newest and removes what it replaced', async () => {
    const { store: source, snapshots } = await sourceWith(20, 30)
    const [older, newer] = snapshots as [StoredSnapshot, StoredSnapshot]
    const disk = createDisk()
    const target = open(disk)
    await transfer(source, target, older)
    await transfer(source, target, newer)
    target.close()
    const reopened = open(disk)
    assert.deepEqual(reopened.newest(), newer)
    assert.deepEqual(disk.list(), [newer.id])
    reopened.close()
  })

  test('open: does not count a damaged snapshot, and takes the one before it', async () => {
    const { store: source, snapshots } = await sourceWith(20, 30)
    const { store: laterSource, snapshots: later } = await sourceWith(40)
    const [older, newer] = snapshots as [StoredSnapshot, StoredSnapshot]
    const disk = createDisk()
    const target = open(disk)
    await transfer(source, target, older)
    await transfer(source, target, newer)
    target.close()
    const file = disk.open(newer.id)
    file.writeDurablySync(newer.sizeBytes - 300, Uint8Array.of(1, 2, 3))
    file.close()
    const reopened = open(disk)
    assert.deepEqual(reopened.newest(), older)
    assert.deepEqual(reopened.damaged, [newer.id])
    await transfer(laterSource, reopened, later[0] as StoredSnapshot)
    assert.deepEqual(reopened.damaged, [])
    assert.deepEqual(disk.list(), [older.id, (later[0] as StoredSnapshot).id])
    reopened.close()
  })

  test('open: keeps one partial transfer, and only when it is newer than what is there', async () => {
    const { store: source, snapshots } = await sourceWith(20, 30)
    const { snapshots: later } = await sourceWith(40)
    const [older, newer] = snapshots as [StoredSnapshot, StoredSnapshot]
    const [latest] = later as [StoredSnapshot]
    const disk = createDisk()
    for (const name of [`${older.id}.partial`, `${latest.id}.partial`, 'local-3.tmp']) disk.open(name).close()
    const target = open(disk)
    assert.deepEqual(disk.list(), [`${latest.id}.partial`])
    target.close()
    disk.rename(`${latest.id}.partial`, `${older.id}.partial`)
    const copy = disk.open(newer.id)
    copy.writeDurablySync(0, await contentOf(source, newer))
    copy.close()
    const reopened = open(disk)
    assert.deepEqual(disk.list(), [newer.id])
    assert.deepEqual(reopened.newest(), newer)
    reopened.close()
  })

  test('open: refuses a snapshot of a later version, naming it, and takes one whose version was damaged for damaged', async () => {
    const { store: source, snapshots } = await sourceWith(20)
    const [snapshot] = snapshots as [StoredSnapshot]
    const content = new Uint8Array(await contentOf(source, snapshot))
    content[11] = 99
    const later = snapshot.id.replace(snapshot.digest, createHash('sha256').update(content).digest('hex'))
    const put = (name: string): Disk => {
      const disk = createDisk()
      const file = disk.open(name)
      file.writeDurablySync(0, content)
      file.close()
      return disk
    }
    assert.throws(() => open(put(later)), { code: 'UNKNOWN_VERSION', file: later })
    const store = open(put(snapshot.id))
    assert.equal(store.newest(), null)
    store.close()
  })
}
