/**
 * What two nodes say to each other of their actors, over a channel of their link: batches of statements, each a kind and what it consists of. An odd
 * kind must be understood: who does not know it ends the talk and says so. An even one has its length behind the kind, and
 * is skipped by who does not know it. Within a version a kind keeps its form; the hello keeps its own in all versions, and ends in tagged fields.
 *
 * A stream is how the actors of one node write to one actor of the other, by its name there. Numbers of streams and calls ascend.
 */
import { ByteReader, ByteWriter, readTaggedFields, writeTaggedFields } from '../../lib/index.ts'
import { MAX_ACTOR_MESSAGE_BYTES, MAX_REFUSAL_FACTS_BYTES } from '../../limits.ts'
import type { ActorErrorCode } from '../actor-error.ts'
import { isName } from '../names.ts'
import type { DownReason } from '../target.ts'

export const ACTOR_PROTOCOL = 'aspen/actor/1'
/** Versions of it that this program speaks. */
export const ACTOR_VERSIONS: ActorVersions = { min: 1, max: 1 }
/** A bit for each thing that an end may do or not, beside its version. */
const FEATURES = 0

const KIND = {
  hello: 1,
  bye: 3,
  open: 5,
  close: 7,
  cast: 9,
  call: 11,
  answer: 13,
  refusal: 15,
  credit: 17,
  watch: 19,
  lives: 21,
  group: 23,
} as const

/** The order of these is the wire's: append only. */
const ERROR_CODES: readonly (ActorErrorCode | 'REFUSED')[] = [
  'REFUSED',
  'OVERLOADED',
  'DOWN',
  'CRASHED',
  'DEADLINE_EXCEEDED',
  'UNKNOWN_MESSAGE',
  'UNREACHABLE',
  'UNSENDABLE',
]
/** Where there are no facts. */
export const NO_FACTS: Uint8Array = new Uint8Array(0)

const DOWN_REASONS: readonly DownReason[] = ['stopped', 'crashed', 'killed', 'gone', 'unreachable']

const WORDS_BYTES = 1024
const MESSAGE_NAME_BYTES = 384
const NAME_BYTES = 128
/** The version of a hello, at most, and with it of everything later. */
const LAST_VERSION = 2 ** 16
// Tagged fields of a hello.
const CREDIT_MESSAGES = 2
const CREDIT_BYTES = 4

export interface ActorVersions {
  readonly min: number
  readonly max: number
}

export interface ActorHello {
  readonly versions: ActorVersions
  readonly features: number
  /** Of the sender's talk with this peer, drawn anew for each; and the last that it has heard of the peer, 0 for none. */
  readonly talk: number
  readonly heard: number
  /** What the peer may have on its way to one actor here: messages, and bytes of them. */
  readonly creditMessages: number
  readonly creditBytes: number
}

/** Why a call has no answer; `REFUSED` is a Refusal of the handler. A code of a later version reads as one to be treated alike. */
export interface WireRefusal {
  readonly code: ActorErrorCode | 'REFUSED'
  readonly begun: boolean
  readonly words: string
  /** What a Refusal says beside its words; empty for others. */
  readonly facts: Uint8Array
}

/** How a life ended. */
export interface Ended {
  readonly reason: DownReason
  readonly words: string
}

/** What a peer says. Bytes are views of what was received. */
export interface Listener {
  hello(hello: ActorHello): void
  bye(words: string): void
  open(stream: number, name: string): void
  close(stream: number): void
  cast(stream: number, message: string, body: Uint8Array): void
  call(call: WireCall): void
  answer(id: number, body: Uint8Array): void
  refusal(id: number, refusal: WireRefusal): void
  credit(stream: number, messages: number, bytes: number): void
  watch(stream: number, isOn: boolean): void
  /** The actor of a watched stream lives, when `down` is null. */
  lives(stream: number, down: Ended | null): void
  group(group: string, name: string, isMember: boolean): void
  /** False: nothing more is to be read. */
  readonly listens: boolean
}

// --- What is said ---

export function writeHello(
  writer: ByteWriter,
  { talk, heard, creditMessages, creditBytes }: Omit<ActorHello, 'versions' | 'features'>,
  versions: ActorVersions = ACTOR_VERSIONS,
): void {
  const hello = new ByteWriter()
  hello.varint(versions.min)
  hello.varint(versions.max)
  hello.varint(FEATURES)
  hello.u32(talk)
  hello.u32(heard)
  writeTaggedFields(hello, [
    [CREDIT_MESSAGES, numberField(creditMessages)],
    [CREDIT_BYTES, numberField(creditBytes)],
  ])
  writer.u8(KIND.hello)
  writer.prefixed(hello.finish())
}

export function writeBye(writer: ByteWriter, words: string): void {
  writer.u8(KIND.bye)
  writer.text(shortened(words))
}

export function writeOpen(writer: ByteWriter, stream: number, name: string): void {
  writer.u8(KIND.open)
  writer.varint(stream)
  writer.text(name)
}

export function writeClose(writer: ByteWriter, stream: number): void {
  writer.u8(KIND.close)
  writer.varint(stream)
}

export function writeCast(writer: ByteWriter, stream: number, message: string, body: Uint8Array): void {
  writer.u8(KIND.cast)
  writer.varint(stream)
  writer.text(message)
  writeBody(writer, body)
}

export interface WireCall {
  readonly stream: number
  readonly id: number
  readonly remainingMs: number
  readonly message: string
  readonly body: Uint8Array
}

export function writeCall(writer: ByteWriter, { stream, id, remainingMs, message, body }: WireCall): void {
  writer.u8(KIND.call)
  writer.varint(stream)
  writer.varint(id)
  writer.varint(remainingMs)
  writer.text(message)
  writeBody(writer, body)
}

export function writeAnswer(writer: ByteWriter, id: number, body: Uint8Array): void {
  writer.u8(KIND.answer)
  writer.varint(id)
  writeBody(writer, body)
}

export function writeRefusal(writer: ByteWriter, id: number, { code, begun, words, facts }: WireRefusal): void {
  writer.u8(KIND.refusal)
  writer.varint(id)
  writer.varint(Math.max(0, ERROR_CODES.indexOf(code)))
  writer.u8(begun ? 1 : 0)
  writer.text(shortened(words))
  writer.prefixed(facts)
}

export function writeCredit(writer: ByteWriter, stream: number, messages: number, bytes: number): void {
  writer.u8(KIND.credit)
  writer.varint(stream)
  writer.varint(messages)
  writer.varint(bytes)
}

export function writeWatch(writer: ByteWriter, stream: number, isOn: boolean): void {
  writer.u8(KIND.watch)
  writer.varint(stream)
  writer.u8(isOn ? 1 : 0)
}

export function writeLives(writer: ByteWriter, stream: number, down: Ended | null): void {
  writer.u8(KIND.lives)
  writer.varint(stream)
  writer.varint(down === null ? 0 : 1 + DOWN_REASONS.indexOf(down.reason))
  if (down !== null) writer.text(shortened(down.words))
}

export function writeGroup(writer: ByteWriter, group: string, name: string, isMember: boolean): void {
  writer.u8(KIND.group)
  writer.text(group)
  writer.text(name)
  writer.u8(isMember ? 1 : 0)
}

/** Of any text: at most so long, and valid Unicode. */
function shortened(words: string): string {
  const text = words.toWellFormed()
  return text.length <= WORDS_BYTES / 4 ? text : `${text.slice(0, WORDS_BYTES / 4 - 1).toWellFormed()}…`
}

/** Whether a message may have this name. */
export function isMessageName(message: unknown): message is string {
  return typeof message === 'string' && message.length > 0 && message.length <= MESSAGE_NAME_BYTES / 3 && message.isWellFormed()
}

function writeBody(writer: ByteWriter, body: Uint8Array): void {
  writer.varint(body.length)
  writer.payload(body)
}

function numberField(value: number): Uint8Array {
  const writer = new ByteWriter(8)
  writer.varint(value)
  return writer.finish()
}

// --- What is heard ---

/** Tells a listener everything that a batch says. @throws WireError when it is none, also behind what was told */
export function readBatch(bytes: Uint8Array, listener: Listener): void {
  const reader = new ByteReader(bytes, 'batch of actor messages')
  while (reader.remaining > 0 && listener.listens) readStatement(reader, reader.varint(), listener)
}

function readStatement(reader: ByteReader, kind: number, listener: Listener): void {
  switch (kind) {
    case KIND.call: {
      const stream = reader.varint()
      const id = reader.varint()
      const remainingMs = reader.varint()
      return listener.call({ stream, id, remainingMs, message: readMessageName(reader), body: readBody(reader) })
    }
    case KIND.answer:
      return listener.answer(reader.varint(), readBody(reader))
    case KIND.cast:
      return listener.cast(reader.varint(), readMessageName(reader), readBody(reader))
    case KIND.credit:
      return listener.credit(reader.varint(), reader.varint(), reader.varint())
    case KIND.refusal:
      return listener.refusal(reader.varint(), readRefusal(reader))
    default:
      return readRare(reader, kind, listener)
  }
}

function readRare(reader: ByteReader, kind: number, listener: Listener): void {
  switch (kind) {
    case KIND.hello:
      return listener.hello(readHello(reader.prefixed(0, WORDS_BYTES, 'hello')))
    case KIND.bye:
      return listener.bye(reader.string(0, WORDS_BYTES, 'reason'))
    case KIND.open:
      return listener.open(reader.varint(), readName(reader, 'name of an actor'))
    case KIND.close:
      return listener.close(reader.varint())
    case KIND.watch:
      return listener.watch(reader.varint(), readFlag(reader))
    case KIND.lives:
      return listener.lives(reader.varint(), readDown(reader))
    case KIND.group:
      return listener.group(readName(reader, 'name of a group'), readName(reader, 'name of an actor'), readFlag(reader))
    default:
      if (kind % 2 === 1)
        reader.fail(`a statement of kind ${kind}, which this version of ${ACTOR_PROTOCOL} does not know and may not skip`)
      reader.view(reader.varint())
  }
}

function readHello(bytes: Uint8Array): ActorHello {
  const reader = new ByteReader(bytes, 'hello of actors')
  const min = reader.varintWithin(1, LAST_VERSION, 'lowest version')
  const max = reader.varintWithin(min, LAST_VERSION, 'highest version')
  const features = reader.varint()
  const talk = reader.u32()
  const heard = reader.u32()
  const fields = readTaggedFields(reader, [CREDIT_MESSAGES, CREDIT_BYTES])
  const numberOf = (tag: number): number => {
    const field = new ByteReader(fields.get(tag) ?? Uint8Array.of(0), 'field of a hello')
    const value = field.varint()
    field.expectEnd()
    return value
  }
  if (talk === 0) reader.fail('a talk without a number')
  return {
    versions: { min, max },
    features,
    talk,
    heard,
    creditMessages: numberOf(CREDIT_MESSAGES),
    creditBytes: numberOf(CREDIT_BYTES),
  }
}

function readRefusal(reader: ByteReader): WireRefusal {
  const number = reader.varint()
  const begun = readFlag(reader)
  const code = ERROR_CODES[number] ?? (begun ? 'CRASHED' : 'DOWN')
  const words = reader.string(0, WORDS_BYTES, 'reason')
  return { code, begun, words, facts: reader.prefixed(0, MAX_REFUSAL_FACTS_BYTES, 'facts of a refusal') }
}

function readDown(reader: ByteReader): Ended | null {
  const number = reader.varint()
  if (number === 0) return null
  return { reason: DOWN_REASONS[number - 1] ?? 'crashed', words: reader.string(0, WORDS_BYTES, 'reason') }
}

function readMessageName(reader: ByteReader): string {
  return reader.string(1, MESSAGE_NAME_BYTES, 'name of a message')
}

function readName(reader: ByteReader, what: string): string {
  const name = reader.string(1, NAME_BYTES, what)
  if (!isName(name)) reader.fail(`the ${what} is none`)
  return name
}

function readFlag(reader: ByteReader): boolean {
  return reader.byteBelow(2, 'flag') === 1
}

function readBody(reader: ByteReader): Uint8Array {
  return reader.prefixed(1, MAX_ACTOR_MESSAGE_BYTES, 'body')
}
