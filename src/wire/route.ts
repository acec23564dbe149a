/**
 * What stands before a message, so that a link can carry what this version knows nothing of: the channel, which says what kind of
 * use it belongs to, and the group, which says whose of that kind; both are varints. There is one group now. Whoever meets a
 * channel, a group or a message that it does not know drops that message, counts it, and goes on: it is not malformed.
 */
import { WireError } from '../lib/index.ts'
import type { ByteReader, ByteWriter } from '../lib/index.ts'

/** The one group that there is. */
export const GROUP = 0
/** The one channel of a client's link. */
const CLIENT_CHANNEL = 0

/** What of a message is of a later version. */
export type UnknownPart = 'channel' | 'group' | 'message'

/** A message for what this version does not have. Not malformed: it is dropped, and the link goes on. */
export class UnknownMessageError extends WireError {
  readonly part: UnknownPart

  constructor(part: UnknownPart, number: number) {
    super(`a message of an unknown ${part === 'message' ? 'kind' : part}: ${number}`)
    this.part = part
  }
}

/** @throws UnknownMessageError for a group that is not here */
export function readGroup(reader: ByteReader): void {
  const group = reader.varint()
  if (group !== GROUP) throw new UnknownMessageError('group', group)
}

export function writeClientRoute(writer: ByteWriter): void {
  writer.varint(CLIENT_CHANNEL)
  writer.varint(GROUP)
}

/** @throws UnknownMessageError for a channel or a group that is not here */
export function readClientRoute(reader: ByteReader): void {
  const channel = reader.varint()
  if (channel !== CLIENT_CHANNEL) throw new UnknownMessageError('channel', channel)
  readGroup(reader)
}
