/** What a node says of itself when a link opens, and again whenever it changes. */
export interface Claims {
  readonly nodeId: number
  /** Null while the node belongs to no cluster. */
  readonly clusterId: string | null
  /** Where the node can be dialled, `host:port`. */
  readonly addresses: readonly string[]
}

/** A peer that has proven its key and the cookie over a live link. */
export interface LinkedPeer {
  readonly endpointId: string
  readonly claims: Claims
}

/** 'priority' is for small messages that must not wait behind bulk: heartbeats, votes, read rounds. */
export type Lane = 'priority' | 'bulk'

export type LinkEnd =
  /** Closed on purpose by either side. */
  | 'graceful'
  /** Ended without a word: the peer may have crashed. */
  | 'lost'

/** Called by the transport, never from inside a call to it. */
export interface TransportHandler {
  opened(peer: LinkedPeer): void
  /** The peer's claims changed. Messages that follow are said under the new claims. */
  claimed(peer: LinkedPeer): void
  closed(endpointId: string, end: LinkEnd): void
  /** A dial after a lost link was refused at every known address: nobody listens there. */
  refused(endpointId: string): void
  /** A message, whole and in the order of its lane. The bytes belong to the receiver. */
  message(endpointId: string, bytes: Uint8Array): void
}

export type PeerState = 'connected' | 'dialing' | 'waiting'

export interface PeerReport {
  readonly endpointId: string
  readonly state: PeerState
  readonly claims: Claims | null
  /** Why the last attempt failed, in words with a code first, or null. */
  readonly lastError: string | null
}

/**
 * Long-lived links between nodes, one active path per peer. Links carry whole messages, in order within a
 * lane, at most once; a message may be lost only together with its link or by a full queue.
 * Two nodes whose claimed clusters differ (both not null) are never linked.
 */
export interface Transport {
  /** This node's Ed25519 public key, lower-case hex, 64 characters. */
  readonly endpointId: string
  /** Starts listening; resolves when peers can dial. */
  start(handler: TransportHandler, claims: Claims): Promise<void>
  /** Where this node can be dialled. */
  addresses(): readonly string[]
  /** Keeps a link to this peer, dialling at these addresses with backoff. Called again: the addresses are replaced. */
  connect(endpointId: string, addresses: readonly string[]): void
  /** Stops dialling and closes the link, gracefully. */
  disconnect(endpointId: string): void
  /** Hands over a message, in parts to be joined; false when there is no link or its queue is full. */
  send(endpointId: string, parts: readonly Uint8Array[], lane: Lane): boolean
  /** Tells every linked peer what this node now says of itself; links that no longer fit are closed. */
  announce(claims: Claims): void
  peers(): readonly PeerReport[]
  close(): Promise<void>
}
