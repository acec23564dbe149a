/** What a node knows of others, and who told it. */

/** What carries a link. */
export type PeerPath = 'direct' | 'iroh-direct' | 'iroh-relay'

/** What one source said last of a peer. */
export interface PeerHearing {
  /**
   * `membership`: the configuration of the cluster; `peers`, `add-peer`, `ticket`: a person; `link`: the peer itself, over a link to it; `gossip`: the
   * peer itself, signed; `mdns`, `dns`, `pkarr`: discovery; `hearsay`: other peers.
   */
  readonly source: string
  /** `host:port`. */
  readonly addresses: readonly string[]
  readonly ageMs: number
}

export interface PeerView {
  readonly endpointId: string
  /** The id it is said to have, or null. */
  readonly nodeId: number | null
  /** Members and those whom somebody has named are dialled for ever; of strangers, a few at a time. */
  readonly standing: 'member' | 'named' | 'stranger'
  /** `waiting`: for the next dial; `known`: not dialled now. */
  readonly state: 'connected' | 'dialing' | 'waiting' | 'known'
  /** What carries the link; null without one. */
  readonly path: PeerPath | null
  /** Why the last attempt failed; null after one that did not. */
  readonly lastError: string | null
  /** In the order in which they are dialled. */
  readonly addresses: readonly string[]
  readonly relay: string | null
  readonly sources: readonly PeerHearing[]
}

/** One way of hearing of peers. */
export interface PeerSourceView {
  readonly source: string
  /** What it does, in words. */
  readonly detail: string
  /** Peers of which it spoke last. */
  readonly peers: number
  readonly lastError: string | null
}

export interface PeersReport {
  readonly peers: readonly PeerView[]
  readonly sources: readonly PeerSourceView[]
}

/** A peer by its key, or all that are said to have an id. */
export type PeerChoice = { readonly endpointId: string } | { readonly nodeId: number }

/** What somebody needs, beside the cookie, to find the cluster of a node. */
export interface ClusterTicket {
  /** Text to be given to `ticket` of another node: `aspen` and base32. Good for 24 hours. */
  readonly ticket: string
  /** What nodes with this cookie have in common: 64 hexadecimal digits. */
  readonly topicId: string
  /** Null while the node belongs to none. */
  readonly clusterId: string | null
  /** Of the node that signed it. */
  readonly endpointId: string
}

/** The peer book of one node. */
export interface PeerAdmin {
  /** A ticket to this node and to up to 15 others of its cluster. It lets nobody in: that takes the cookie. @throws AspenError NOT_IMPLEMENTED where there are no keys */
  clusterTicket(): Promise<ClusterTicket>
  /** Whom this node knows, who told it, and how it reaches them. */
  peers(): Promise<PeersReport>
  /**
   * Forgets a peer that is no member, and for ten minutes whatever others say of it: this node dials it no more, until somebody names it anew.
   * @throws AspenError NODE_UNKNOWN for one that is not in the book; INVALID_REQUEST for a member
   */
  removePeer(peer: PeerChoice): Promise<void>
}
