import { MAX_REMOTE_HELD_BYTES } from '../../limits.ts'

/** A message to an actor of which nothing else is held may have so many bytes in any case: full streams do not keep it from the others. */
const ALWAYS_HELD_BYTES = 4 * 1024

/** What a message takes where it waits, beside its body: a flood of empty ones meets the bounds too. */
const MESSAGE_BYTES = 512

/** What a message with such a body counts for, at both ends. */
export function costOf(body: Uint8Array): number {
  return body.length + MESSAGE_BYTES
}

/** What is held of one stream: sent, and not handled. */
export interface Held {
  readonly messages: number
  readonly bytes: number
}

export interface Credit extends Held {
  /** Of all streams of the link. */
  readonly heldBytes: number
}

/**
 * Whether one more message of so many bytes may be held. Who sends asks before it does; who receives asks the same, of what it knows to be no more,
 * so that what it refuses was never allowed.
 */
export function mayHold(held: Held, size: number, credit: Credit): boolean {
  if (held.messages >= credit.messages) return false
  if (held.messages === 0 && size <= ALWAYS_HELD_BYTES) return true
  if (held.bytes > 0 && held.bytes + size > credit.bytes) return false
  return credit.heldBytes + size <= MAX_REMOTE_HELD_BYTES
}
