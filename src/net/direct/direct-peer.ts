import type { Random } from '../../lib/index.ts'
import type { Clock, LinkEnd, PeerReport, Timer } from '../../ports/index.ts'
import { backoffDelay } from './backoff.ts'
import type { BackoffOptions } from './backoff.ts'
import type { DialAttempt, DialedLink, DialResult } from './dialer.ts'
import { describeFailure, surface } from '../link/index.ts'
import type { Link } from '../link/index.ts'

/** What a peer needs of the transport it belongs to. */
export interface PeerOwner {
  readonly clock: Clock
  readonly random: Random
  readonly backoff: BackoffOptions
  dial(target: DialAttempt): Promise<DialResult>
  /** A dial made a connection. The owner makes it a link, or closes it. */
  dialed(peer: DirectPeer, linked: DialedLink): void
  dialFailed(peer: DirectPeer, error: Error, remote: string | null): void
  /** Nobody listens at any address of a peer whose link was lost. */
  refused(peer: DirectPeer): void
}

interface Dialling {
  readonly controller: AbortController
  proofSent: boolean
}

/** A link that ends sooner than this counts as flapping. */
const SHORT_LIFE_MS = 1_000
/** Short-lived links in a row that are still redialled at once. */
const MAX_QUICK_REDIALS = 2

/**
 * One peer of a direct transport: whether a link to it is wanted, the link or the attempt to make one, and when to
 * try again. At most one of link, attempt and retry timer exists at a time.
 */
export class DirectPeer {
  readonly endpointId: string
  readonly #owner: PeerOwner
  /** Null when no link is wanted; then only an accepted one may exist. */
  #addresses: readonly string[] | null = null
  #link: Link | undefined
  #linkedAt = 0
  #attempt: Dialling | undefined
  #retry: Timer | undefined
  #failures = 0
  #shortLives = 0
  /** The last link ended without a word, and none has been made since. */
  #lost = false
  #lastError: string | null = null
  #formerInstance: string | null = null

  constructor(endpointId: string, owner: PeerOwner) {
    this.endpointId = endpointId
    this.#owner = owner
  }

  get link(): Link | undefined {
    return this.#link
  }

  get isWanted(): boolean {
    return this.#addresses !== null
  }

  /** True from the moment an attempt's proof has left: the peer may have made it its link. */
  get isProving(): boolean {
    return this.#attempt?.proofSent === true
  }

  want(addresses: readonly string[]): void {
    const changed = this.#addresses === null || this.#addresses.join() !== addresses.join()
    this.#addresses = [...addresses]
    if (this.#link === undefined && this.#attempt === undefined && changed) this.#dialNow()
  }

  /** No link is wanted any more. The link, if there is one, is left to the caller. */
  unwant(): void {
    this.#addresses = null
    this.#stopDialing()
  }

  /** Makes a proven connection this peer's link. There must be none. */
  attach(link: Link): void {
    this.#stopDialing()
    this.#link = link
    this.#linkedAt = this.#owner.clock.now()
    this.#failures = 0
    this.#lost = false
    this.#lastError = null
  }

  /** The link is gone. A wanted peer is dialled again: at once when it was lost. */
  detach(end: LinkEnd, error: Error | undefined): void {
    this.#link = undefined
    this.#lost = end === 'lost'
    if (error !== undefined) this.noteFailure(error)
    const lived = this.#owner.clock.now() - this.#linkedAt
    this.#shortLives = lived < SHORT_LIFE_MS ? this.#shortLives + 1 : 0
    if (end === 'lost' && this.#shortLives <= MAX_QUICK_REDIALS) this.#dialNow()
    else this.#dialAfter(Math.max(0, this.#shortLives - MAX_QUICK_REDIALS))
  }

  /** Forgets the link without dialling: another takes its place, of this life of the peer. */
  release(next: string): void {
    if (this.#link !== undefined && this.#link.instance !== next) this.#formerInstance = this.#link.instance
    this.#link = undefined
  }

  /** Whether a life of the peer, which another one had followed, is back: then both run now, with one identity. */
  isFormer(instance: string): boolean {
    return instance === this.#formerInstance && this.#link !== undefined && this.#link.instance !== instance
  }

  /** Keeps why there is no link. */
  noteFailure(error: Error): void {
    // A dial that lost against the peer's own: there is a link.
    if (this.#link === undefined) this.#lastError = describeFailure(error)
  }

  /** Tries again after a delay that grows with every failure, if a link is wanted. */
  dialLater(): void {
    this.#dialAfter(this.#failures++)
  }

  report(): PeerReport {
    const state = this.#link !== undefined ? 'connected' : this.#attempt !== undefined ? 'dialing' : 'waiting'
    return { endpointId: this.endpointId, state, claims: this.#link?.claims ?? null, lastError: this.#lastError }
  }

  #stopDialing(): void {
    this.#retry?.cancel()
    this.#retry = undefined
    this.#attempt?.controller.abort()
    this.#attempt = undefined
  }

  #dialAfter(failures: number): void {
    if (this.#addresses === null) return
    this.#retry?.cancel()
    const { clock, backoff, random } = this.#owner
    this.#retry = clock.setTimer(backoffDelay(failures, backoff, random), () => this.#dialNow())
  }

  #dialNow(): void {
    this.#stopDialing()
    // Without an address there is nothing to try until the peer dials, or addresses come.
    if (this.#addresses === null || this.#addresses.length === 0) return
    const attempt: Dialling = { controller: new AbortController(), proofSent: false }
    this.#attempt = attempt
    const target: DialAttempt = {
      endpointId: this.endpointId,
      addresses: this.#addresses,
      signal: attempt.controller.signal,
      beforeProof: () => {
        attempt.proofSent = true
      },
    }
    surface(this.#owner.dial(target).then((result) => this.#onDialed(attempt, result)))
  }

  #onDialed(attempt: Dialling, result: DialResult): void {
    if (this.#attempt !== attempt) {
      result.linked?.socket.destroy()
      return
    }
    this.#attempt = undefined
    if (result.linked !== undefined) {
      this.#owner.dialed(this, result.linked)
      return
    }
    this.#owner.dialFailed(this, result.error, result.remote)
    if (result.refused && this.#lost) this.#owner.refused(this)
    this.dialLater()
  }
}
