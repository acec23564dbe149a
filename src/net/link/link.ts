import type { Duplex } from 'node:stream'
import type { Claims, Clock, Lane, LinkEnd, LinkRefusal, ServedLink, Timer } from '../../ports/index.ts'
import {
  decodeClaims,
  decodeReason,
  encodeClaims,
  encodeReason,
  FrameDecoder,
  FrameQueue,
  LINK_WINDOWS,
  WireError,
} from '../../wire/index.ts'
import type { ControlKind, LinkWindows, QueueShare } from '../../wire/index.ts'
import type { ProvenPeer } from './handshake.ts'
import { LinkError, malformed, refusalError } from './link-error.ts'

/** Handed to the socket at once: enough to keep it busy, little enough that a priority frame soon gets its turn. */
const HIGH_WATER_BYTES = 256 * 1024
const WRITE_BYTES = 128 * 1024
const LINGER_MS = 1_000
/** Intervals of silence after which a peer is given up. */
const MAX_SILENT_INTERVALS = 3
const EMPTY = new Uint8Array(0)

/** The interval at which a silent peer is given up before the shortest election timeout has passed: at the latest in 5/6 of it. */
export function keepAliveMsFor(electionTimeoutMinMs: number): number {
  // A peer may have spoken right after a look, and falls silent for the intervals that are counted from the next one on.
  return Math.max(1, Math.floor(electionTimeoutMinMs / (MAX_SILENT_INTERVALS + 3)))
}

/** What a link reports, never from inside a call to it but {@link Link.finish} and {@link Link.abandon}. */
export interface LinkOwner {
  message(link: Link, bytes: Uint8Array): void
  claimed(link: Link, claims: Claims): void
  /** Once, and the last word. `error` says why where there is a reason. */
  ended(link: Link, end: LinkEnd, error: Error | undefined): void
}

export interface LinkOptions {
  /** The proven connection: what is written to it leaves without delay. */
  readonly socket: Duplex
  readonly peer: ProvenPeer
  /** True when this node dialled. */
  readonly outbound: boolean
  readonly owner: LinkOwner
  readonly clock: Clock
  readonly maxQueueBytes: number
  /** Those of both ends are the same; those of this program when absent. */
  readonly windows?: LinkWindows
}

/** One proven connection that carries frames. */
export class Link implements ServedLink {
  readonly endpointId: string
  readonly instance: string
  /** What tells this link from all others between the two nodes. */
  readonly epoch: string
  readonly outbound: boolean
  claims: Claims
  readonly #socket: Duplex
  readonly #owner: LinkOwner
  readonly #clock: Clock
  readonly #queue: FrameQueue
  readonly #windows: LinkWindows
  readonly #decoder: FrameDecoder
  #flushScheduled = false
  /** Bytes read that the peer's window counts, and how many of them it has been told of. */
  #counted = 0
  #acknowledged = 0
  // Since the last look.
  #received = true
  #sent = true
  #silentIntervals = 0
  #ended = false
  #linger: Timer | undefined

  constructor(options: LinkOptions) {
    this.endpointId = options.peer.endpointId
    this.instance = options.peer.instance
    this.epoch = options.peer.epoch
    this.claims = options.peer.claims
    this.outbound = options.outbound
    this.#socket = options.socket
    this.#owner = options.owner
    this.#clock = options.clock
    this.#windows = options.windows ?? LINK_WINDOWS
    this.#queue = new FrameQueue(options.maxQueueBytes, (size) => Buffer.allocUnsafeSlow(size), this.#windows)
    this.#decoder = new FrameDecoder({
      message: (_lane, bytes) => this.#owner.message(this, bytes),
      control: (kind, bytes) => this.#onControl(kind, bytes),
      counted: (bytes) => this.#onCounted(bytes),
    })
    const socket = this.#socket
    socket.on('data', (chunk: Uint8Array) => this.receive(chunk))
    socket.on('error', (error) => this.#end('lost', error))
    socket.on('end', () => this.#end('lost', new LinkError('ABORTED', 'the peer closed the connection without a goodbye')))
    socket.on('close', () => {
      this.#linger?.cancel()
      this.#end('lost', new LinkError('ABORTED', 'the connection closed without a goodbye'))
    })
  }

  /** Takes bytes of the stream: the socket's, or those that were read together with the handshake. */
  receive(chunk: Uint8Array): void {
    if (this.#ended) return
    this.#received = true
    const error = this.#decoder.push(chunk)
    if (error !== undefined) this.#end('lost', malformed(error.message))
  }

  /** Bytes handed over that the system has not taken yet. */
  get backlogBytes(): number {
    return this.#queue.bytes + this.#socket.writableLength
  }

  /** Keep-alive intervals in a row in which nothing was heard of the peer. */
  get silentIntervals(): number {
    return this.#silentIntervals
  }

  /** False when the queue, or the sender's share of it, is full, or the link is ending or has ended. */
  send(parts: readonly Uint8Array[], lane: Lane, share?: QueueShare): boolean {
    if (this.#ended || !this.#queue.push(lane, parts, share)) return false
    this.#scheduleFlush()
    return true
  }

  announce(claims: Claims): void {
    if (this.#queue.pushControl('claims', encodeClaims(claims))) this.#scheduleFlush()
    // A peer that was not told must not go on under what it was told before.
    else this.#end('lost', new LinkError('OVERLOADED', 'the queue has no room for this node\u2019s new claims'))
  }

  /** Asks the peer for a sign of life, now rather than at the next interval. */
  probe(): void {
    if (this.#queue.pushControl('ping', EMPTY)) this.#scheduleFlush()
  }

  /**
   * To be called at every keep-alive interval. Each side speaks in every interval, so that a peer that sends nothing but
   * a long backlog still hears the other. Counts intervals, not time: a stall of this process is not the peer's silence.
   */
  keepAlive(): void {
    if (this.#ended) return
    this.#silentIntervals = this.#received ? 0 : this.#silentIntervals + 1
    if (this.#silentIntervals > MAX_SILENT_INTERVALS) {
      this.#end('lost', new LinkError('SILENT', `the peer was silent for ${this.#silentIntervals} keep-alive intervals`))
      return
    }
    if (!this.#sent || !this.#received) this.probe()
    this.#sent = false
    this.#received = false
  }

  /** Sends what is queued, then goodbye, then closes. Reports the end at once; the connection lingers for a second at most. */
  finish(reason?: LinkRefusal): void {
    if (this.#ended) return
    this.#queue.finish(reason === undefined ? EMPTY : encodeReason(reason))
    this.#report('graceful', reason === undefined ? undefined : refusalError(reason.code, false, reason.detail))
    this.#destroyLater()
    this.#scheduleFlush()
  }

  /** Closes without a word to the other end, because it holds a newer connection or none, or does not listen. */
  abandon(error: Error, end: LinkEnd = 'lost'): void {
    this.#end(end, error)
  }

  /** Resolves when the connection is gone. */
  async closed(): Promise<void> {
    if (this.#socket.closed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#socket.once('close', () => resolve())
    await promise
  }

  #onControl(kind: ControlKind, bytes: Uint8Array): void {
    if (kind === 'ping') {
      if (this.#queue.pushControl('pong', EMPTY)) this.#scheduleFlush()
    } else if (kind === 'claims') this.#onClaims(bytes)
    else if (kind === 'goodbye') this.#onGoodbye(bytes)
    else if (kind === 'ack') this.#onAck(bytes)
  }

  #onCounted(bytes: number): void {
    this.#counted += bytes
    if (this.#counted - this.#acknowledged < this.#windows.ackBytes) return
    this.#acknowledged = this.#counted
    this.#queue.acknowledge(this.#counted)
    this.#scheduleFlush()
  }

  #onAck(bytes: Uint8Array): void {
    const problem = readOr((payload) => this.#queue.acknowledged(payload), bytes)
    if (problem instanceof WireError) this.#end('lost', malformed(problem.message))
    else this.#scheduleFlush()
  }

  #onClaims(bytes: Uint8Array): void {
    const claims = readOr(decodeClaims, bytes)
    if (claims instanceof WireError) return this.#end('lost', malformed(claims.message))
    this.claims = claims
    this.#owner.claimed(this, claims)
  }

  #onGoodbye(bytes: Uint8Array): void {
    const reason = bytes.length === 0 ? undefined : readOr(decodeReason, bytes)
    if (reason instanceof WireError) return this.#end('lost', malformed(reason.message))
    this.#report('graceful', reason === undefined ? undefined : refusalError(reason.code, true, reason.detail))
    this.#socket.end(() => this.#socket.destroy())
    this.#destroyLater()
  }

  /** The last bytes leave only as the other end takes them, and nobody watches its silence any more. */
  #destroyLater(): void {
    this.#linger ??= this.#clock.setTimer(LINGER_MS, () => this.#socket.destroy())
  }

  #end(end: LinkEnd, error: Error): void {
    this.#socket.destroy()
    this.#report(end, error)
  }

  #report(end: LinkEnd, error: Error | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#decoder.stop()
    this.#owner.ended(this, end, error)
  }

  /** Everything sent during one callback leaves in one write: one TLS record and one packet for many small messages. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    process.nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false
    const socket = this.#socket
    while (socket.writable && socket.writableLength < HIGH_WATER_BYTES) {
      const bytes = this.#queue.take(WRITE_BYTES)
      if (bytes === undefined) break
      this.#sent = true
      socket.write(bytes, this.#onWritten)
    }
    if (this.#linger !== undefined && this.#queue.isEmpty) socket.end()
  }

  readonly #onWritten = (): void => {
    if (!this.#queue.isEmpty && !this.#flushScheduled) this.#flush()
  }
}

function readOr<T>(decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T | WireError {
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
}
