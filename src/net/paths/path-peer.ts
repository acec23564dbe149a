import { assert } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import type { Clock, DialTarget, LinkEnd, PathKind, PeerReport, Timer } from '../../ports/index.ts'
import { describeFailure, LinkError, surface } from '../link/index.ts'
import type { Carrier, DialAttempt, DialedLink, DialResult, FoundPeer, Link } from '../link/index.ts'
import { backoffDelay } from './backoff.ts'
import type { BackoffOptions } from './backoff.ts'

/** What a peer needs of the transport it belongs to. */
export interface PeerOwner {
  readonly clock: Clock
  readonly random: Random
  readonly backoff: BackoffOptions
  /** Those that may be dialled for this target now, the best first. */
  carriersFor(target: DialTarget): readonly Carrier[]
  /** @param replaces the link that the peer is to give up for the new one */
  dial(carrier: Carrier, attempt: DialAttempt, replaces: Link | undefined): Promise<DialResult>
  /** A dial made a connection. The owner makes it a link, or closes it. */
  dialed(peer: PathPeer, carrier: Carrier, linked: DialedLink): void
  dialFailed(peer: PathPeer, failure: DialFailure): void
  /** The link ended while another path was about to take its place, and none does. */
  lost(peer: PathPeer, link: Link, error: Error): void
}

export interface DialFailure {
  readonly error: Error
  readonly remote: string | null
  /** Nobody listens at any address. */
  readonly refused: boolean
  /** The same, of a peer whose link by this carrier was lost. */
  readonly gone: boolean
  /** Others, at its addresses. */
  readonly found: readonly FoundPeer[]
}

interface Dialling {
  readonly controller: AbortController
  readonly carrier: Carrier
  /** Those to try next, without a pause. */
  others: readonly Carrier[]
  /** The link that this one is to take the place of. */
  replaces: Link | undefined
  /** Runs out when another carrier should have its turn. */
  patience: Timer | undefined
  proofSent: boolean
}

/** The link, what it came over, and why it ended where that is not settled yet. */
interface Current {
  readonly link: Link
  readonly carrier: Carrier
  readonly pathOf: () => PathKind
  heldEnd?: Error
}

/** A link that ends sooner than this counts as flapping. */
const SHORT_LIFE_MS = 1_000
/** Short-lived links in a row that are still redialled at once. */
const MAX_QUICK_REDIALS = 2
/** So long one carrier is waited for where there is another one, the first time; longer each time that none has worked. */
const PATIENCE_MS = 1_000
const MAX_PATIENCE_MS = 8_000
/** How long the end of a link is held while its successor is being proven. */
const HOLD_MS = 1_000

/**
 * One peer: whether a link to it is wanted, the link or the attempt to make one, over which carrier, and when to try again. At most one of
 * attempt and retry timer exists at a time, and beside a link no attempt but one to replace it.
 */
export class PathPeer {
  readonly endpointId: string
  readonly #owner: PeerOwner
  /** Null when no link is wanted; then only an accepted one may exist. */
  #target: DialTarget | null = null
  #current: Current | undefined
  /** What carried the link before. */
  #former: Carrier | undefined
  #linkedAt = 0
  /** Since when there is no link that is wanted. */
  #unlinkedSince: number
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
    this.#unlinkedSince = owner.clock.now()
  }

  get link(): Link | undefined {
    return this.#current?.link
  }

  get carrier(): Carrier | undefined {
    return this.#current?.carrier
  }

  get target(): DialTarget | null {
    return this.#target
  }

  get isWanted(): boolean {
    return this.#target !== null
  }

  /** True from the moment an attempt's proof has left: the peer may have made it its link. */
  get isProving(): boolean {
    return this.#attempt?.proofSent === true
  }

  /** For how long there has been no link, in milliseconds. */
  get unlinkedMs(): number {
    return this.#current === undefined ? this.#owner.clock.now() - this.#unlinkedSince : 0
  }

  want(target: DialTarget): void {
    const changed = this.#target === null || spell(this.#target) !== spell(target)
    this.#target = { ...target, addresses: [...target.addresses] }
    if (this.#current === undefined && this.#attempt === undefined && changed) this.#dialNow()
  }

  /** No link is wanted any more. The link, if there is one, is left to the caller. */
  unwant(): void {
    this.#target = null
    this.#stopDialing()
  }

  /** Makes a proven connection this peer's link. There must be none. */
  attach(link: Link, carrier: Carrier, pathOf: () => PathKind): void {
    this.#stopDialing()
    this.#current = { link, carrier, pathOf }
    this.#former = carrier
    this.#linkedAt = this.#owner.clock.now()
    this.#failures = 0
    this.#lost = false
    this.#lastError = null
  }

  /** The link is gone. A wanted peer is dialled again: at once when it was lost. */
  detach(end: LinkEnd, error: Error | undefined): void {
    this.#current = undefined
    this.#unlinkedSince = this.#owner.clock.now()
    this.#lost = end === 'lost'
    if (error !== undefined) this.noteFailure(error)
    const lived = this.#owner.clock.now() - this.#linkedAt
    this.#shortLives = lived < SHORT_LIFE_MS ? this.#shortLives + 1 : 0
    if (this.#attempt !== undefined) this.#attemptAlone(this.#attempt)
    else if (end === 'lost' && this.#shortLives <= MAX_QUICK_REDIALS) this.#dialNow()
    else this.#dialAfter(Math.max(0, this.#shortLives - MAX_QUICK_REDIALS))
  }

  /**
   * The link has ended without a word, but the peer may have given it up for the one that this node is making: whether it is lost is known
   * when that is made, or not. False when no such attempt is under way.
   */
  hold(link: Link, error: Error): boolean {
    if (this.#current?.link !== link || this.#attempt?.replaces !== link || !this.#attempt.proofSent) return false
    this.#current.heldEnd = error
    this.#bePatient(this.#attempt, HOLD_MS)
    return true
  }

  /** Whether the link has ended, and that is not said yet. */
  get isHeld(): boolean {
    return this.#current?.heldEnd !== undefined
  }

  /** Forgets the link without dialling: another takes its place, of this life of the peer. */
  release(next: string): void {
    const { link } = this
    if (link !== undefined && link.instance !== next) this.#formerInstance = link.instance
    this.#current = undefined
  }

  /** Whether a life of the peer, which another one had followed, is back: then both run now, with one identity. */
  isFormer(instance: string): boolean {
    const { link } = this
    return instance === this.#formerInstance && link !== undefined && link.instance !== instance
  }

  /** Keeps why there is no link. */
  noteFailure(error: Error): void {
    // A dial that lost against the peer's own: there is a link.
    if (this.#current === undefined) this.#lastError = describeFailure(error)
  }

  /** Tries again after a delay that grows with every failure, if a link is wanted. */
  dialLater(): void {
    if (this.#current === undefined) this.#dialAfter(this.#failures++)
  }

  /** There is another carrier, or it has come back: whoever waits for one is dialled. */
  carriersChanged(): void {
    if (this.#target !== null && this.#current === undefined && this.#attempt === undefined) this.#dialNow()
  }

  /** Makes another link beside the one there is, to replace it. False when something else is under way. */
  replaceBy(carrier: Carrier): boolean {
    if (this.#target === null || this.#current === undefined || this.#attempt !== undefined) return false
    this.#dial(carrier, [], this.#current.link)
    return true
  }

  report(): PeerReport {
    const { endpointId } = this
    const state = this.#current !== undefined ? 'connected' : this.#attempt !== undefined ? 'dialing' : 'waiting'
    const path = this.#current?.pathOf() ?? null
    return { endpointId, state, claims: this.link?.claims ?? null, lastError: this.#lastError, path }
  }

  #stopDialing(): void {
    this.#retry?.cancel()
    this.#retry = undefined
    this.#attempt?.patience?.cancel()
    this.#attempt?.controller.abort()
    this.#attempt = undefined
  }

  #dialAfter(failures: number): void {
    if (this.#target === null) return
    this.#retry?.cancel()
    const { clock, backoff, random } = this.#owner
    this.#retry = clock.setTimer(backoffDelay(failures, backoff, random), () => this.#dialNow())
  }

  #dialNow(): void {
    this.#stopDialing()
    if (this.#target === null) return
    const carriers = this.#owner.carriersFor(this.#target)
    // What carried the last link comes first: where it is not the best one, that did not work.
    const first = carriers.find((carrier) => carrier === this.#former) ?? carriers[0]
    // Without an address there is nothing to try until the peer dials, or addresses come.
    if (first === undefined) return
    const others = carriers.filter((carrier) => carrier !== first)
    this.#dial(first, others, undefined)
  }

  #dial(carrier: Carrier, others: readonly Carrier[], replaces: Link | undefined): void {
    assert(this.#target !== null, 'who is dialled is wanted')
    const { endpointId, addresses, relay } = this.#target
    const controller = new AbortController()
    const attempt: Dialling = { controller, carrier, others, replaces, patience: undefined, proofSent: false }
    this.#attempt = attempt
    if (others.length > 0) this.#bePatient(attempt, this.#patienceMs)
    const beforeProof = (): void => {
      attempt.proofSent = true
      attempt.patience?.cancel()
    }
    const target: DialAttempt = { endpointId, addresses, relay, signal: controller.signal, beforeProof }
    surface(this.#owner.dial(carrier, target, replaces).then((result) => this.#onDialed(attempt, result)))
  }

  get #patienceMs(): number {
    return Math.min(MAX_PATIENCE_MS, PATIENCE_MS * 2 ** Math.min(this.#failures, 10))
  }

  #bePatient(attempt: Dialling, patienceMs: number): void {
    attempt.patience?.cancel()
    attempt.patience = this.#owner.clock.setTimer(patienceMs, () => this.#overran(attempt))
  }

  /** The link that it was to replace is gone: from now on it is an attempt like others, and where it fails the others follow. */
  #attemptAlone(attempt: Dialling): void {
    attempt.replaces = undefined
    if (this.#target === null) return
    attempt.others = this.#owner.carriersFor(this.#target).filter((carrier) => carrier !== attempt.carrier)
    if (attempt.others.length > 0 && !attempt.proofSent) this.#bePatient(attempt, this.#patienceMs)
  }

  #overran(attempt: Dialling): void {
    if (this.#attempt !== attempt) return
    attempt.controller.abort()
    const error = new LinkError('TIMEOUT', `no answer by ${attempt.carrier.name} in time`)
    this.#onFailed(attempt, { error, remote: null, refused: false })
  }

  #onDialed(attempt: Dialling, result: DialResult): void {
    if (this.#attempt !== attempt) {
      result.linked?.socket.destroy()
      return
    }
    if (result.linked === undefined) {
      this.#onFailed(attempt, result)
      return
    }
    attempt.patience?.cancel()
    this.#attempt = undefined
    this.#owner.dialed(this, attempt.carrier, result.linked)
    // The owner may have closed it after all.
    this.#settle()
  }

  #onFailed(
    attempt: Dialling,
    { error, remote, refused, others: found = [] }: Exclude<DialResult, { linked: DialedLink }>,
  ): void {
    attempt.patience?.cancel()
    this.#attempt = undefined
    // A carrier that the lost link did not come over says nothing of what became of the peer.
    const gone = refused && this.#lost && this.#former === attempt.carrier
    this.#owner.dialFailed(this, { error, remote, refused, gone, found })
    if (this.#current !== undefined) return this.#settle()
    const [next, ...others] = attempt.others
    if (next !== undefined && this.#target !== null) this.#dial(next, others, undefined)
    else this.dialLater()
  }

  /** Nothing takes the place of a link that has ended: it is lost. */
  #settle(): void {
    const current = this.#current
    if (current?.heldEnd !== undefined) this.#owner.lost(this, current.link, current.heldEnd)
  }
}

function spell({ addresses, relay }: DialTarget): string {
  return [...addresses, relay].join()
}
