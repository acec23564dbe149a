import { ByteReader, readTaggedFields } from '../../lib/index.ts'
import { MAX_ACTOR_MESSAGE_BYTES, MAX_REFUSAL_FACTS_BYTES } from '../../limits.ts'
import type { ActorErrorCode } from '../actor-error.ts'
import { isName } from '../names.ts'
import type { DownReason } from '../target.ts'
import {
  ACTOR_PROTOCOL,
  CREDIT_BYTES,
  CREDIT_MESSAGES,
  DOWN_NUMBERS,
  ERROR_NUMBERS,
  KIND,
  MESSAGE_NAME_BYTES,
  NAME_BYTES,
  WORDS_BYTES,
} from './statements.ts'
import type { ActorHello, Ended, Listener, WireRefusal } from './statements.ts'

/** The version of a hello, at most, and with it of everything later. */
const LAST_VERSION = 2 ** 16
const ERROR_CODES = new Map(Object.entries(ERROR_NUMBERS).map(([code, number]) => [number, code as ActorErrorCode | 'REFUSED']))
const DOWN_REASONS = new Map(Object.entries(DOWN_NUMBERS).map(([reason, number]) => [number, reason as DownReason]))

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
  const code = ERROR_CODES.get(number) ?? (begun ? 'CRASHED' : 'DOWN')
  const words = reader.string(0, WORDS_BYTES, 'reason')
  return { code, begun, words, facts: reader.prefixed(0, MAX_REFUSAL_FACTS_BYTES, 'facts of a refusal') }
}

function readDown(reader: ByteReader): Ended | null {
  const number = reader.varint()
  if (number === 0) return null
  return { reason: DOWN_REASONS.get(number) ?? 'crashed', words: reader.string(0, WORDS_BYTES, 'reason') }
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
