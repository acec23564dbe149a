/** The version of the cluster in a state on disk: kept, told by snapshots, and not opened by a program that does not know it. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeSetVersion, LANGUAGE } from '../../src/commands/index.ts'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import { NodeDisk } from '../../src/storage/disk/index.ts'
import { openSnapshotFiles, openSqliteStateMachine } from '../../src/storage/index.ts'
import { LANGUAGE_2 } from '../commands/language-2.ts'
import { CLUSTER_ID, LogWriter, membershipOf, settled } from './state-machine-fixture.ts'

test('SQLite: a version that was raised outlives a restart, is told by snapshots, and is refused by a program below it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'aspen-versions-'))
  const snapshotDirectory = join(root, 'snapshots')
  mkdirSync(snapshotDirectory)
  const snapshots = openSnapshotFiles(new NodeDisk(snapshotDirectory), { directory: snapshotDirectory })
  const open = (language: typeof LANGUAGE): ReturnType<typeof openSqliteStateMachine> =>
    openSqliteStateMachine({ directory: join(root, 'state'), snapshots, language })
  try {
    const log = new LogWriter()
    const [membership, value] = [log.membership(membershipOf(1)), log.set('a', '1')]
    const raise: Entry = { index: value.index + 1, term: value.term, kind: 'version', payload: encodeSetVersion(2) }
    const first = open(LANGUAGE_2)
    first.apply([membership, value])
    assert.equal(first.info().clusterVersion, 1)
    first.apply([raise])
    assert.equal(first.info().clusterVersion, 2)
    const snapshot = await settled<StoredSnapshot>((done) => first.takeSnapshot(CLUSTER_ID, done))
    assert.equal(snapshot.clusterVersion, 2)
    await settled((done) => first.close(done))
    assert.throws(() => open(LANGUAGE), { name: 'LaterVersion', needs: 2 })
    const again = open(LANGUAGE_2)
    assert.equal(again.damage, null, 'it was not taken for damaged')
    assert.deepEqual([again.info().clusterVersion, again.info().applied.index], [2, raise.index])
    await settled((done) => again.close(done))
    assert.equal(snapshots.newest()?.clusterVersion, 2)
  } finally {
    snapshots.close()
    rmSync(root, { recursive: true })
  }
})

test('SQLite: a program below it changes nothing when it meets the entry that raises the version', async () => {
  const root = mkdtempSync(join(tmpdir(), 'aspen-versions-'))
  const snapshotDirectory = join(root, 'snapshots')
  mkdirSync(snapshotDirectory)
  const snapshots = openSnapshotFiles(new NodeDisk(snapshotDirectory), { directory: snapshotDirectory })
  try {
    const machine = openSqliteStateMachine({ directory: join(root, 'state'), snapshots })
    const log = new LogWriter()
    const value = log.set('a', '1')
    const raise: Entry = { index: value.index + 1, term: value.term, kind: 'version', payload: encodeSetVersion(2) }
    assert.throws(() => machine.apply([value, raise]), { name: 'LaterVersion', needs: 2 })
    assert.equal(machine.info().applied.index, 0)
    await settled((done) => machine.close(done))
  } finally {
    snapshots.close()
    rmSync(root, { recursive: true })
  }
})
