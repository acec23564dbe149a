/**
 * The channels of one transport: who is attached to which, and what each has been told of the links there are. The first bytes of a
 * message are a varint with its channel's number, so that uses of a link that know nothing of each other can share it.
 *
 * Invariant: whoever is attached hears of a peer as opened before anything else of it, and nothing after its end, which is that of the link or
 * of the peer's own part in the channel.
 */
import { fail } from '../lib/index.ts'
import { ATTENDANCE_CHANNEL } from '../ports/index.ts'
import type { Channel, ChannelEnd, ChannelHandler, ChannelKind, Lane, LinkedPeer, LinkEnd } from '../ports/index.ts'
import { Attendance, decodeNotice, encodeNotice } from './attendance.ts'

/** Channel numbers below this: one byte each. The last one is the table's own. */
export const MAX_CHANNELS = 64

const ATTENDANCE_PREFIX = Uint8Array.of(ATTENDANCE_CHANNEL.id)

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
  /** Channels that this node has taken part in, and does not now. */
  readonly #left = new Set<number>()
  readonly #attendance = new Attendance()

  constructor(options: ChannelTableOptions) {
    this.#options = options
  }

  attach(kind: ChannelKind, handler: ChannelHandler): Channel {
    const { id } = kind
    if (!(Number.isInteger(id) && id >= 0 && id < ATTENDANCE_CHANNEL.id)) fail(`${id} is no number of a channel`)
    if (this.#attached[id] !== undefined) fail(`somebody is attached to channel ${kind.name} already`)
    const attached: Attached = { kind, handler, prefix: Uint8Array.of(id), caughtUp: this.#linked.size === 0 }
    this.#attached[id] = attached
    if (!attached.caughtUp) this.#options.post(() => this.#catchUp(attached))
    if (this.#left.delete(id)) this.#sayAll(id, true)
    return {
      send: (endpointId, parts, lane) =>
        this.#attached[id] === attached &&
        !this.#attendance.isAbsent(endpointId, id) &&
        this.#options.send(endpointId, kind, [attached.prefix, ...parts], laneWithin(kind, lane)),
      detach: () => {
        if (this.#attached[id] !== attached) return
        this.#attached[id] = undefined
        this.#left.add(id)
        this.#sayAll(id, false)
      },
    }
  }

  #sayAll(channel: number, attached: boolean): void {
    for (const endpointId of this.#linked.keys()) this.#say(endpointId, channel, attached)
  }

  #say(endpointId: string, channel: number, attached: boolean): void {
    const parts = [ATTENDANCE_PREFIX, encodeNotice({ attached, channel })]
    this.#options.send(endpointId, ATTENDANCE_CHANNEL, parts, 'priority')
  }

  // --- What the transport reports, each from where it may call its users ---

  opened(peer: LinkedPeer): void {
    const present = this.#present()
    this.#linked.set(peer.endpointId, peer)
    for (const channel of this.#left) this.#say(peer.endpointId, channel, false)
    this.#tell(present, peer.endpointId, (handler) => handler.opened(peer))
  }

  claimed(peer: LinkedPeer): void {
    const present = this.#present()
    this.#linked.set(peer.endpointId, peer)
    this.#tell(present, peer.endpointId, (handler) => handler.claimed(peer))
  }

  closed(endpointId: string, end: LinkEnd): void {
    const present = this.#present()
    this.#linked.delete(endpointId)
    this.#tell(present, endpointId, (handler) => handler.closed(endpointId, end))
    this.#attendance.unlinked(endpointId)
  }

  refused(endpointId: string): void {
    this.#tell(this.#present(), endpointId, (handler) => handler.refused(endpointId))
  }

  message(endpointId: string, bytes: Uint8Array): void {
    // A longer varint begins with a byte that no channel of this version has.
    const [id] = bytes
    if (id === ATTENDANCE_CHANNEL.id) return this.#noticed(endpointId, bytes.subarray(1))
    const attached = id === undefined ? undefined : this.#attached[id]
    // What a peer had on its way when its part ended comes from nobody.
    if (attached === undefined || this.#attendance.isAbsent(endpointId, attached.kind.id)) {
      this.#options.unclaimed(endpointId)
      return
    }
    this.#catchUp(attached)
    // Catching up may have ended with its going.
    if (this.#attached[attached.kind.id] === attached) attached.handler.message(endpointId, bytes.subarray(1))
  }

  #noticed(endpointId: string, bytes: Uint8Array): void {
    const peer = this.#linked.get(endpointId)
    const notice = decodeNotice(bytes, ATTENDANCE_CHANNEL.id)
    if (peer === undefined || notice === undefined) return this.#options.unclaimed(endpointId)
    const { channel, attached } = notice
    const told = this.#attached[channel]
    // It hears of the peer as it was before, if it has not yet.
    if (told !== undefined) this.#catchUp(told)
    if (!this.#attendance.note(endpointId, notice) || told === undefined || this.#attached[channel] !== told) return
    if (attached) told.handler.opened(peer)
    else told.handler.closed(endpointId, 'detached' satisfies ChannelEnd)
  }

  /** Those to be told of what happens now. Whoever attaches meanwhile learns of it by catching up. */
  #present(): readonly Attached[] {
    for (const attached of this.#attached) if (attached !== undefined) this.#catchUp(attached)
    return this.#attached.filter((attached) => attached?.caughtUp === true) as Attached[]
  }

  #tell(present: readonly Attached[], endpointId: string, tell: (handler: ChannelHandler) => void): void {
    for (const attached of present) {
      const { id } = attached.kind
      if (this.#attached[id] === attached && !this.#attendance.isAbsent(endpointId, id)) tell(attached.handler)
    }
  }

  #catchUp(attached: Attached): void {
    if (attached.caughtUp) return
    attached.caughtUp = true
    for (const peer of [...this.#linked.values()]) {
      if (this.#attached[attached.kind.id] !== attached) return
      if (!this.#attendance.isAbsent(peer.endpointId, attached.kind.id)) attached.handler.opened(peer)
    }
  }
}

/** The lane that was asked for, or the channel's best where that is not as good. */
function laneWithin(kind: ChannelKind, lane: Lane): Lane {
  return LANES.indexOf(lane) < LANES.indexOf(kind.topLane) ? kind.topLane : lane
}
