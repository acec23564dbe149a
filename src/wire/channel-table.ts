/**
 * The channels of one transport: who is attached to which, and what each has been told of the links there are. The first bytes of a
 * message are a varint with its channel's number, so that uses of a link that know nothing of each other can share it.
 *
 * Invariant: whoever is attached hears of a link as opened before anything else of it, and nothing after its end.
 */
import { fail } from '../lib/index.ts'
import type { Channel, ChannelHandler, ChannelKind, Lane, LinkedPeer, LinkEnd } from '../ports/index.ts'

/** Channel numbers below this: one byte each. */
export const MAX_CHANNELS = 64

const LANES: readonly Lane[] = ['priority', 'normal', 'bulk']

export interface ChannelTableOptions {
  /** Runs something soon, in order with what the transport reports, and never from inside a call by its user. */
  readonly post: (run: () => void) => void
  /** Hands a message to the link of `endpointId`. The first part is the channel's number. */
  readonly send: (endpointId: string, kind: ChannelKind, parts: readonly Uint8Array[], lane: Lane) => boolean
  /** A message came on a channel that nobody is attached to. */
  readonly unclaimed: (endpointId: string) => void
}

interface Attached {
  readonly kind: ChannelKind
  readonly handler: ChannelHandler
  readonly prefix: Uint8Array
  /** Whether it has been told of the links that were there before it. */
  caughtUp: boolean
}

export class ChannelTable {
  readonly #options: ChannelTableOptions
  /** By channel number. */
  readonly #attached: (Attached | undefined)[] = []
  readonly #linked = new Map<string, LinkedPeer>()

  constructor(options: ChannelTableOptions) {
    this.#options = options
  }

  attach(kind: ChannelKind, handler: ChannelHandler): Channel {
    const { id } = kind
    if (!(Number.isInteger(id) && id >= 0 && id < MAX_CHANNELS)) fail(`${id} is no number of a channel`)
    if (this.#attached[id] !== undefined) fail(`somebody is attached to channel ${kind.name} already`)
    const attached: Attached = { kind, handler, prefix: Uint8Array.of(id), caughtUp: this.#linked.size === 0 }
    this.#attached[id] = attached
    if (!attached.caughtUp) this.#options.post(() => this.#catchUp(attached))
    return {
      send: (endpointId, parts, lane) =>
        this.#attached[id] === attached &&
        this.#options.send(endpointId, kind, [attached.prefix, ...parts], laneWithin(kind, lane)),
      detach: () => {
        if (this.#attached[id] === attached) this.#attached[id] = undefined
      },
    }
  }

  // --- What the transport reports, each from where it may call its users ---

  opened(peer: LinkedPeer): void {
    const present = this.#present()
    this.#linked.set(peer.endpointId, peer)
    this.#tell(present, (handler) => handler.opened(peer))
  }

  claimed(peer: LinkedPeer): void {
    const present = this.#present()
    this.#linked.set(peer.endpointId, peer)
    this.#tell(present, (handler) => handler.claimed(peer))
  }

  closed(endpointId: string, end: LinkEnd): void {
    const present = this.#present()
    this.#linked.delete(endpointId)
    this.#tell(present, (handler) => handler.closed(endpointId, end))
  }

  refused(endpointId: string): void {
    this.#tell(this.#present(), (handler) => handler.refused(endpointId))
  }

  message(endpointId: string, bytes: Uint8Array): void {
    // A longer varint begins with a byte that no channel of this version has.
    const [id] = bytes
    const attached = id === undefined ? undefined : this.#attached[id]
    if (attached === undefined) {
      this.#options.unclaimed(endpointId)
      return
    }
    this.#catchUp(attached)
    // Catching up may have ended with its going.
    if (this.#attached[attached.kind.id] === attached) attached.handler.message(endpointId, bytes.subarray(1))
  }

  /** Those to be told of what happens now. Whoever attaches meanwhile learns of it by catching up. */
  #present(): readonly Attached[] {
    for (const attached of this.#attached) if (attached !== undefined) this.#catchUp(attached)
    return this.#attached.filter((attached) => attached?.caughtUp === true) as Attached[]
  }

  #tell(present: readonly Attached[], tell: (handler: ChannelHandler) => void): void {
    for (const attached of present) if (this.#attached[attached.kind.id] === attached) tell(attached.handler)
  }

  #catchUp(attached: Attached): void {
    if (attached.caughtUp) return
    attached.caughtUp = true
    for (const peer of [...this.#linked.values()]) {
      if (this.#attached[attached.kind.id] !== attached) return
      attached.handler.opened(peer)
    }
  }
}

/** The lane that was asked for, or the channel's best where that is not as good. */
function laneWithin(kind: ChannelKind, lane: Lane): Lane {
  return LANES.indexOf(lane) < LANES.indexOf(kind.topLane) ? kind.topLane : lane
}
