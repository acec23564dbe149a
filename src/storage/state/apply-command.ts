/**
 * What a command does to the keys: the one place that knows, for every implementation of the state machine.
 * It reads nothing but the keys and the entry's position, so equal logs give equal states.
 */
import type { Command, Condition, KeyValue, Operation, OperationResult, WriteLogId, WriteResult } from '../../api/index.ts'
import { equalBytes } from '../../lib/index.ts'

/** The keys as commands see them. */
export interface KeyTable {
  get(key: Uint8Array): KeyValue | undefined
  /** Writes a value: creates the key at `revision` with version 1, or moves it to `revision` and adds 1 to its version. */
  set(key: Uint8Array, value: Uint8Array, revision: number): void
  /** Removes a key; false when it does not exist. */
  delete(key: Uint8Array): boolean
}

/** Applies a command at its position in the log. Operations run in order; each sees those before it. */
export function applyCommand(keys: KeyTable, command: Command, logId: WriteLogId): WriteResult {
  if (command.type === 'batch') {
    for (const operation of command.operations) {
      if (operation.type === 'set') keys.set(operation.key, operation.value, logId.index)
      else keys.delete(operation.key)
    }
    return { logId }
  }
  const succeeded = command.compare.every((condition) => holds(keys, condition))
  const branch = succeeded ? command.then : command.else
  const results = branch.map((operation) => applyOperation(keys, operation, logId.index))
  return { logId, txn: { succeeded, results } }
}

function applyOperation(keys: KeyTable, operation: Operation, revision: number): OperationResult {
  switch (operation.type) {
    case 'set':
      keys.set(operation.key, operation.value, revision)
      return { type: 'set' }
    case 'delete':
      return { type: 'delete', deleted: keys.delete(operation.key) }
    case 'get':
      return { type: 'get', entry: keys.get(operation.key) ?? null }
  }
}

/** A key that does not exist has modification revision 0 and equals no value. */
function holds(keys: KeyTable, condition: Condition): boolean {
  const entry = keys.get(condition.key)
  switch (condition.type) {
    case 'value':
      return entry !== undefined && equalBytes(entry.value, condition.value)
    case 'mod-revision':
      return (entry?.modRevision ?? 0) === condition.modRevision
    case 'absent':
      return (entry === undefined) === condition.absent
  }
}
