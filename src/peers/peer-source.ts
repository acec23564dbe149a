/**
 * Who said where a peer can be dialled, and how much that counts when there is no room for all. The configuration of the cluster
 * comes first, then what a person asked for, then a ticket, then a peer that proved its key and the cookie, then what anybody may say: under its
 * own signature by `gossip`, of others by `hearsay`.
 */
const RANKS = {
  hearsay: 0,
  gossip: 1,
  mdns: 1,
  dns: 1,
  pkarr: 1,
  link: 2,
  ticket: 3,
  peers: 4,
  'add-peer': 4,
  membership: 5,
} as const

export type PeerSource = keyof typeof RANKS

export const PEER_SOURCES: readonly PeerSource[] = Object.keys(RANKS) as PeerSource[]

/** From here on somebody has named the peer: it is dialled for as long as it is known, and does not age. */
export const ASKED_FOR_RANK: number = RANKS.ticket

export function rankOf(source: PeerSource): number {
  return RANKS[source]
}
