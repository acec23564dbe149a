import { LaterVersion } from '../commands/index.ts'
import { unreachable, WireError } from '../lib/index.ts'
import type { AppendRequest, AppendResponse, LogId, Message, VoteRequest } from '../raft/index.ts'
import { readEntries, writeEntries } from './append-codec.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'
import { isLogId, readLogId, writeLogId } from './log-id-codec.ts'
import { readSnapshotMeta, writeSnapshotMeta } from './snapshot-codec.ts'

/** The byte that names a message. Codes are never used again for something else. */
const CODES: Readonly<Record<Message['type'], number>> = {
  vote: 1,
  'vote-response': 2,
  append: 3,
  'append-response': 4,
  heartbeat: 5,
  'heartbeat-response': 6,
  snapshot: 7,
  'timeout-now': 8,
  'read-index': 9,
  'read-index-response': 10,
}

const FIRST_FLAG = 1
const SECOND_FLAG = 2

export function raftMessageCode(type: Message['type']): number {
  return CODES[type]
}

export function writeRaftMessage(writer: ByteWriter, message: Message): void {
  const problem = messageProblem(message)
  if (problem !== undefined) throw new WireError(`invalid ${message.type} message: ${problem}`)
  writer.varint(message.from)
  writer.varint(message.to)
  writer.varint(message.term)
  writeBody(writer, message)
}

/** The message of a code, or undefined when the code names none, for a program that can apply versions up to `ownVersion`. */
export function readRaftMessage(reader: ByteReader, code: number, ownVersion: number): Message | undefined {
  if (code < CODES.vote || code > CODES['read-index-response']) return undefined
  const head: ReadHead = { from: reader.varint(), to: reader.varint(), term: reader.varint(), ownVersion }
  const message = readWhole(reader, code, head)
  const problem = messageProblem(message)
  if (problem !== undefined) reader.fail(`invalid ${message.type} message: ${problem}`)
  return message
}

type Head = Pick<Message, 'from' | 'to' | 'term'>

interface ReadHead extends Head {
  /** The version that the reader can apply. */
  readonly ownVersion: number
}

/** A leader has sent entries that only a later version can know. Who it was is for the receiver to check, before it believes it. */
export class LaterAppendError extends LaterVersion {
  readonly from: number
  readonly to: number
  readonly term: number

  constructor(cause: LaterVersion, { from, to, term }: Head) {
    super(`an append of node ${from} with an entry that`, cause.needs, cause.knows)
    this.from = from
    this.to = to
    this.term = term
  }
}

function readWhole(reader: ByteReader, code: number, head: ReadHead): Message {
  try {
    return readBody(reader, code, head)
  } catch (error) {
    throw error instanceof LaterVersion ? new LaterAppendError(error, head) : error
  }
}

function messageProblem(message: Message): string | undefined {
  const { from, to, term } = message
  if (!(from >= 1 && to >= 1 && from !== to)) return `it goes from node ${from} to node ${to}`
  switch (message.type) {
    case 'vote':
      return termProblem(term) ?? positionProblem(message.lastLog, term)
    case 'append':
      return termProblem(term) ?? positionProblem(message.prev, term) ?? entriesProblem(message)
    case 'append-response':
      return positionProblem(message.hint, term) ?? verdictProblem(message)
    case 'snapshot':
      return positionProblem(message.snapshot.last, term)
    case 'heartbeat':
    case 'timeout-now':
      return termProblem(term)
    case 'vote-response':
    case 'heartbeat-response':
    case 'read-index':
    case 'read-index-response':
      return undefined
    default:
      return unreachable(message)
  }
}

/** Whoever leads or campaigns does so in a term. */
function termProblem(term: number): string | undefined {
  return term >= 1 ? undefined : `its term is ${term}`
}

function positionProblem(position: LogId, term: number): string | undefined {
  if (!isLogId(position)) return `there is no position with term ${position.term} and index ${position.index}`
  return position.term <= term ? undefined : `its position has term ${position.term}, the message ${term}`
}

function verdictProblem({ success, rejected }: AppendResponse): string | undefined {
  return success && rejected !== 0 ? `it agrees and rejects index ${rejected}` : undefined
}

function entriesProblem({ count, entries, term }: AppendRequest): string | undefined {
  if (count !== entries.length) return `it announces ${count} entries and carries ${entries.length}`
  const lastTerm = entries.at(-1)?.term ?? 0
  return lastTerm <= term ? undefined : `an entry has term ${lastTerm}, the message ${term}`
}

function writeBody(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'vote':
      writer.u8(flags(message.preVote, message.transfer))
      return writeLogId(writer, message.lastLog)
    case 'vote-response':
      return writer.u8(flags(message.preVote, message.granted))
    case 'append':
      return writeAppend(writer, message)
    case 'append-response':
      return writeAppendResponse(writer, message)
    case 'heartbeat':
      writer.varint(message.commit)
      return writeRound(writer, message)
    case 'heartbeat-response':
      return writeRound(writer, message)
    case 'snapshot':
      return writeSnapshotMeta(writer, message.snapshot)
    case 'timeout-now':
      return
    case 'read-index':
      writer.varint(message.incarnation)
      return writer.varint(message.context)
    case 'read-index-response':
      writer.varint(message.incarnation)
      writer.varint(message.context)
      return writer.varint(message.index)
    default:
      return unreachable(message)
  }
}

function readBody(reader: ByteReader, code: number, head: ReadHead): Message {
  const { from, to, term } = head
  switch (code) {
    case CODES.vote:
      return readVote(reader, head)
    case CODES['vote-response']: {
      const bits = readFlags(reader, 2)
      return { type: 'vote-response', from, to, term, preVote: (bits & FIRST_FLAG) !== 0, granted: (bits & SECOND_FLAG) !== 0 }
    }
    case CODES.append:
      return readAppend(reader, head)
    case CODES['append-response']:
      return readAppendResponse(reader, head)
    case CODES.heartbeat:
      return { type: 'heartbeat', from, to, term, commit: reader.varint(), incarnation: reader.varint(), round: reader.varint() }
    case CODES['heartbeat-response']:
      return { type: 'heartbeat-response', from, to, term, incarnation: reader.varint(), round: reader.varint() }
    case CODES.snapshot:
      return { type: 'snapshot', from, to, term, snapshot: readSnapshotMeta(reader) }
    case CODES['timeout-now']:
      return { type: 'timeout-now', from, to, term }
    case CODES['read-index']:
      return { type: 'read-index', from, to, term, incarnation: reader.varint(), context: reader.varint() }
    default: {
      const [incarnation, context, index] = [reader.varint(), reader.varint(), reader.varint()]
      return { type: 'read-index-response', from, to, term, incarnation, context, index }
    }
  }
}

function flags(first: boolean, second: boolean): number {
  return (first ? FIRST_FLAG : 0) | (second ? SECOND_FLAG : 0)
}

function readFlags(reader: ByteReader, count: number): number {
  return reader.byteBelow(2 ** count, 'set of flags')
}

function writeRound(writer: ByteWriter, { incarnation, round }: { readonly incarnation: number; readonly round: number }): void {
  writer.varint(incarnation)
  writer.varint(round)
}

function readVote(reader: ByteReader, { from, to, term }: Head): VoteRequest {
  const bits = readFlags(reader, 2)
  const [preVote, transfer] = [(bits & FIRST_FLAG) !== 0, (bits & SECOND_FLAG) !== 0]
  return { type: 'vote', from, to, term, preVote, lastLog: readLogId(reader), transfer }
}

function writeAppend(writer: ByteWriter, message: AppendRequest): void {
  writeLogId(writer, message.prev)
  writer.varint(message.commit)
  writeRound(writer, message)
  writeEntries(writer, message.prev, message.entries)
}

function readAppend(reader: ByteReader, { from, to, term, ownVersion }: ReadHead): AppendRequest {
  const prev = readLogId(reader)
  const [commit, incarnation, round] = [reader.varint(), reader.varint(), reader.varint()]
  const entries = readEntries(reader, { prev, maxTerm: term, ownVersion })
  return { type: 'append', from, to, term, prev, count: entries.length, entries, commit, incarnation, round }
}

function writeAppendResponse(writer: ByteWriter, message: AppendResponse): void {
  writer.u8(flags(message.success, false))
  writer.varint(message.match)
  writer.varint(message.rejected)
  writeLogId(writer, message.hint)
  writeRound(writer, message)
}

function readAppendResponse(reader: ByteReader, { from, to, term }: Head): AppendResponse {
  const success = readFlags(reader, 1) !== 0
  const [match, rejected] = [reader.varint(), reader.varint()]
  const hint = readLogId(reader)
  const [incarnation, round] = [reader.varint(), reader.varint()]
  return { type: 'append-response', from, to, term, success, match, rejected, hint, incarnation, round }
}
