/** What the suites of the state machine and the snapshot store share: logs, whole states, and callbacks as promises. */
import { AspenError } from '../../src/api/index.ts'
import type { ClientSequence, ErrorCode, KeyValue, WriteResult } from '../../src/api/index.ts'
import type { Command, Condition, Operation } from '../../src/commands/index.ts'
import { utf8Encode } from '../../src/lib/index.ts'
import type { StateEngine, StoredSnapshot } from '../../src/ports/index.ts'
import type { Entry, Membership } from '../../src/raft/index.ts'
import type { SnapshotFiles } from '../../src/storage/index.ts'
import { encodeMembership } from '../../src/wire/index.ts'
import { encodeEnvelope, stampEnvelope } from '../../src/commands/index.ts'

export const CLUSTER_ID = '0123456789abcdef0123456789abcdef'

export interface OpenedState {
  readonly machine: StateEngine
  readonly snapshots: SnapshotFiles
}

/** One place for a state: opened, closed, and opened again over what is left. */
export interface StatePlace {
  open(): OpenedState
  /** Closes what is open and removes the place. */
  dispose(): Promise<void>
}

/** Waits for an operation that reports through a callback. */
export function settled<T = void>(start: (done: (error?: Error, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === undefined) resolve(value as T)
      else reject(error)
    })
  })
}

export const bytes = (text: string): Uint8Array => utf8Encode(text)
export const set = (key: string, value: string): Operation & { type: 'set' } => ({
  type: 'set',
  key: bytes(key),
  value: bytes(value),
})
export const del = (key: string): Operation & { type: 'delete' } => ({ type: 'delete', key: bytes(key) })
export const get = (key: string): Operation & { type: 'get' } => ({ type: 'get', key: bytes(key) })

export function batch(...operations: ((Operation & { type: 'set' }) | (Operation & { type: 'delete' }))[]): Command {
  return { type: 'batch', operations }
}

export function txn(compare: Condition[], then: Operation[], otherwise: Operation[] = []): Command {
  return { type: 'txn', compare, then, else: otherwise }
}

export function membershipOf(...voters: number[]): Membership {
  const members = voters.map((id) => ({ id, endpointId: String(id).padStart(64, '0'), addresses: [`127.0.0.1:${26000 + id}`] }))
  return { voters, outgoing: [], learners: [], members }
}

/** Builds consecutive entries. */
export class LogWriter {
  index: number
  term: number

  constructor(index = 0, term = 1) {
    this.index = index
    this.term = term
  }

  command(command: Command, origin: ClientSequence | null = null, elapsedMs = 0, wantsRevision = false): Entry {
    const payload = stampEnvelope(encodeEnvelope({ origin, command, wantsRevision }), elapsedMs)
    return { index: ++this.index, term: this.term, kind: 'command', payload }
  }

  set(key: string, value: string): Entry {
    return this.command(batch(set(key, value)))
  }

  noop(): Entry {
    return { index: ++this.index, term: this.term, kind: 'noop', payload: new Uint8Array(0) }
  }

  membership(membership: Membership): Entry {
    return { index: ++this.index, term: this.term, kind: 'membership', payload: encodeMembership(membership), membership }
  }
}

/** What the entries answer, none of them with a refusal. */
export function answers(machine: StateEngine, entries: readonly Entry[]): (WriteResult | null)[] {
  return machine.apply(entries).results.map((result) => {
    if (result instanceof AspenError) throw result
    return result
  })
}

/** The code with which each entry is refused; null for those that are not. */
export function refusals(machine: StateEngine, entries: readonly Entry[]): (ErrorCode | null)[] {
  return machine.apply(entries).results.map((result) => (result instanceof AspenError ? result.code : null))
}

/** Every row, page by page. */
export function allRows(machine: StateEngine, pageSize = 1000): KeyValue[] {
  const rows: KeyValue[] = []
  let start: Uint8Array = new Uint8Array(0)
  for (;;) {
    const page = machine.scan({ start, end: null }, pageSize, 64 * 1024 * 1024)
    rows.push(...page.rows)
    const last = page.rows.at(-1)
    if (!page.more || last === undefined) return rows
    start = Uint8Array.of(...last.key, 0)
  }
}

/** A row in plain values, the same from every implementation. */
export function plainRow(row: KeyValue | null | undefined): unknown {
  if (row === null || row === undefined) return null
  const { createRevision, modRevision, version } = row
  return { key: hex(row.key), value: hex(row.value), createRevision, modRevision, version }
}

/** The whole state in plain values. */
export function plainState(machine: StateEngine): unknown {
  return { info: machine.info(), digest: machine.digest(), rows: allRows(machine).map(plainRow) }
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex')
}

/** Copies a snapshot from one store into another, chunk by chunk. */
export async function transfer(
  from: SnapshotFiles,
  to: SnapshotFiles,
  snapshot: StoredSnapshot,
  chunk = 64 * 1024,
): Promise<void> {
  for (let position = to.receive(snapshot); position < snapshot.sizeBytes; position = to.receive(snapshot)) {
    const piece = await settled<Uint8Array>((done) => from.read(snapshot.id, position, chunk, done))
    await settled((done) => to.write(snapshot.id, position, piece, done))
  }
  await settled((done) => to.finish(snapshot.id, done))
}

/** Runs a test on a machine of its own. */
export type WithMachine = (use: (opened: OpenedState) => Promise<void> | void) => () => Promise<void>

export function rowOf(machine: StateEngine, key: string): { value: string; revisions: number[] } | undefined {
  const row = machine.get(bytes(key))
  return row && { value: Buffer.from(row.value).toString(), revisions: [row.createRevision, row.modRevision, row.version] }
}

export function plainResults(result: WriteResult | null | undefined): unknown {
  return result?.txn?.results.map((one) => (one.type === 'get' ? plainRow(one.entry) : one))
}
