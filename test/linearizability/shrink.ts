/**
 * Makes the counterexample small. Every step keeps a history that an atomic register could not have
 * produced and that is implied by the whole: a prefix in time, then fewer operations, where a write goes only
 * together with its reads and a delete only when nobody saw the key absent.
 */
import type { RecordedOperation } from './history.ts'
import { checkRegister } from './register.ts'

/** What was known at an instant: later operations are gone, and those under way have no outcome yet. */
function until(operations: readonly RecordedOperation[], time: number): RecordedOperation[] {
  const prefix: RecordedOperation[] = []
  for (const operation of operations) {
    if (operation.start > time) continue
    if (operation.end <= time || operation.outcome !== 'ok') prefix.push(operation)
    else if (operation.type !== 'read') prefix.push({ ...operation, outcome: 'unknown' })
  }
  return prefix
}

function fails(operations: readonly RecordedOperation[]): boolean {
  return !checkRegister(operations).ok
}

/** The shortest failing prefix, by the ends of operations. */
function shortestPrefix(operations: readonly RecordedOperation[]): RecordedOperation[] {
  const ends = operations.map((operation) => operation.end).toSorted((a, b) => a - b)
  let low = 0
  let high = ends.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (fails(until(operations, ends[middle] as number))) high = middle
    else low = middle + 1
  }
  const prefix = until(operations, ends[low] as number)
  return fails(prefix) ? prefix : [...operations]
}

/** Drops reads of values whose write is gone. A value that never had a write keeps its readers. */
function withoutOrphans(kept: readonly RecordedOperation[], removed: ReadonlySet<RecordedOperation>): RecordedOperation[] {
  const gone = new Set<string | null>()
  for (const operation of removed) if (operation.type === 'write') gone.add(operation.value)
  return kept.filter((operation) => operation.type !== 'read' || !gone.has(operation.value))
}

function remove(operations: readonly RecordedOperation[], chunk: readonly RecordedOperation[]): RecordedOperation[] {
  const sawNothing = operations.some((operation) => operation.type === 'read' && operation.value === null)
  const removed = new Set(chunk.filter((operation) => !(sawNothing && operation.type === 'delete')))
  return withoutOrphans(
    operations.filter((operation) => !removed.has(operation)),
    removed,
  )
}

/** Delta debugging (Zeller & Hildebrandt 2002): tries to remove halves, then quarters, down to single operations. */
export function shrink(operations: readonly RecordedOperation[]): RecordedOperation[] {
  let current = shortestPrefix(operations)
  for (let size = Math.ceil(current.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < current.length;) {
      const smaller = remove(current, current.slice(from, from + size))
      if (smaller.length < current.length && fails(smaller)) current = smaller
      else from += size
    }
  }
  return current.toSorted((a, b) => a.start - b.start || a.end - b.end)
}
