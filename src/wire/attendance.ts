/**
 * Which peers take part in which channel. A node says so when its part in a channel ends while its links live on, and when it begins again;
 * whoever has said nothing takes part. A notice is two bytes: what has happened, and the number of the channel.
 *
 * Invariant: what is known of a peer is forgotten with its link.
 */
const DETACHED = 0
const ATTACHED = 1
const NOTICE_SIZE = 2

export interface Notice {
  readonly attached: boolean
  readonly channel: number
}

export function encodeNotice({ attached, channel }: Notice): Uint8Array {
  return Uint8Array.of(attached ? ATTACHED : DETACHED, channel)
}

/** Undefined for what no version of this protocol has said so far. */
export function decodeNotice(bytes: Uint8Array, channels: number): Notice | undefined {
  const [what, channel] = bytes
  if (bytes.length !== NOTICE_SIZE || what === undefined || channel === undefined) return undefined
  return what <= ATTACHED && channel < channels ? { attached: what === ATTACHED, channel } : undefined
}

export class Attendance {
  /** By key, the channels that its holder takes no part in. */
  readonly #absent = new Map<string, Set<number>>()

  isAbsent(endpointId: string, channel: number): boolean {
    return this.#absent.get(endpointId)?.has(channel) === true
  }

  /** False when that was known. */
  note(endpointId: string, { attached, channel }: Notice): boolean {
    if (this.isAbsent(endpointId, channel) !== attached) return false
    const channels = this.#absent.get(endpointId) ?? new Set()
    this.#absent.set(endpointId, channels)
    if (attached) channels.delete(channel)
    else channels.add(channel)
    return true
  }

  unlinked(endpointId: string): void {
    this.#absent.delete(endpointId)
  }
}
