/** Values of every type that has an encoding, for the property and fuzz tests of this folder. It has no tests of its own. */
import fc from 'fast-check'
import { ERROR_CATALOGUE } from '../api/index.ts'
import type { ClientSequence, ErrorCode, KeyValue, OperationResult, WriteResult } from '../api/index.ts'
import type { Condition, Envelope, Operation } from '../commands/index.ts'
import type { StoredSnapshot } from '../ports/index.ts'
import type { AppendRequest, Entry, LogId, Member, Membership, Message, SnapshotMeta } from '../raft/index.ts'
import { encodeMembership } from './index.ts'
import type { ForwardReply, PeerMessage, SnapshotChunk } from './index.ts'

type Arb<T> = fc.Arbitrary<T>

const MAX = Number.MAX_SAFE_INTEGER

/** Small, at the edges of the varint sizes, and anything. */
export const number: Arb<number> = fc.oneof(
  fc.nat(3),
  fc.nat(300),
  fc
    .integer({ min: 1, max: 8 })
    .chain((septets) => fc.integer({ min: -2, max: 1 }).map((d) => Math.min(MAX, 2 ** Math.min(53, 7 * septets) + d))),
  fc.maxSafeNat(),
)
const positive: Arb<number> = number.map((n) => Math.max(1, n))

function bytes(minLength: number, maxLength: number): Arb<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength })
}

/** Mostly small; now and then past the size up to which payloads are copied. */
const payload: Arb<Uint8Array> = fc.oneof(
  { weight: 9, arbitrary: bytes(0, 40) },
  { weight: 1, arbitrary: fc.integer({ min: 4090, max: 9000 }).map((length) => new Uint8Array(length).fill(length)) },
)
const key = bytes(1, 20)
const value = payload

/** Objects as the decoders make them, with a prototype. */
function record<T extends object>(model: { [K in keyof T]: Arb<T[K]> }): Arb<T> {
  return fc.record(model, { noNullPrototype: true }) as Arb<T>
}

const operation: Arb<Operation> = fc.oneof(
  record({ type: fc.constant('set' as const), key, value }),
  record({ type: fc.constant('delete' as const), key }),
  record({ type: fc.constant('get' as const), key }),
)
const condition: Arb<Condition> = fc.oneof(
  record({ type: fc.constant('value' as const), key, value }),
  record({ type: fc.constant('mod-revision' as const), key, modRevision: number }),
  record({ type: fc.constant('absent' as const), key, absent: fc.boolean() }),
)
const origin: Arb<ClientSequence> = record({
  client: fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
    .filter((text) => new TextEncoder().encode(text).length <= 64),
  sequence: positive,
})
const batch = fc.array(
  operation.filter((o) => o.type !== 'get'),
  { minLength: 1, maxLength: 100 },
)
const lists = { maxLength: 10 }
const txn = record({
  type: fc.constant('txn' as const),
  compare: fc.array(condition, lists),
  then: fc.array(operation, lists),
  else: fc.array(operation, lists),
}).filter((t) => t.compare.length + t.then.length + t.else.length > 0)

export const envelope: Arb<Envelope> = record({
  origin: fc.option(origin),
  command: fc.oneof(record({ type: fc.constant('batch' as const), operations: batch }), txn),
  wantsRevision: fc.boolean(),
  elapsedMs: fc.constant(0),
})

const keyValue: Arb<KeyValue> = record({ key, value, createRevision: positive, modRevision: positive, version: positive }).map(
  (kv) => ({ ...kv, modRevision: Math.max(kv.createRevision, kv.modRevision) }),
)
const operationResult: Arb<OperationResult> = fc.oneof(
  fc.constant({ type: 'set' as const }),
  record({ type: fc.constant('delete' as const), deleted: fc.boolean() }),
  record({ type: fc.constant('get' as const), entry: fc.option(keyValue) }),
)
export const writeResult: Arb<WriteResult> = fc.record(
  {
    logId: record({ term: positive, index: positive }),
    revision: positive,
    txn: record({ succeeded: fc.boolean(), results: fc.array(operationResult, { maxLength: 20 }) }),
  },
  { requiredKeys: ['logId'], noNullPrototype: true },
)

const hex32: Arb<string> = bytes(32, 32).map((b) => b.toHex())
const address = fc.string({ minLength: 1, maxLength: 30 })
const ids = { maxLength: 5, comparator: (a: number, b: number) => a === b }

function sorted(list: readonly number[]): number[] {
  return list.toSorted((a, b) => a - b)
}

export const membership: Arb<Membership> = fc
  .tuple(
    fc.uniqueArray(positive, { ...ids, minLength: 1 }),
    fc.uniqueArray(positive, ids),
    fc.uniqueArray(positive, ids),
    fc.uniqueArray(fc.tuple(hex32, fc.array(address, { maxLength: 3 })), {
      minLength: 15,
      maxLength: 15,
      selector: ([hex]) => hex,
    }),
  )
  .map(([voters, outgoing, others, identities]) => {
    const learners = others.filter((id) => !voters.includes(id))
    const members = sorted([...new Set([...voters, ...outgoing, ...learners])]).map((id, i): Member => {
      const [endpointId, addresses] = identities[i] as [string, string[]]
      return { id, endpointId, addresses }
    })
    return { voters: sorted(voters), outgoing: sorted(outgoing), learners: sorted(learners), members }
  })

const addressed = record({ from: positive, to: positive, term: positive }).map((a) =>
  a.from === a.to ? { ...a, to: a.from === 1 ? 2 : 1 } : a,
)

/** A position of a term up to the given one. */
function position(maxTerm: number): Arb<LogId> {
  return fc.oneof(
    fc.constantFrom({ term: 0, index: 0 }, { term: 0, index: 1 }),
    record({ term: fc.integer({ min: 1, max: maxTerm }), index: positive }),
  )
}

const kinds = fc.oneof(
  payload.map((bytes) => ({ kind: 'command' as const, payload: bytes })),
  fc.constant({ kind: 'noop' as const, payload: new Uint8Array() }),
  membership.map((m) => ({ kind: 'membership' as const, payload: encodeMembership(m), membership: m })),
)

function entries(prev: LogId, maxTerm: number): Arb<Entry[]> {
  const steps = fc.array(fc.tuple(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3)), kinds), { maxLength: 12 })
  return steps.map((list) => {
    let { term } = prev
    return list.slice(0, Math.min(list.length, MAX - prev.index)).map(([step, entry], i) => {
      const index = prev.index + 1 + i
      // Only the founding configuration, the first entry of all, may have term 0.
      term = Math.min(maxTerm, Math.max(index === 1 ? 0 : 1, term + step))
      return { index, term, ...entry }
    })
  })
}

const round = { incarnation: number, round: number }

const append: Arb<AppendRequest> = addressed.chain((head) =>
  position(head.term).chain((prev) =>
    record({ entries: entries(prev, head.term), commit: number, ...round }).map((rest) => ({
      type: 'append' as const,
      ...head,
      prev,
      count: rest.entries.length,
      ...rest,
    })),
  ),
)

const snapshotMeta: Arb<SnapshotMeta> = record({ term: positive, index: positive, membership, membershipIndex: number }).map(
  ({ term, index, membership: m, membershipIndex }) => ({
    last: { term, index },
    membership: m,
    membershipIndex: Math.min(index, membershipIndex),
  }),
)

/** The rest of a message after its addresses; `term` raises the term to what the rest needs. */
function message<T extends Message['type']>(
  type: T,
  rest: Arb<Omit<Extract<Message, { type: T }>, 'type' | 'from' | 'to' | 'term'>>,
): Arb<Message> {
  return fc.tuple(addressed, rest).map(([head, body]) => ({ type, ...head, ...body }) as unknown as Message)
}

export const raftMessage: Arb<Message> = fc.oneof(
  addressed.chain((head) =>
    record({ preVote: fc.boolean(), lastLog: position(head.term), transfer: fc.boolean() }).map((rest) => ({
      type: 'vote' as const,
      ...head,
      ...rest,
    })),
  ),
  message('vote-response', record({ preVote: fc.boolean(), granted: fc.boolean() })),
  append,
  addressed.chain((head) =>
    record({ success: fc.boolean(), match: number, rejected: number, hint: position(head.term), ...round }).map((rest) => ({
      type: 'append-response' as const,
      ...head,
      ...rest,
      rejected: rest.success ? 0 : rest.rejected,
    })),
  ),
  message('heartbeat', record({ commit: number, ...round })),
  message('heartbeat-response', record(round)),
  fc
    .tuple(addressed, snapshotMeta)
    .map(([head, snapshot]) => ({ type: 'snapshot' as const, ...head, term: Math.max(head.term, snapshot.last.term), snapshot })),
  message('timeout-now', fc.constant({})),
  message('read-index', record({ incarnation: number, context: number })),
  message('read-index-response', record({ incarnation: number, context: number, index: number })),
)

const snapshotId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/)
const storedSnapshot: Arb<StoredSnapshot> = fc
  .tuple(
    snapshotMeta,
    record({
      id: snapshotId,
      clusterId: fc.string({ minLength: 1, maxLength: 40 }),
      clusterVersion: fc.integer({ min: 1, max: 255 }),
      sizeBytes: fc.integer({ min: 10_000, max: MAX }),
      digest: hex32,
    }),
  )
  .map(([meta, rest]) => ({ ...meta, ...rest }))
const chunk: Arb<SnapshotChunk> = record({
  from: positive,
  extra: fc.nat(9),
  snapshot: storedSnapshot,
  position: number,
  bytes: payload,
}).map(({ from, extra, snapshot, position: at, bytes: piece }) => ({
  type: 'snapshot-chunk' as const,
  from,
  term: Math.min(MAX, snapshot.last.term + extra),
  snapshot,
  position: Math.min(at, snapshot.sizeBytes - piece.length),
  bytes: piece,
}))

const json = fc.dictionary(
  fc.string({ maxLength: 5 }).filter((name) => name !== '__proto__'),
  fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constant(null), fc.array(fc.integer())),
  { noNullPrototype: true },
)
const reply: Arb<ForwardReply> = fc.oneof(
  record({ type: fc.constant('forward-reply' as const), id: number, ok: fc.constant(true as const), body: payload }),
  record({
    type: fc.constant('forward-reply' as const),
    id: number,
    ok: fc.constant(false as const),
    code: fc.constantFrom(...(Object.keys(ERROR_CATALOGUE) as ErrorCode[])),
    message: fc.string({ unit: 'grapheme' }),
    details: json,
  }),
)

export const peerMessage: Arb<PeerMessage> = fc.oneof(
  { weight: 10, arbitrary: raftMessage.map((m) => ({ type: 'raft' as const, message: m })) },
  record({
    type: fc.constant('forward' as const),
    id: number,
    operation: fc.constantFrom('write' as const, 'admin' as const, 'found' as const),
    timeoutMs: fc.double({ min: 0, max: 1e9, noNaN: true }).map(Math.abs),
    body: payload,
  }),
  reply,
  chunk,
  record({ type: fc.constant('snapshot-progress' as const), from: positive, term: number, id: snapshotId, received: number }),
  record({ type: fc.constant('reminder' as const), from: positive, term: number, held: record({ term: number, index: number }) }),
)
