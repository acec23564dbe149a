import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { MemoryDisk, NodeDisk } from '../../src/storage/disk/index.ts'
import { snapshotStoreContract } from './snapshot-store.ts'

const root = mkdtempSync(join(tmpdir(), 'aspen-snapshots-'))
after(() => rmSync(root, { recursive: true }))
let directories = 0

snapshotStoreContract('SnapshotFiles on MemoryDisk', () => new MemoryDisk(setImmediate))
snapshotStoreContract('SnapshotFiles on MemoryDisk that completes in microtasks', () => new MemoryDisk(queueMicrotask))
snapshotStoreContract('SnapshotFiles on NodeDisk', () => new NodeDisk(join(root, `${++directories}`)))
