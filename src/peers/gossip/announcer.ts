/**
 * What this node announces of itself. Sequences come from the clock, so that a node that was started again is heard at once; where its clock went
 * back meanwhile, it learns from what its former life said, and goes on above that.
 */
import type { Signatures } from '../../ports/index.ts'
import { MAX_ANNOUNCED_ADDRESSES } from '../../limits.ts'
import { WireError } from '../../lib/index.ts'
import { announcementInput, encodeAnnouncement } from '../../wire/index.ts'
import type { PeerAnnouncement, SignedAnnouncement } from '../../wire/index.ts'

/** What there is to announce. */
export type Self = Pick<PeerAnnouncement, 'clusterId' | 'addresses' | 'relay'>

export interface AnnouncerOptions {
  readonly nodeId: number
  readonly signatures: Signatures
  readonly topic: Uint8Array
  /** Milliseconds since 1970. */
  readonly wallClock: () => number
  readonly self: () => Self
}

export class Announcer {
  readonly #options: AnnouncerOptions
  #said = ''
  #sequence = 0
  #changed = 0
  #last: SignedAnnouncement | null = null

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** The last announcement; null before there was one. */
  get last(): SignedAnnouncement | null {
    return this.#last
  }

  get sequence(): number {
    return this.#sequence
  }

  get changed(): number {
    return this.#changed
  }

  /** Whether there is something to say that was not said. */
  get isNews(): boolean {
    return this.#last === null || spell(this.#options.self()) !== this.#said
  }

  /** A new announcement, above all before it. */
  announce(): SignedAnnouncement {
    const { nodeId, signatures, topic, wallClock, self } = this.#options
    const now = Math.max(0, Math.floor(wallClock()))
    const own = self()
    const said = spell(own)
    this.#sequence = Math.max(this.#sequence + 1, now)
    if (said !== this.#said || this.#last === null) this.#changed = this.#sequence
    this.#said = said
    const head = { nodeId, endpointId: signatures.endpointId, sequence: this.#sequence, changed: this.#changed, time: now }
    const body = fitting({ ...own, ...head })
    this.#last = { body, signature: signatures.sign(announcementInput(topic, body)) }
    return this.#last
  }

  /** A former life of this node has said this: nobody hears what is below it. */
  outdo(sequence: number): void {
    // The next one says something new to all who have heard that one.
    this.#last = null
    this.#sequence = Math.max(this.#sequence, sequence)
  }
}

function spell(self: Self): string {
  return JSON.stringify(self)
}

/** With as many of the addresses as there is room for, and without a relay that takes too much of it. */
function fitting(said: PeerAnnouncement): Uint8Array {
  let addresses = said.addresses.slice(0, MAX_ANNOUNCED_ADDRESSES)
  let { relay } = said
  for (;;) {
    try {
      return encodeAnnouncement({ ...said, addresses, relay })
    } catch (error) {
      if (!(error instanceof WireError) || (addresses.length === 0 && relay === null)) throw error
      if (addresses.length > 1 || relay === null) addresses = addresses.slice(0, -1)
      else relay = null
    }
  }
}
