import { LANGUAGE } from '../commands/index.ts'
import { ByteReader, ByteWriter, COPY_LIMIT, unreachable, WireError } from '../lib/index.ts'
import { MAX_RPC_MESSAGE_SIZE } from '../limits.ts'
import { readDigests, readVerdict, readWanted, writeDigests, writeVerdict, writeWanted } from './digest-codec.ts'
import { readForward, readForwardAnswer, readForwardError, writeForward, writeForwardReply } from './forward-codec.ts'
import type { PeerMessage, SnapshotChunk, SnapshotProgress } from './peer-message.ts'
import { GROUP, readGroup, UnknownMessageError } from './route.ts'
import { readReminder, writeReminder } from './reminder-codec.ts'
import { raftMessageCode, readRaftMessage, writeRaftMessage } from './raft-message-codec.ts'
import { readSnapshotId, readStoredSnapshot, writeSnapshotId, writeStoredSnapshot } from './snapshot-codec.ts'

// The byte behind the group. 1 to 31 belong to consensus.
const FORWARD = 32
const FORWARD_ANSWER = 33
const FORWARD_ERROR = 34
const SNAPSHOT_CHUNK = 48
const SNAPSHOT_PROGRESS = 49
const STATE_DIGESTS = 64
const DIGEST_VERDICT = 65
const SNAPSHOT_WANTED = 66
const REMINDER = 67

/** Enough for everything in a message but payloads, in most messages; the writer grows for the rest. */
const HEADER_CAPACITY = 64

/**
 * A message as bytes, in parts to be joined: one part, unless it carries large payloads. Those are not copied and
 * must not change until they are sent.
 * @throws WireError when the message breaks what its type promises or passes MAX_RPC_MESSAGE_SIZE
 */
export function encodePeerMessage(message: PeerMessage): Uint8Array[] {
  const writer = new ByteWriter(HEADER_CAPACITY + copiedPayload(message))
  writer.varint(GROUP)
  writer.u8(messageCode(message))
  writeMessage(writer, message)
  if (writer.size > MAX_RPC_MESSAGE_SIZE) {
    throw new WireError(`the ${message.type} message has ${writer.size} bytes: at most ${MAX_RPC_MESSAGE_SIZE} are allowed`)
  }
  return writer.finishParts()
}

/**
 * Payloads and bodies of the result are views of `bytes`. `ownVersion` is what the reader can apply: entries of a later one are refused.
 * @throws WireError for what is malformed; LaterAppendError for entries that need a later version; {@link UnknownMessageError} for a group or a message that this version does not know
 */
export function decodePeerMessage(bytes: Uint8Array, ownVersion: number = LANGUAGE.version): PeerMessage {
  const reader = new ByteReader(bytes, 'peer message')
  if (bytes.length > MAX_RPC_MESSAGE_SIZE) reader.fail(`at most ${MAX_RPC_MESSAGE_SIZE} bytes are allowed`)
  readGroup(reader)
  const message = readMessage(reader, ownVersion)
  reader.expectEnd()
  return message
}

/** Bytes of payload that the writer will copy, and a few for the size of each. */
function copiedPayload(message: PeerMessage): number {
  if (message.type !== 'raft' || message.message.type !== 'append') return 0
  let size = 0
  for (const { payload } of message.message.entries) size += 2 + (payload.length <= COPY_LIMIT ? payload.length : 0)
  return size
}

function messageCode(message: PeerMessage): number {
  switch (message.type) {
    case 'raft':
      return raftMessageCode(message.message.type)
    case 'forward':
      return FORWARD
    case 'forward-reply':
      return message.ok ? FORWARD_ANSWER : FORWARD_ERROR
    case 'snapshot-chunk':
      return SNAPSHOT_CHUNK
    case 'snapshot-progress':
      return SNAPSHOT_PROGRESS
    case 'state-digests':
      return STATE_DIGESTS
    case 'digest-verdict':
      return DIGEST_VERDICT
    case 'snapshot-wanted':
      return SNAPSHOT_WANTED
    case 'reminder':
      return REMINDER
    default:
      return unreachable(message)
  }
}

function writeMessage(writer: ByteWriter, message: PeerMessage): void {
  switch (message.type) {
    case 'raft':
      return writeRaftMessage(writer, message.message)
    case 'forward':
      return writeForward(writer, message)
    case 'forward-reply':
      return writeForwardReply(writer, message)
    case 'snapshot-chunk':
      return writeChunk(writer, message)
    case 'snapshot-progress':
      return writeProgress(writer, message)
    case 'state-digests':
      return writeDigests(writer, message)
    case 'digest-verdict':
      return writeVerdict(writer, message)
    case 'snapshot-wanted':
      return writeWanted(writer, message)
    case 'reminder':
      return writeReminder(writer, message)
    default:
      return unreachable(message)
  }
}

function readMessage(reader: ByteReader, ownVersion: number): PeerMessage {
  const code = reader.u8()
  switch (code) {
    case FORWARD:
      return readForward(reader)
    case FORWARD_ANSWER:
      return readForwardAnswer(reader)
    case FORWARD_ERROR:
      return readForwardError(reader)
    case SNAPSHOT_CHUNK:
      return readChunk(reader)
    case SNAPSHOT_PROGRESS:
      return readProgress(reader)
    case STATE_DIGESTS:
      return readDigests(reader)
    case DIGEST_VERDICT:
      return readVerdict(reader)
    case SNAPSHOT_WANTED:
      return readWanted(reader)
    case REMINDER:
      return readReminder(reader)
    default: {
      const message = readRaftMessage(reader, code, ownVersion)
      if (message === undefined) throw new UnknownMessageError('message', code)
      return { type: 'raft', message }
    }
  }
}

function chunkProblem({ from, term, snapshot, position, bytes }: SnapshotChunk): string | undefined {
  if (from < 1 || term < snapshot.last.term) {
    return `node ${from} of term ${term} offers a snapshot of term ${snapshot.last.term}`
  }
  if (position + bytes.length <= snapshot.sizeBytes) return undefined
  return `${bytes.length} bytes at ${position} pass the end of a snapshot of ${snapshot.sizeBytes}`
}

function writeChunk(writer: ByteWriter, message: SnapshotChunk): void {
  const problem = chunkProblem(message)
  if (problem !== undefined) throw new WireError(`invalid snapshot chunk: ${problem}`)
  writer.varint(message.from)
  writer.varint(message.term)
  writeStoredSnapshot(writer, message.snapshot)
  writer.varint(message.position)
  writer.payload(message.bytes)
}

function readChunk(reader: ByteReader): SnapshotChunk {
  const [from, term] = [reader.varint(), reader.varint()]
  const snapshot = readStoredSnapshot(reader)
  const message: SnapshotChunk = { type: 'snapshot-chunk', from, term, snapshot, position: reader.varint(), bytes: reader.rest() }
  const problem = chunkProblem(message)
  if (problem !== undefined) reader.fail(problem)
  return message
}

function writeProgress(writer: ByteWriter, { from, term, id, received }: SnapshotProgress): void {
  if (from < 1) throw new WireError(`invalid snapshot progress: it comes from node ${from}`)
  writer.varint(from)
  writer.varint(term)
  writeSnapshotId(writer, id)
  writer.varint(received)
}

function readProgress(reader: ByteReader): SnapshotProgress {
  const from = reader.varintWithin(1, Number.MAX_SAFE_INTEGER, 'sender')
  return { type: 'snapshot-progress', from, term: reader.varint(), id: readSnapshotId(reader), received: reader.varint() }
}
