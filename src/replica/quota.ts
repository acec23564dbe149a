import { AspenError } from '../api/index.ts'
import type { Command } from '../api/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../limits.ts'
import type { StateInfo } from '../ports/index.ts'
import { decodeEnvelope } from '../wire/index.ts'

/** What a key costs in a snapshot besides its own bytes and its value's. */
const BYTES_PER_KEY = 64

/** Below this share of either limit no single write is looked into. */
const WATCHED_SHARE = 0.75

/**
 * Refuses a write that could grow the state past what a snapshot may hold; deletes pass.
 * `pendingBytes` and `pendingCount` are what is proposed and not yet applied.
 * @throws AspenError QUOTA_EXCEEDED
 */
export function checkQuota(info: StateInfo, pendingBytes: number, pendingCount: number, envelope: Uint8Array): void {
  const bytes = info.bytes + info.keys * BYTES_PER_KEY + pendingBytes + envelope.length
  if (bytes < MAX_SNAPSHOT_SIZE * WATCHED_SHARE && info.keys + pendingCount < MAX_SNAPSHOT_ENTRIES * WATCHED_SHARE) return
  const { command } = decodeEnvelope(envelope)
  const sets = countSets(command)
  if (sets === 0) return
  const keys = info.keys + pendingCount + sets
  if (bytes + sets * BYTES_PER_KEY <= MAX_SNAPSHOT_SIZE && keys <= MAX_SNAPSHOT_ENTRIES) return
  throw new AspenError(
    'QUOTA_EXCEEDED',
    `the store holds ${info.keys} keys of ${info.bytes} bytes and may not grow past ${MAX_SNAPSHOT_ENTRIES} keys or ${MAX_SNAPSHOT_SIZE} bytes: delete keys first`,
    { keys: info.keys, bytes: info.bytes },
  )
}

function countSets(command: Command): number {
  const operations = command.type === 'batch' ? command.operations : [...command.then, ...command.else]
  return operations.filter((operation) => operation.type === 'set').length
}
