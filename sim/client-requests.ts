/** What the clients of a simulated cluster ask for, and what each answer says about the keys it concerns. */
import { toKey } from '../src/api/index.ts'
import { encodeEnvelope, toCommand } from '../src/commands/index.ts'
import type { KeyValue, KeyValueStore, WriteCommand, WriteOptions, WriteResult } from '../src/api/index.ts'
import { utf8Decode } from '../src/lib/index.ts'
import type { RaftHandle } from '../src/node/index.ts'
import type { StateMachine } from '../src/ports/index.ts'
import type { Reply } from '../src/replica/index.ts'
import type { RecordedOperation } from '../test/linearizability/index.ts'

const SCAN_LIMIT = 1000

/** One key's part in a request, for the checker. */
export type Observation = Pick<RecordedOperation, 'key' | 'type' | 'value' | 'outcome'>

export type Answer = (error: Error | undefined, observed: readonly Observation[], result?: WriteResult) => void

/** What an answer says. */
export interface Answered {
  readonly observed: readonly Observation[]
  readonly result?: WriteResult
}

export interface ClientRequest {
  readonly type: 'read' | 'scan' | 'write' | 'delete' | 'transaction'
  readonly keys: readonly string[]
  readonly value: string | null
  /** What is observed when it fails, or nobody learns what became of it. */
  readonly blank: (outcome: 'failed' | 'unknown') => readonly Observation[]
  /** Called in an event of the process that is asked; `deadline` is a time of its clock. */
  readonly send: (raft: RaftHandle, deadline: number, answer: Answer) => void
  /** Asks through the public interface; an origin matters to a write alone. */
  readonly call: (store: KeyValueStore, options: WriteOptions) => Promise<Answered>
}

function textOf(entry: { readonly value: Uint8Array } | null | undefined): string | null {
  return entry === null || entry === undefined ? null : (utf8Decode(entry.value) ?? '')
}

function observeRead(key: string, value: string | null): Observation[] {
  return [{ key, type: 'read', value, outcome: 'ok' }]
}

function observeScan(keys: readonly string[], entries: readonly KeyValue[]): Observation[] {
  const found = new Map(entries.map((entry) => [utf8Decode(entry.key) ?? '', textOf(entry)]))
  return keys.map((key) => ({ key, type: 'read', value: found.get(key) ?? null, outcome: 'ok' }))
}

export function readRequest(key: string): ClientRequest {
  return {
    type: 'read',
    keys: [key],
    value: null,
    blank: (outcome) => [{ key, type: 'read', value: null, outcome }],
    send: (raft, deadline, answer) => {
      readState(raft, deadline, answer, (state) => observeRead(key, textOf(state.get(toKey(key)))))
    },
    call: async (store, options) => ({ observed: observeRead(key, textOf(await store.read(key, options))) }),
  }
}

/** All keys at one moment: to the checker a read of each. */
export function scanRequest(keys: readonly string[]): ClientRequest {
  return {
    type: 'scan',
    keys,
    value: null,
    blank: () => [],
    send: (raft, deadline, answer) => {
      readState(raft, deadline, answer, (state) => {
        const { rows } = state.scan({ start: new Uint8Array(0), end: null }, SCAN_LIMIT, Number.MAX_SAFE_INTEGER)
        return observeScan(keys, rows)
      })
    },
    call: async (store, options) => {
      const { entries } = await store.scan({ limit: SCAN_LIMIT }, options)
      return { observed: observeScan(keys, entries) }
    },
  }
}

/** As the public interface reads: once it may be, from whatever state there is then. */
function readState(
  raft: RaftHandle,
  deadline: number,
  answer: Answer,
  observe: (state: StateMachine) => readonly Observation[],
): void {
  const reply = (error: Error | undefined): void => {
    if (error === undefined) answer(undefined, raft.readState(observe))
    else answer(error, [])
  }
  raft.send({ type: 'Read', deadline, reply })
}

function sendCommand(command: WriteCommand, raft: RaftHandle, deadline: number, answer: Answer, observe: Observe): void {
  const envelope = encodeEnvelope({ origin: null, command: toCommand(command) })
  const reply: Reply<WriteResult> = (error, result) => {
    if (result === undefined) answer(error ?? new Error('a write was answered with nothing'), [])
    else answer(undefined, observe(result), result)
  }
  raft.send({ type: 'Write', envelope, deadline, reply })
}

type Observe = (result: WriteResult) => readonly Observation[]

function commandCall(command: WriteCommand, observe: Observe): ClientRequest['call'] {
  return async (store, options) => {
    const result = await store.write(command, options)
    return { observed: observe(result), result }
  }
}

/** `value` null deletes the key. */
export function writeRequest(key: string, value: string | null): ClientRequest {
  const type = value === null ? 'delete' : 'write'
  const observation = (outcome: Observation['outcome']): Observation[] => [{ key, type, value, outcome }]
  const command: WriteCommand = value === null ? { Delete: { key } } : { Set: { key, value } }
  return {
    type,
    keys: [key],
    value,
    blank: observation,
    send: (raft, deadline, answer) => sendCommand(command, raft, deadline, answer, () => observation('ok')),
    call: commandCall(command, () => observation('ok')),
  }
}

/**
 * Puts `value` in the place of `expected`, and reads what is there when it is something else. Done, it counts as a read and
 * a write within the same time; that nobody else replaced the same value is checked apart.
 */
export function transactionRequest(key: string, expected: string | null, value: string): ClientRequest {
  const condition = expected === null ? { key, absent: true } : { key, value: expected }
  const command: WriteCommand = {
    Txn: { compare: [condition], then: [{ Set: { key, value } }], else: [{ Get: { key } }] },
  }
  const observe: Observe = ({ txn }) => {
    if (txn?.succeeded === true) {
      return [
        { key, type: 'read', value: expected, outcome: 'ok' },
        { key, type: 'write', value, outcome: 'ok' },
      ]
    }
    const [first] = txn?.results ?? []
    return observeRead(key, textOf(first?.type === 'get' ? first.entry : null))
  }
  return {
    type: 'transaction',
    keys: [key],
    value,
    blank: (outcome) => [{ key, type: 'write', value, outcome }],
    send: (raft, deadline, answer) => sendCommand(command, raft, deadline, answer, observe),
    call: commandCall(command, observe),
  }
}
