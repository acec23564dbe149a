import { fail, AssertionError } from '../../lib/index.ts'
import type { LogBatch } from '../../ports/index.ts'
import type { HardState, LogId } from '../../raft/index.ts'
import type { EntryIndex } from './entry-index.ts'

/** What the records written so far amount to. Recovery builds it from the disk, and writing keeps it up to date. */
export interface LogImage {
  clusterId: string | null
  hardState: HardState
  readonly index: EntryIndex
}

export interface HeldEntries {
  readonly clusterId: string | null
  readonly purgedIndex: number
  readonly lastIndex: number
}

/** Throws, before anything has changed, unless the batches can follow what a log holds. */
export function assertBatchesFollow(held: HeldEntries, batches: readonly LogBatch[]): void {
  const { clusterId: cluster, purgedIndex } = held
  let last = held.lastIndex
  for (const { clusterId, truncateFrom, entries } of batches) {
    if (clusterId !== undefined) {
      if (!(cluster === null || clusterId === cluster)) fail(`the log of cluster ${cluster} cannot become one of ${clusterId}`)
    }
    if (truncateFrom !== undefined) {
      if (!(truncateFrom > purgedIndex)) fail(`entry ${truncateFrom} cannot be removed: entries up to ${purgedIndex} are purged`)
      last = Math.min(last, truncateFrom - 1)
    }
    for (const entry of entries) {
      if (entry.index !== last + 1) throw new AssertionError(`entry ${entry.index} does not follow entry ${last}`)
      last = entry.index
    }
  }
}

/** The entry that would be last after a truncation, or undefined when nothing would be removed. */
export function lastKept(index: EntryIndex, truncateFrom: number): LogId | undefined {
  return truncateFrom > index.lastIndex ? undefined : index.logIdOf(truncateFrom - 1)
}
