/**
 * What clients did and saw, for the linearizability checker.
 *
 * Times are monotonic, in any one unit; an operation precedes another when it ended before the other started.
 * Values written to one key are unique among all writes to it, so a read names the write it saw.
 */

/**
 * 'ok': it took effect, once, between start and end. 'failed': it provably never took effect.
 * 'unknown': it may have taken effect once at any time after its start, also after `end`, or never.
 */
export type Outcome = 'ok' | 'failed' | 'unknown'

export interface RecordedOperation {
  readonly key: string
  readonly client: string | number
  readonly type: 'write' | 'read' | 'delete'
  /** What was written or seen; null for a delete, and for a read that found no such key. */
  readonly value: string | null
  readonly start: number
  /** When the client learned the outcome, or gave up waiting. */
  readonly end: number
  readonly outcome: Outcome
}

export type History = readonly RecordedOperation[]

/** One line for people: when, who, what, and how it ended. */
export function describeOperation(operation: RecordedOperation): string {
  const { client, type, value, start, end, outcome } = operation
  const until = outcome === 'unknown' ? 'open' : String(end)
  const verb = { write: `writes ${value}`, delete: 'deletes', read: value === null ? 'reads nothing' : `reads ${value}` }[type]
  const ending = { ok: '', failed: ' (failed: not applied)', unknown: ' (outcome unknown)' }[outcome]
  return `[${start} .. ${until}] client ${client} ${verb}${ending}`
}

/** @throws RangeError on times that run backwards, and on a write without a value. */
export function validateOperation(operation: RecordedOperation): void {
  if (!(operation.start <= operation.end)) {
    throw new RangeError(`an operation on ${operation.key} ends before it starts: ${describeOperation(operation)}`)
  }
  if ((operation.type === 'write') !== (operation.value !== null) && operation.type !== 'read') {
    throw new RangeError(`a write has a value and a delete has none; on ${operation.key}: ${describeOperation(operation)}`)
  }
}

/** The operations of each key, in the order of the history. */
export function partitionByKey(history: History): Map<string, RecordedOperation[]> {
  const keys = new Map<string, RecordedOperation[]>()
  for (const operation of history) {
    validateOperation(operation)
    const operations = keys.get(operation.key)
    if (operations === undefined) keys.set(operation.key, [operation])
    else operations.push(operation)
  }
  return keys
}
