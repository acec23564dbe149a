/** What is remembered of one client, as the value of its row in the space `sessions`; the key is the client's id. */
import { ByteReader, ByteWriter, equalBytes } from '../lib/index.ts'
import { SESSION_RESULT_SIZE, SESSION_WINDOW } from './semantics.ts'

export const DIGEST_SIZE = 8

/** One write that took effect. */
export interface Remembered {
  readonly sequence: number
  /** Of the command, in one fixed encoding. */
  readonly digest: Uint8Array
  /** Its encoded result; without what it found, when that was too large to keep. */
  readonly result: Uint8Array
  readonly isWhole: boolean
}

export interface Session {
  /** The log index of its last write, by which clients are ordered. */
  readonly lastIndex: number
  /** The replicated time of that write. */
  readonly usedMs: number
  /** In order of their sequences. */
  readonly window: readonly Remembered[]
}

/** A sequence, a digest, a mark, and a result of some bytes. */
const MIN_REMEMBERED_SIZE = DIGEST_SIZE + 3

export function encodeSession({ lastIndex, usedMs, window }: Session): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(lastIndex)
  writer.varint(usedMs)
  writer.varint(window.length)
  for (const { sequence, digest, result, isWhole } of window) {
    writer.varint(sequence)
    writer.raw(digest)
    writer.u8(isWhole ? 1 : 0)
    writer.prefixed(result)
  }
  return writer.finish()
}

/** @throws WireError */
export function decodeSession(bytes: Uint8Array): Session {
  const reader = new ByteReader(bytes, 'session')
  const lastIndex = reader.varint()
  const usedMs = reader.varint()
  const count = reader.count(SESSION_WINDOW, MIN_REMEMBERED_SIZE, 'remembered writes')
  const window: Remembered[] = []
  for (let i = 0; i < count; i++) {
    const sequence = reader.varint()
    const digest = reader.view(DIGEST_SIZE)
    const isWhole = reader.byteBelow(2, 'mark of a result') === 1
    window.push({ sequence, digest, isWhole, result: reader.prefixed(1, SESSION_RESULT_SIZE, 'result') })
  }
  reader.expectEnd()
  return { lastIndex, usedMs, window }
}

/** What {@link decodeSession} finds first, without the rest. */
export function decodeSessionHead(bytes: Uint8Array): Pick<Session, 'lastIndex' | 'usedMs'> {
  const reader = new ByteReader(bytes, 'session')
  return { lastIndex: reader.varint(), usedMs: reader.varint() }
}

export function isSameCommand(remembered: Remembered, digest: Uint8Array): boolean {
  return equalBytes(remembered.digest, digest)
}
