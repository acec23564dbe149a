/**
 * The ordered key-value state behind the in-memory cluster: what committed commands build, in one process and
 * without a log. A key's revisions are the indexes of the commands that wrote it, as in the real state machine.
 */
import type {
  Command,
  Condition,
  KeyValue,
  Operation,
  OperationResult,
  ScanRange,
  WriteLogId,
  WriteResult,
} from '../api/index.ts'
import { compareBytes, equalBytes } from '../lib/index.ts'

/** One string per byte string, so that a Map can hold it: every byte becomes one character. */
function mapKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

function copyOf(entry: KeyValue): KeyValue {
  return { ...entry, key: new Uint8Array(entry.key), value: new Uint8Array(entry.value) }
}

export class InMemoryState {
  readonly #entries = new Map<string, KeyValue>()
  /** All keys in byte order; rebuilt by the first scan after a key came or went. */
  #sorted: KeyValue[] | null = null
  #bytes = 0

  get keys(): number {
    return this.#entries.size
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes
  }

  /** A copy: what its reader does with the bytes changes nothing here. */
  get(key: Uint8Array): KeyValue | undefined {
    const entry = this.#entries.get(mapKey(key))
    return entry && copyOf(entry)
  }

  /** Bytes of a key's value, or undefined when the key does not exist. */
  valueSize(key: Uint8Array): number | undefined {
    return this.#entries.get(mapKey(key))?.value.length
  }

  apply(command: Command, logId: WriteLogId): WriteResult {
    if (command.type === 'batch') {
      for (const operation of command.operations) this.#run(operation, logId.index)
      return { logId }
    }
    const succeeded = command.compare.every((condition) => this.#holds(condition))
    const branch = succeeded ? command.then : command.else
    return { logId, txn: { succeeded, results: branch.map((operation) => this.#run(operation, logId.index)) } }
  }

  /** Keys of the range in byte order: at most `limit`, and past the first at most `maxBytes` of keys and values. */
  scan(range: ScanRange, limit: number, maxBytes: number): { readonly rows: readonly KeyValue[]; readonly more: boolean } {
    this.#sorted ??= [...this.#entries.values()].toSorted((a, b) => compareBytes(a.key, b.key))
    const rows: KeyValue[] = []
    let bytes = 0
    for (const entry of this.#sorted) {
      if (compareBytes(entry.key, range.start) < 0) continue
      if (range.end !== null && compareBytes(entry.key, range.end) >= 0) break
      bytes += entry.key.length + entry.value.length
      if (rows.length === limit || (rows.length > 0 && bytes > maxBytes)) return { rows, more: true }
      rows.push(copyOf(entry))
    }
    return { rows, more: false }
  }

  #holds(condition: Condition): boolean {
    const entry = this.#entries.get(mapKey(condition.key))
    if (condition.type === 'absent') return (entry === undefined) === condition.absent
    if (condition.type === 'value') return entry !== undefined && equalBytes(entry.value, condition.value)
    return (entry?.modRevision ?? 0) === condition.modRevision
  }

  #run(operation: Operation, index: number): OperationResult {
    if (operation.type === 'get') return { type: 'get', entry: this.get(operation.key) ?? null }
    const name = mapKey(operation.key)
    const before = this.#entries.get(name)
    if (operation.type === 'delete') {
      if (before === undefined) return { type: 'delete', deleted: false }
      this.#entries.delete(name)
      this.#bytes -= before.key.length + before.value.length
      this.#sorted = null
      return { type: 'delete', deleted: true }
    }
    // Copies: what is given are views of a whole command.
    const [key, value] = [before?.key ?? new Uint8Array(operation.key), new Uint8Array(operation.value)]
    this.#bytes += value.length + (before === undefined ? key.length : -before.value.length)
    this.#entries.set(name, {
      key,
      value,
      createRevision: before?.createRevision ?? index,
      modRevision: index,
      version: (before?.version ?? 0) + 1,
    })
    this.#sorted = null
    return { type: 'set' }
  }
}
