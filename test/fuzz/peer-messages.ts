/** Messages between members as one of them might make them up: right in form, and near the truth in what they say. */
import { chance, pick, randomBetween, utf8Encode } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Entry, LogId, Message } from '../../src/raft/index.ts'
import type { ReplicaView } from '../../src/replica/replica-view.ts'
import { encodeMembership, encodePeerMessage, WireError } from '../../src/wire/index.ts'
import { encodeEnvelope } from '../../src/commands/index.ts'
import type { PeerMessage } from '../../src/wire/index.ts'
import { envelope } from '../replica/world.ts'
import { randomBytes } from './mutate-bytes.ts'

/** What a liar says in a refusal, and nobody else. */
export const LIARS_WORDS = 'no, says the liar'

const HUGE = [2 ** 31, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]

/** What a liar knows of the node it speaks to. */
export interface Target {
  readonly from: number
  readonly to: number
  readonly view: ReplicaView
  /** The newest incarnation and round that the node has named. */
  readonly incarnation: number
  readonly round: number
  /** The newest question about a read, and the newest forwarded request, that the node has put to it. */
  readonly context: number
  readonly forwarded: number
  /** Whether numbers may be of any size. */
  readonly wild: boolean
}

function near(random: Random, value: number, wild: boolean): number {
  if (wild && chance(random, 0.1)) return pick(random, HUGE)
  return Math.max(0, value + pick(random, [0, 0, 0, 0, -1, 1, 1, 2, -2, 5]))
}

function positionNear(random: Random, { view, wild }: Target, maxTerm: number): LogId {
  const index = near(random, pick(random, [view.lastLog.index, view.commitIndex, 0]), wild)
  return { index, term: index === 0 ? 0 : Math.min(maxTerm, Math.max(1, near(random, view.lastLog.term, wild))) }
}

function payloadOf(random: Random, { view }: Target): Pick<Entry, 'kind' | 'payload' | 'membership'> {
  const kind = pick(random, ['command', 'command', 'command', 'noop', 'membership'] as const)
  if (kind === 'noop') return { kind, payload: new Uint8Array() }
  if (kind === 'membership') return { kind, payload: encodeMembership(view.membership), membership: view.membership }
  return { kind, payload: chance(random, 0.99) ? envelope(`liar ${randomBetween(random, 0, 99)}`) : randomBytes(random, 30) }
}

function entriesAfter(random: Random, target: Target, prev: LogId, term: number): Entry[] {
  return Array.from({ length: randomBetween(random, 0, 3) }, (_, i) => ({
    index: prev.index + 1 + i,
    term: Math.max(1, Math.min(term, prev.term + randomBetween(random, 0, 1))),
    ...payloadOf(random, target),
  }))
}

/** The more a type can break, the oftener. */
const RAFT_TYPES = [
  'vote',
  'vote-response',
  'append',
  'append',
  'append-response',
  'append-response',
  'heartbeat',
  'heartbeat-response',
  'timeout-now',
  'read-index',
  'read-index-response',
] as const

/** What a heartbeat says is committed. A node whose log ends before that has forgotten something and stops, so that is seldom said. */
function commitOnceHeld(random: Random, { view, wild }: Target): number {
  const commit = near(random, view.commitIndex, wild)
  return chance(random, 0.98) ? Math.min(commit, view.lastLog.index) : commit
}

export function raftMessage(random: Random, target: Target): Message {
  const { from, to, view, wild } = target
  const type = pick(random, chance(random, 0.005) ? (['snapshot'] as const) : RAFT_TYPES)
  // A node that leads stops when another one claims to lead the same term, so that is seldom said.
  const claims = (type === 'append' || type === 'heartbeat') && view.role === 'leader' && chance(random, 0.98)
  const said = Math.max(1, near(random, view.term, wild))
  const term = claims && said === view.term ? view.term + pick(random, [-1, 1]) : said
  const head = { from, to, term }
  const incarnation = near(random, target.incarnation, false)
  const round = near(random, target.round, wild)
  const prev = positionNear(random, target, term)
  switch (type) {
    case 'vote':
      return { type: 'vote', ...head, preVote: chance(random, 0.5), lastLog: prev, transfer: chance(random, 0.3) }
    case 'vote-response':
      return { type: 'vote-response', ...head, preVote: chance(random, 0.5), granted: chance(random, 0.7) }
    case 'append': {
      const entries = entriesAfter(random, target, prev, term)
      return {
        type: 'append',
        ...head,
        prev,
        count: entries.length,
        entries,
        commit: near(random, view.commitIndex, wild),
        incarnation,
        round,
      }
    }
    case 'append-response': {
      const success = chance(random, 0.7)
      const match = near(random, view.lastLog.index, wild)
      return {
        type: 'append-response',
        ...head,
        success,
        match,
        rejected: success ? 0 : near(random, view.lastLog.index, wild),
        hint: prev,
        incarnation,
        round,
      }
    }
    case 'heartbeat':
      return { type: 'heartbeat', ...head, commit: commitOnceHeld(random, target), incarnation, round }
    case 'heartbeat-response':
      return { type: 'heartbeat-response', ...head, incarnation, round }
    case 'snapshot': {
      const last = { term: Math.max(1, prev.term), index: Math.max(1, prev.index) }
      return {
        type: 'snapshot',
        ...head,
        term: Math.max(term, last.term),
        snapshot: { last, membership: view.membership, membershipIndex: 1 },
      }
    }
    case 'timeout-now':
      return { type: 'timeout-now', ...head }
    case 'read-index':
      return { type: 'read-index', ...head, incarnation, context: randomBetween(random, 0, 9) }
    case 'read-index-response':
      return {
        type: 'read-index-response',
        ...head,
        incarnation,
        context: near(random, target.context, wild),
        index: near(random, view.commitIndex, wild),
      }
  }
}

function otherMessage(random: Random, target: Target): PeerMessage {
  const { from, view, wild } = target
  const id = chance(random, 0.2) ? randomBetween(random, 0, 5) : near(random, target.forwarded, false)
  const last = {
    term: Math.max(1, near(random, view.lastLog.term, false)),
    index: Math.max(1, near(random, view.lastLog.index, wild)),
  }
  const digest = 'ab'.repeat(32)
  const name = `${String(last.index).padStart(16, '0')}-${last.term}-${digest}.snapshot`
  switch (pick(random, ['forward', 'reply', 'refusal', 'refusal', 'chunk', 'progress', 'reminder'] as const)) {
    case 'forward': {
      const write = chance(random, 0.6)
      const text = pick(random, [
        '{}',
        '{"op":"add-learner","nodeId":9}',
        '{"op":"change-membership","members":[2]}',
        'null',
        '[',
        '{"op":"__proto__"}',
      ])
      const good = encodeEnvelope({
        origin: null,
        command: { type: 'batch', operations: [{ type: 'delete', key: utf8Encode('x') }] },
      })
      const body = chance(random, 0.2) ? randomBytes(random, 40) : write ? good : utf8Encode(text)
      return { type: 'forward', id, operation: write ? 'write' : 'admin', timeoutMs: pick(random, [0, 1, 5000, 1e9]), body }
    }
    case 'reply':
      return { type: 'forward-reply', id, ok: true, body: randomBytes(random, 30) }
    case 'refusal':
      return {
        type: 'forward-reply',
        id,
        ok: false,
        code: pick(random, ['NOT_LEADER', 'OUTCOME_UNKNOWN', 'INTERNAL']),
        message: LIARS_WORDS,
        details: {},
      }
    case 'chunk': {
      const snapshot = {
        id: name,
        clusterId: 'c'.repeat(32),
        last,
        membership: view.membership,
        membershipIndex: 1,
        sizeBytes: pick(random, [100, 5000, 2 ** 40]),
        clusterVersion: 1,
        digest,
      }
      return {
        type: 'snapshot-chunk',
        from,
        term: Math.max(last.term, near(random, view.term, wild)),
        snapshot,
        position: pick(random, [0, 0, 30, 60]),
        bytes: randomBytes(random, 40),
      }
    }
    case 'reminder': {
      // A node that has forgotten a promise stops, so that is seldom said.
      const nothing = chance(random, 0.98)
      const held = nothing ? { term: 0, index: 0 } : last
      return { type: 'reminder', from, term: nothing ? 0 : near(random, view.term, wild), held }
    }
    case 'progress':
      return {
        type: 'snapshot-progress',
        from,
        term: Math.max(1, near(random, view.term, wild)),
        id: name,
        received: near(random, 0, wild),
      }
  }
}

/** The bytes of a message, or undefined when it came out as one that nobody can say. */
export function inventedMessage(random: Random, target: Target): Uint8Array | undefined {
  try {
    const message: PeerMessage = chance(random, 0.85)
      ? { type: 'raft', message: raftMessage(random, target) }
      : otherMessage(random, target)
    return Buffer.concat(encodePeerMessage(message))
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return undefined
  }
}
