/** A backup read from end to end: it is all there, it is as it was written, and what is in it is a state. */
import { loadFacts, RowsAudit } from '../../commands/index.ts'
import type { StateMeta } from '../../commands/index.ts'
import type { StoredSnapshot } from '../../ports/index.ts'
import { SnapshotReader } from '../snapshots/index.ts'
import { BackupDecoder, BackupError } from './backup-decoder.ts'
import type { BackupHeader } from './backup-format.ts'

/** What is in a backup. */
export interface FoundBackup {
  readonly header: BackupHeader
  readonly snapshot: StoredSnapshot
  /** Rows of users, and bytes of their keys and values. */
  readonly keys: number
  readonly bytes: number
  /** Null in a state that nothing was ever written to. */
  readonly facts: StateMeta | null
}

/**
 * Takes a backup from end to end.
 * @param bytes hears the bytes of the snapshot in it, as they are read; they are to be believed when this resolves
 * @throws BackupError, which says what is wrong and at which byte; what `chunks` throws
 */
export async function readBackup(
  chunks: AsyncIterable<Uint8Array>,
  bytes: (bytes: Uint8Array) => void = () => undefined,
): Promise<FoundBackup> {
  const audit = new RowsAudit()
  let counts = { keys: 0, bytes: 0 }
  let facts: StateMeta | null = null
  const snapshot = new SnapshotReader('in the backup', {
    header: (header) => (counts = { keys: header.keys, bytes: header.bytes }),
    row: (space, row) => {
      audit.add(space, row)
      facts = loadFacts(space, row) ?? facts
    },
  })
  let pieces: Uint8Array[] = []
  const decoder = new BackupDecoder({
    bytes: (piece) => {
      snapshot.push(piece)
      pieces.push(piece)
    },
  })
  for await (const chunk of chunks) {
    guard(() => decoder.push(chunk))
    for (const piece of pieces) bytes(piece)
    pieces = []
  }
  const header = guard(() => decoder.end())
  const found = guard(() => snapshot.end())
  const { clusterId, index, term, snapshotId, snapshotDigest } = header
  const agrees =
    found.id === snapshotId &&
    found.digest === snapshotDigest &&
    found.clusterId === clusterId &&
    found.last.index === index &&
    found.last.term === term
  if (!agrees) throw new BackupError('its header speaks of another state than is in it')
  if (audit.problem !== undefined) throw new BackupError(`the state in it is damaged: ${audit.problem}`)
  return { header, snapshot: found, ...counts, facts }
}

function guard<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof BackupError) throw error
    throw new BackupError(`the state in it is damaged: ${(error as Error).message}`, { cause: error })
  }
}
