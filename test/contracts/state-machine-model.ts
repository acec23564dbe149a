/** The semantics of the state machine once more, written for plainness alone: text keys in a sorted list, nothing shared with the code. */
import type { ClientSequence } from '../../src/api/index.ts'
import type { Command, Condition, Operation } from '../../src/commands/index.ts'
import { hex } from './state-machine-fixture.ts'

interface ModelRow {
  value: string
  createRevision: number
  modRevision: number
  version: number
}

interface ModelWrite {
  readonly command: string
  readonly result: { readonly logId: unknown; readonly revision: number; readonly txn?: unknown }
}

const WINDOW = 128

export class StateModel {
  /** By key in hex, whose order is the order of bytes. */
  rows = new Map<string, ModelRow>()
  /** By client, then by sequence. */
  sessions = new Map<string, Map<number, ModelWrite>>()
  revision = 1
  #touched = false

  /** The result of a command, or the code that it is refused with. */
  command(index: number, term: number, command: Command, origin: ClientSequence | null): unknown {
    if (origin === null) return told(this.#effects(index, term, command))
    const written = JSON.stringify(command, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value))
    const session = this.sessions.get(origin.client)
    if (session === undefined && origin.sequence > 1) return 'SESSION_UNKNOWN'
    const before = session?.get(origin.sequence)
    if (before !== undefined) return before.command === written ? told(before.result) : 'SEQUENCE_REUSED'
    const highest = Math.max(origin.sequence, ...(session?.keys() ?? []))
    if (origin.sequence <= highest - WINDOW) return 'SEQUENCE_PASSED'
    const result = this.#effects(index, term, command)
    const kept = [...(session ?? []), [origin.sequence, { command: written, result }] as const]
    this.sessions.set(origin.client, new Map(kept.filter(([sequence]) => sequence > highest - WINDOW)))
    return told(result)
  }

  list(start: string, end: string | null, limit: number, maxBytes: number): { rows: unknown[]; more: boolean } {
    const inRange = [...this.rows.keys()].filter((key) => key >= start && (end === null || key < end)).toSorted()
    let count = 0
    let size = 0
    for (const key of inRange) {
      size += (key.length + (this.rows.get(key)?.value.length ?? 0)) / 2
      if (count === limit || (count > 0 && size > maxBytes)) break
      count++
    }
    return { rows: inRange.slice(0, count).map((key) => this.row(key)), more: count < inRange.length }
  }

  row(key: string): unknown {
    const row = this.rows.get(key)
    return row === undefined ? null : { key, ...row }
  }

  totals(): [keys: number, bytes: number] {
    let size = 0
    for (const [key, row] of this.rows) size += (key.length + row.value.length) / 2
    return [this.rows.size, size]
  }

  #effects(index: number, term: number, command: Command): ModelWrite['result'] {
    const logId = { term, index }
    this.#touched = false
    const txn = command.type === 'batch' ? undefined : this.#decide(command)
    if (command.type === 'batch') command.operations.forEach((operation) => this.#run(operation))
    if (this.#touched) this.revision++
    return { logId, revision: this.revision, ...(txn === undefined ? {} : { txn }) }
  }

  #decide({ compare, then, else: otherwise }: Command & { type: 'txn' }): unknown {
    const succeeded = !compare.map((condition) => this.#holds(condition)).includes(false)
    return { succeeded, results: (succeeded ? then : otherwise).map((operation) => this.#run(operation)) }
  }

  #run(operation: Operation): unknown {
    const index = this.revision + 1
    const key = hex(operation.key)
    const row = this.rows.get(key)
    if (operation.type === 'get') return { type: 'get', entry: this.row(key) }
    if (operation.type === 'delete') {
      const deleted = this.rows.delete(key)
      this.#touched ||= deleted
      return { type: 'delete', deleted }
    }
    this.#touched = true
    const value = hex(operation.value)
    if (row === undefined) this.rows.set(key, { value, createRevision: index, modRevision: index, version: 1 })
    else this.rows.set(key, { value, createRevision: row.createRevision, modRevision: index, version: row.version + 1 })
    return { type: 'set' }
  }

  #holds(condition: Condition): boolean {
    const row = this.rows.get(hex(condition.key))
    if (condition.type === 'value') return row !== undefined && row.value === hex(condition.value)
    if (condition.type === 'absent') return condition.absent ? row === undefined : row !== undefined
    return condition.modRevision === 0 ? row === undefined : row?.modRevision === condition.modRevision
  }
}

/** A plain write did not ask for its revision. */
function told({ logId, revision, txn }: ModelWrite['result']): unknown {
  return txn === undefined ? { logId } : { logId, revision, txn }
}
