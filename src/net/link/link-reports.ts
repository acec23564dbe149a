import { LOST_DISK_ADVICE, parseAddress } from '../../api/index.ts'
import type { Claims, CounterName, Labels, Lane, LinkEnd, Logger, Metrics, MistakenDial, PathKind } from '../../ports/index.ts'
import { describeFailure } from './link-error.ts'
import type { LinkError } from './link-error.ts'

/** So many times a link to one peer may come and go within a minute before that is counted. */
const LINK_BURST = 3

/** An attempt to make a link. */
export interface Attempted {
  /** Whose key it was, or should have been. */
  readonly endpointId: string
  /** The address that was dialled, or that the dial came from; null when it did not come so far. */
  readonly remote: string | null
  /** For a peer that this node knows; the keys of strangers are for them to draw, so these are told apart by their hosts. */
  readonly isKnown: boolean
}

/** Says what happens to links: in the log, and in the metrics `aspen_link_*`. */
export class LinkReports {
  readonly #logger: Logger
  readonly #metrics: Metrics

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger
    this.#metrics = metrics
  }

  opened(endpointId: string, claims: Claims, { outbound, path }: { readonly outbound: boolean; readonly path: PathKind }): void {
    this.#count('aspen_link_opened_total', { direction: outbound ? 'outbound' : 'inbound' })
    const facts = { endpointId, nodeId: claims.nodeId, outbound, path }
    this.#logger.log('info', 'link opened', facts, { cause: 'LINK_OPENED', from: endpointId, burst: LINK_BURST })
  }

  closed(endpointId: string, end: LinkEnd, error: Error | undefined): void {
    this.#count('aspen_link_closed_total', { end })
    if (error !== undefined) this.#count('aspen_link_failures_total', { code: failureCode(error) })
    const facts = { endpointId, end, reason: error === undefined ? null : describeFailure(error) }
    this.#logger.log('info', 'link closed', facts, { cause: 'LINK_CLOSED', from: endpointId, burst: LINK_BURST })
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

  /** An attempt led to no link. Anyone can dial, and anything may answer. */
  failed({ endpointId, remote, isKnown }: Attempted, error: Error): void {
    const cause = failureCode(error)
    this.#count('aspen_link_failures_total', { code: cause })
    const from = isKnown ? endpointId : hostOf(remote)
    this.#logger.log('warn', 'no link', { endpointId, remote, reason: describeFailure(error) }, { cause, from })
  }

  /** A node of no cluster is taken for a member of one. */
  mistaken({ endpointId, remote, words: said }: MistakenDial): void {
    const words = `a cluster knows this address under another key. ${LOST_DISK_ADVICE}`
    this.#logger.log('error', words, { endpointId, remote, said }, { cause: 'LOST_DISK', from: hostOf(remote) })
  }

  /** Two processes have one identity: this node and another one, if the peer says so, or two that are peers of this node. */
  identityInUse({ endpointId, remote }: Attempted, { byPeer, message, code }: LinkError): void {
    this.#count('aspen_link_failures_total', { code })
    const whose = byPeer ? "another process has this node's identity" : 'two processes have the identity of one peer'
    this.#logger.log('error', whose, { endpointId, remote, reason: message }, { cause: code, from: endpointId })
  }

  /** A connection was closed before its handshake began, for a reason with a code and in words. */
  rejected(reason: string, text: string, remote: string | null): void {
    this.#count('aspen_link_rejected_connections_total', { reason })
    const facts = { remote, reason: `${reason}: ${text}` }
    this.#logger.log('warn', 'a connection was refused', facts, { cause: reason, from: hostOf(remote) })
  }

  /** What carries links over one of the paths has ended of itself, with all its links. It is started again. */
  carrierEnded(carrier: string, error: Error): void {
    const facts = { carrier, reason: describeFailure(error) }
    this.#logger.log('error', 'a way to other nodes has broken down; it is tried again', facts, {
      cause: 'CARRIER_ENDED',
      from: carrier,
    })
  }

  /** What would carry links over another path cannot be had. Everything else goes on. */
  noCarrier(carrier: string, error: Error): void {
    const words = `this node goes on without ${carrier}`
    this.#logger.log('warn', words, { reason: describeFailure(error) }, { cause: 'NO_CARRIER', from: carrier })
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
    this.#logger.log('warn', 'a peer is not dialled: the transport knows as many as it may; forget some by POST /forget-peer', {
      endpointId,
      limit,
    })
  }

  #count(name: CounterName, labels: Labels): void {
    this.#metrics.counter(name, labels).add()
  }
}

/** The code a failure is counted under: this program's or the system's, never a peer's words. */
function failureCode(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? 'OTHER'
}

/** Connections of one source differ in their ports. */
function hostOf(remote: string | null): string {
  return remote === null ? '' : (parseAddress(remote)?.host ?? remote)
}
