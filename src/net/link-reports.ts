import type { Claims, Clock, CounterName, Labels, Lane, LinkEnd, Logger, Metrics } from '../ports/index.ts'
import { describeFailure } from './link-error.ts'
import type { LinkError } from './link-error.ts'

/** That an identity is used twice is said at most this often, while it lasts. */
const IDENTITY_ERROR_INTERVAL_MS = 60_000
/** Strangers' failures are logged as warnings at most this often. */
const STRANGER_WARNING_INTERVAL_MS = 1_000

/** Says what happens to links: in the log, and in the metrics `aspen_link_*`. */
export class LinkReports {
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #clock: Clock
  #nextStrangerWarning = 0
  #nextIdentityError = 0

  constructor(logger: Logger, metrics: Metrics, clock: Clock) {
    this.#logger = logger
    this.#metrics = metrics
    this.#clock = clock
  }

  opened(endpointId: string, claims: Claims, outbound: boolean): void {
    this.#count('aspen_link_opened_total', { direction: outbound ? 'outbound' : 'inbound' })
    this.#logger.log('info', 'link opened', { endpointId, nodeId: claims.nodeId, outbound })
  }

  closed(endpointId: string, end: LinkEnd, error: Error | undefined): void {
    this.#count('aspen_link_closed_total', { end })
    if (error !== undefined) this.#count('aspen_link_failures_total', { code: failureCode(error) })
    this.#logger.log('info', 'link closed', { endpointId, end, reason: error === undefined ? null : describeFailure(error) })
  }

  /** Somebody who is no peer has a link of another protocol. They come and go: the log of a quiet node does not name each. */
  served(endpointId: string, protocol: string): void {
    this.#count('aspen_link_opened_total', { direction: protocol })
    this.#logger.log('debug', 'link opened', { endpointId, protocol })
  }

  servedEnd(endpointId: string, protocol: string, end: LinkEnd, error: Error | undefined): void {
    this.#count('aspen_link_closed_total', { end })
    if (error !== undefined) this.#count('aspen_link_failures_total', { code: failureCode(error) })
    const reason = error === undefined ? null : describeFailure(error)
    this.#logger.log('debug', 'link closed', { endpointId, protocol, end, reason })
  }

  /** An attempt led to no link. `isNews` is undefined for a stranger: anyone can dial, and the log is not theirs to fill. */
  failed(endpointId: string, error: Error, isNews: boolean | undefined): void {
    this.#count('aspen_link_failures_total', { code: failureCode(error) })
    const level = (isNews ?? this.#mayWarnOfStranger()) ? 'warn' : 'debug'
    this.#logger.log(level, 'no link', { endpointId, reason: describeFailure(error) })
  }

  /** Two processes have one identity: this node and another one, if the peer says so, or two that are peers of this node. */
  identityInUse(endpointId: string, { byPeer, message }: LinkError): void {
    const now = this.#clock.now()
    if (now < this.#nextIdentityError) return
    this.#nextIdentityError = now + IDENTITY_ERROR_INTERVAL_MS
    const whose = byPeer ? "another process has this node's identity" : 'two processes have the identity of one peer'
    this.#logger.log('error', whose, { endpointId, reason: message })
  }

  /** A connection was closed before its handshake began. */
  rejected(reason: string): void {
    this.#count('aspen_link_rejected_connections_total', { reason })
  }

  /** A message found no room in its link's queue. */
  dropped(lane: Lane): void {
    this.#count('aspen_link_dropped_messages_total', { lane })
  }

  /** A message came for a use of the links that this node does not have, or not now. */
  unclaimed(): void {
    this.#count('aspen_peer_messages_refused_total', { reason: 'channel' })
  }

  tooManyPeers(endpointId: string, limit: number): void {
    this.#logger.log('warn', 'a peer is not dialled: the transport knows as many as it may', { endpointId, limit })
  }

  #mayWarnOfStranger(): boolean {
    const now = this.#clock.now()
    if (now < this.#nextStrangerWarning) return false
    this.#nextStrangerWarning = now + STRANGER_WARNING_INTERVAL_MS
    return true
  }

  #count(name: CounterName, labels: Labels): void {
    this.#metrics.counter(name, labels).add()
  }
}

/** The code a failure is counted under: this program's or the system's, never a peer's words. */
function failureCode(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? 'OTHER'
}
