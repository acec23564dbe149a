/** How statements are written into a batch. */
import { ByteWriter, writeTaggedFields } from '../../lib/index.ts'
import {
  ACTOR_VERSIONS,
  CREDIT_BYTES,
  CREDIT_MESSAGES,
  DOWN_NUMBERS,
  ERROR_NUMBERS,
  FEATURES,
  KIND,
  WORDS_BYTES,
} from './statements.ts'
import type { ActorHello, ActorVersions, Ended, WireCall, WireRefusal } from './statements.ts'

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
  // A program may make errors of any code.
  writer.varint(Object.hasOwn(ERROR_NUMBERS, code) ? ERROR_NUMBERS[code] : ERROR_NUMBERS.REFUSED)
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
  writer.varint(down === null ? 0 : DOWN_NUMBERS[down.reason])
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

function writeBody(writer: ByteWriter, body: Uint8Array): void {
  writer.varint(body.length)
  writer.payload(body)
}

function numberField(value: number): Uint8Array {
  const writer = new ByteWriter(8)
  writer.varint(value)
  return writer.finish()
}
