import { MAX_PEERS } from '../../limits.ts'
import type { Clock, ServedProtocol, Timer } from '../../ports/index.ts'
import type { Random } from '../../lib/index.ts'
import { Link, surface } from '../link/index.ts'
import type { DialResult, LinkOwner } from '../link/index.ts'
import { backoffDelay } from './backoff.ts'

/** The ALPN name of connections that say nothing but that they are there. */
export const PATH_PROTOCOL = 'aspen/path/1'
/** A path is taken again when its pings were steady for so long. */
export const STEADY_MS = 10_000
const REDIAL = { minMs: 1_000, maxMs: 30_000 }
const QUEUE_BYTES = 64 * 1024
/** A ping is sent after an interval in which nobody spoke, and answered in the next. */
const IDLE_INTERVALS = 1

export interface ProbeOptions {
  readonly clock: Clock
  readonly random: Random
  readonly steadyMs: number
  /** Makes a connection of {@link PATH_PROTOCOL} over the path. */
  readonly dial: (signal: AbortSignal) => Promise<DialResult>
  /** The path works, and has for long enough. */
  readonly steady: () => void
}

/** Keeps a connection over a path that a peer's link does not use, to learn when it works again. */
export class PathProbe implements LinkOwner {
  readonly #options: ProbeOptions
  readonly #stopping = new AbortController()
  #link: Link | undefined
  #retry: Timer | undefined
  #failures = 0
  #steadySince = 0

  constructor(options: ProbeOptions) {
    this.#options = options
    this.#dialLater()
  }

  /** To be called at every keep-alive interval. */
  look(): void {
    this.#link?.keepAlive()
    // It may just have been given up.
    if (this.#link === undefined) return
    const { clock, steadyMs, steady } = this.#options
    if (this.#link.silentIntervals > IDLE_INTERVALS) this.#steadySince = clock.now()
    if (clock.now() - this.#steadySince < steadyMs) return
    // Should it fail, the count begins anew.
    this.#steadySince = clock.now()
    steady()
  }

  stop(): void {
    this.#stopping.abort()
    this.#retry?.cancel()
    this.#link?.finish()
  }

  message(): void {}

  claimed(): void {}

  ended(link: Link): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#dialLater()
  }

  #dialLater(): void {
    if (this.#stopping.signal.aborted) return
    const delay = backoffDelay(this.#failures++, REDIAL, this.#options.random)
    this.#retry = this.#options.clock.setTimer(delay, () => surface(this.#dial()))
  }

  async #dial(): Promise<void> {
    const { clock, dial } = this.#options
    const { linked } = await dial(this.#stopping.signal)
    if (linked === undefined) return this.#dialLater()
    const { socket, peer, readAhead } = linked
    if (this.#stopping.signal.aborted || socket.destroyed) {
      socket.on('error', () => undefined).destroy()
      return this.#dialLater()
    }
    this.#failures = 0
    this.#steadySince = clock.now()
    this.#link = new Link({ socket, peer, outbound: true, owner: this, clock, maxQueueBytes: QUEUE_BYTES })
    if (readAhead.length > 0) this.#link.receive(readAhead)
  }
}

/** The other end of probes: each is kept alive, and nothing is said on it. */
export function probedPath(keepAliveMs: number): ServedProtocol {
  return {
    protocol: PATH_PROTOCOL,
    maxLinks: MAX_PEERS,
    maxQueueBytes: QUEUE_BYTES,
    keepAliveMs,
    opened: () => undefined,
    message: () => undefined,
    ended: () => undefined,
    closing: () => Promise.resolve(),
  }
}
