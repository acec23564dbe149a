/** What the snapshot folder holds at start-up: a finished snapshot counts only when it is whole. */
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import type { Disk, DiskFile, StoredSnapshot } from '../../ports/index.ts'
import { SnapshotDigest } from './snapshot-digest.ts'
import { parseSnapshotName, partialOf } from './snapshot-name.ts'
import { readSnapshotSync } from './snapshot-verify.ts'
import { StateError } from '../state/index.ts'

export interface RecoveredSnapshots {
  readonly newest: StoredSnapshot | null
  /** Names of snapshots after `newest` that are damaged. They stay until a newer snapshot is finished. */
  readonly damaged: readonly string[]
}

/**
 * Finds the newest whole snapshot and removes what it replaces: older snapshots, local ones that were not finished,
 * and all partial transfers but the newest.
 * @throws StateError UNKNOWN_VERSION; what the disk throws
 */
export function recoverSnapshots(disk: Disk): RecoveredSnapshots {
  // A process may have died between a rename and its sync: what replaces must be durable before the replaced goes.
  disk.syncDirectorySync()
  const finished: string[] = []
  const partial: string[] = []
  for (const name of disk.list()) {
    if (parseSnapshotName(name) !== undefined) finished.push(name)
    else if (partialOf(name) !== undefined) partial.push(name)
    else if (isLocalName(name)) disk.remove(name)
  }
  const { newest, damaged, older } = findNewest(disk, finished.reverse())
  const resumable = partial.pop()
  const obsolete = [...older, ...partial]
  if (resumable !== undefined && newest !== null && resumable < newest.id) obsolete.push(resumable)
  for (const name of obsolete) disk.remove(name)
  return { newest, damaged }
}

export function localName(counter: number): string {
  return `local-${counter}.tmp`
}

function isLocalName(name: string): boolean {
  return /^local-\d+\.tmp$/.test(name)
}

/** `names` come newest first: names begin with the index. */
function findNewest(disk: Disk, names: readonly string[]): RecoveredSnapshots & { readonly older: readonly string[] } {
  const damaged: string[] = []
  for (const [i, name] of names.entries()) {
    const found = readWhole(disk, name)
    if (found !== undefined) return { newest: found, damaged, older: names.slice(i + 1) }
    damaged.push(name)
  }
  return { newest: null, damaged, older: [] }
}

function digestOf(file: DiskFile): string {
  const digest = new SnapshotDigest()
  for (;;) {
    const chunk = file.readSync(digest.sizeBytes, SNAPSHOT_CHUNK_SIZE)
    if (chunk.length === 0) return digest.digest()
    digest.push(chunk)
  }
}

/** Undefined when the file is damaged, or is not what its name says. */
function readWhole(disk: Disk, name: string): StoredSnapshot | undefined {
  const file = disk.open(name)
  try {
    const found = readSnapshotSync(file)
    return found.id === name ? found : undefined
  } catch (error) {
    if (!(error instanceof StateError)) throw error
    if (error.code === 'CORRUPT') return undefined
    // A version that this program does not know counts only when the file is as it was written.
    if (error.code === 'UNKNOWN_VERSION' && digestOf(file) !== parseSnapshotName(name)?.digest) return undefined
    throw error
  } finally {
    file.close()
  }
}
