/** The semantics of the state machine once more, written for plainness alone: text keys in a sorted list, nothing shared with the code. */
import type { ClientSequence, Command, Condition, Operation } from '../../src/api/index.ts'
import { hex } from './state-machine-fixture.ts'

interface ModelRow {
  value: string
  createRevision: number
  modRevision: number
  version: number
}

export class StateModel {
  /** By key in hex, whose order is the order of bytes. */
  rows = new Map<string, ModelRow>()
  sessions = new Map<string, { sequence: number; result: { logId: unknown; txn?: unknown } }>()

  command(index: number, term: number, command: Command, origin: ClientSequence | null): unknown {
    const session = origin === null ? undefined : this.sessions.get(origin.client)
    if (origin !== null && session !== undefined && origin.sequence <= session.sequence) {
      return origin.sequence === session.sequence ? session.result : { logId: session.result.logId }
    }
    const result = { logId: { term, index }, ...this.#effects(index, command) }
    if (origin !== null) this.sessions.set(origin.client, { sequence: origin.sequence, result })
    return result
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

  #effects(index: number, command: Command): { txn?: unknown } {
    if (command.type === 'batch') {
      command.operations.forEach((operation) => this.#run(index, operation))
      return {}
    }
    const succeeded = !command.compare.map((condition) => this.#holds(condition)).includes(false)
    const results = (succeeded ? command.then : command.else).map((operation) => this.#run(index, operation))
    return { txn: { succeeded, results } }
  }

  #run(index: number, operation: Operation): unknown {
    const key = hex(operation.key)
    const row = this.rows.get(key)
    if (operation.type === 'get') return { type: 'get', entry: this.row(key) }
    if (operation.type === 'delete') return { type: 'delete', deleted: this.rows.delete(key) }
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
