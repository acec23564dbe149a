/** How much the in-memory state may grow: what a snapshot of a real node may hold. */
import { AspenError } from '../api/index.ts'
import type { Command, Operation } from '../api/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../limits.ts'
import type { InMemoryState } from './in-memory-state.ts'

/** What a key costs in a snapshot besides its own bytes and its value's. */
const BYTES_PER_KEY = 64

interface Growth {
  readonly keys: number
  readonly bytes: number
}

/** A value that becomes smaller is not set against one that grows: real nodes count the same way. */
function growthOf(state: InMemoryState, operations: readonly Operation[]): Growth {
  let keys = 0
  let bytes = 0
  for (const operation of operations) {
    if (operation.type !== 'set') continue
    const present = state.valueSize(operation.key)
    if (present !== undefined) bytes += Math.max(0, operation.value.length - present)
    else {
      keys++
      bytes += operation.key.length + operation.value.length + BYTES_PER_KEY
    }
  }
  return { keys, bytes }
}

function largestGrowth(state: InMemoryState, command: Command): Growth {
  if (command.type === 'batch') return growthOf(state, command.operations)
  const [then, otherwise] = [growthOf(state, command.then), growthOf(state, command.else)]
  return { keys: Math.max(then.keys, otherwise.keys), bytes: Math.max(then.bytes, otherwise.bytes) }
}

/** Reads, deletes, and values no larger than those they replace always pass. @throws AspenError QUOTA_EXCEEDED */
export function checkQuota(state: InMemoryState, command: Command): void {
  const growth = largestGrowth(state, command)
  if (growth.keys === 0 && growth.bytes === 0) return
  const { keys, bytes } = state
  const size = bytes + keys * BYTES_PER_KEY
  if (keys + growth.keys > MAX_SNAPSHOT_ENTRIES) {
    throw exceeded(`${keys} keys of at most ${MAX_SNAPSHOT_ENTRIES}`, { limit: 'keys', max: MAX_SNAPSHOT_ENTRIES, keys, bytes })
  }
  if (size + growth.bytes > MAX_SNAPSHOT_SIZE) {
    throw exceeded(`${size} bytes of at most ${MAX_SNAPSHOT_SIZE}`, { limit: 'bytes', max: MAX_SNAPSHOT_SIZE, keys, bytes })
  }
}

function exceeded(holds: string, details: Readonly<Record<string, unknown>>): AspenError {
  return new AspenError('QUOTA_EXCEEDED', `the store holds ${holds}: delete keys, and writes pass again`, details)
}
