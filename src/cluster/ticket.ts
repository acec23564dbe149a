/** What a node makes of the ticket that it was given: where to dial, and whether the ticket is for it at all. */
import { WireError } from '../lib/index.ts'
import { checkPeerHint } from '../peers/index.ts'
import type { PeerHint } from '../peers/index.ts'
import type { Signatures } from '../ports/index.ts'
import { parseTicket } from '../wire/index.ts'
import type { Ticket, UnprovenTicket } from '../wire/index.ts'
import { ConfigError } from './config/index.ts'

export interface GivenTicket {
  readonly clusterId: string | null
  readonly peers: readonly PeerHint[]
  /** Why nobody who is new may come by it any more; null while it is good. */
  readonly stale: string | null
}

export interface TicketChecks {
  /** What nodes with this node's cookie have in common. */
  readonly topic: Uint8Array
  /** Milliseconds since 1970. */
  readonly now: number
  readonly signatures: Pick<Signatures, 'endpointId' | 'verify'>
}

/** @throws ConfigError for a ticket that is none, was changed, or is for another cookie */
export function readTicket(text: string, { topic, now, signatures }: TicketChecks): GivenTicket {
  const { ticket, signedBytes, signature } = parse(text)
  if (!signatures.verify(ticket.issuer, signedBytes, signature))
    throw refused('it was changed since it was signed, or a part of it is missing')
  if (!Buffer.from(ticket.topic).equals(topic))
    throw refused('it is of a cluster with another cookie: give this node the cookie of that cluster')
  return { clusterId: ticket.clusterId, peers: peersOf(ticket, signatures.endpointId), stale: staleness(ticket, now) }
}

/**
 * Whether a node may start with a ticket, once it is known which cluster it belongs to; null for none. A member needs none: one that is too old does no harm.
 * @throws ConfigError
 */
export function checkTicket({ clusterId, stale }: GivenTicket, own: string | null): void {
  if (own !== null && clusterId !== null && own !== clusterId)
    throw refused(
      `it is of cluster ${clusterId}, and the data of this node is of cluster ${own}: start it with an empty data directory, or without the ticket`,
    )
  if (own === null && stale !== null) throw refused(`${stale}: ask a node of the cluster for another one, GET /cluster-ticket`)
}

function parse(text: string): UnprovenTicket {
  try {
    return parseTicket(text)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw refused(error.message)
  }
}

function peersOf({ peers }: Ticket, self: string): PeerHint[] {
  for (const peer of peers) {
    const problem = checkPeerHint(peer)
    if (problem !== undefined) throw refused(`of node ${peer.nodeId} it says what cannot be: ${problem}`)
  }
  return peers.filter(({ endpointId }) => endpointId !== self).map((peer) => ({ ...peer }))
}

function staleness({ expiresAt }: Ticket, now: number): string | null {
  if (now < expiresAt) return null
  return `it was good until ${new Date(Math.min(expiresAt, 8.64e15)).toISOString()}, by the clock of this machine`
}

function refused(why: string): ConfigError {
  return new ConfigError(`the ticket cannot be used: ${why}`)
}
