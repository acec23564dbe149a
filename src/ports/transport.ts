/** What a node says of itself when a link opens, and again whenever it changes. */
/** The cluster whose state another one was founded from (`aspen-node recover`, `restore`). */
export interface FoundedFrom {
  readonly clusterId: string
  /** The node that founded it. */
  readonly nodeId: number
  /** By its wall clock, in milliseconds since 1970. */
  readonly foundedAt: number
}

export interface Claims {
  readonly nodeId: number
  /** Null while the node belongs to no cluster. */
  readonly clusterId: string | null
  /** Where the node can be dialled, `host:port`. */
  readonly addresses: readonly string[]
  /** The highest version of the command language that the node can apply. */
  readonly languageVersion: number
  /** Of the program, for people; absent when it does not say. */
  readonly programVersion?: string
  /** Where its cluster comes from; absent when it was founded with nothing, or the node does not know. */
  readonly foundedFrom?: FoundedFrom
}

/** A peer that has proven its key and the cookie over a live link. */
export interface LinkedPeer {
  readonly endpointId: string
  readonly claims: Claims
  /** Where the link itself shows that the peer can be dialled, `host:port`; absent where links show nothing of the kind. */
  readonly seenAt?: readonly string[]
}

/**
 * 'priority' is for small messages that must not wait behind others: heartbeats, votes, read rounds. 'normal' is for what somebody
 * waits for: appends, requests, answers. 'bulk' is for what takes what the others leave: snapshots, transfers.
 */
export type Lane = 'priority' | 'normal' | 'bulk'

export type LinkEnd =
  /** Closed on purpose by either side. */
  | 'graceful'
  /** Ended without a word: the peer may have crashed. */
  | 'lost'
  /** The same life of the peer is linked over another path from now on. What was on its way may be lost. */
  | 'moved'

/** What ends a peer on a channel: its link has, or it takes no part in the channel any more, and its link lives on. */
export type ChannelEnd = LinkEnd | 'detached'

/** Called by the transport, never from inside a call to it. */
export interface ChannelHandler {
  opened(peer: LinkedPeer): void
  /** The peer's claims changed. Messages that follow are said under the new claims. */
  claimed(peer: LinkedPeer): void
  /** Nothing is heard of the peer here until it is `opened` again. */
  closed(endpointId: string, end: ChannelEnd): void
  /** A dial after a lost link was refused at every known address: nobody listens there. */
  refused(endpointId: string): void
  /** A message on this channel, whole and in the order of its lane. The bytes belong to the receiver. */
  message(endpointId: string, bytes: Uint8Array): void
}

/** One use of the links between nodes. It has the same number on all of them. */
export interface ChannelKind {
  /** From 0 to 63. */
  readonly id: number
  /** For logs and metrics. */
  readonly name: string
  /** The best lane that its messages may take; what asks for a better one takes this. */
  readonly topLane: Lane
  /** Bytes of its messages that may wait to leave over one link. */
  readonly maxQueueBytes: number
}

/** A channel while somebody is attached to it. */
export interface Channel {
  /** Hands over a message, in parts to be joined; false when there is no link, the peer takes no part, the queue is full, or the channel is detached. */
  send(endpointId: string, parts: readonly Uint8Array[], lane: Lane): boolean
  /**
   * Nothing is reported and nothing is sent any more; another may attach. What was handed over leaves all the same. Linked peers are
   * told, ahead of what is said later: for them this node is closed on the channel, and opened again when another attaches.
   */
  detach(): void
}

export type PeerState = 'connected' | 'dialing' | 'waiting'

/** What carries a link: TLS over TCP, or QUIC as iroh has it, between the two machines or through a relay. */
export type PathKind = 'direct' | 'iroh-direct' | 'iroh-relay'

export interface PeerReport {
  readonly endpointId: string
  readonly state: PeerState
  readonly claims: Claims | null
  /** Why the last attempt failed, in words with a code first, or null. */
  readonly lastError: string | null
  /** What carries the link; null while there is none. */
  readonly path: PathKind | null
}

/** A member of a cluster dialled this node's address, and expected another key there. It has proven its own key, and nothing else. */
export interface MistakenDial {
  readonly endpointId: string
  /** Where it dialled from; null when that is not known. */
  readonly remote: string | null
  /** Who it says that it is, and whom it expected. */
  readonly words: string
}

/** Whom to keep a link to, and where it may be found. */
export interface DialTarget {
  readonly endpointId: string
  /** `host:port`; may be empty. */
  readonly addresses: readonly string[]
  /** The relay that the peer is reached through, for transports that know relays. */
  readonly relay: string | null
}

/** The links of a node, as those see them who speak over them. When they begin and end is their owner's business. */
export interface Links {
  /** This node's Ed25519 public key, lower-case hex, 64 characters. */
  readonly endpointId: string
  /**
   * Takes part in a channel, at any time in the transport's life. What is linked already is reported as `opened` before anything
   * else. At most one may be attached to a channel at a time. What arrives on a channel while nobody is, is dropped and counted.
   */
  attach(kind: ChannelKind, handler: ChannelHandler): Channel
  peers(): readonly PeerReport[]
}

/** Of this process, over all protocols. */
export interface ConnectionStats {
  readonly open: number
  /** Of those, who has not proven itself yet. */
  readonly pending: number
  readonly max: number
  readonly accepted: number
  /** Closed because there were too many, or because they did not prove what they had to. */
  readonly refused: number
}

export interface IncomingConnections {
  readonly stats: ConnectionStats
  /** How many there may be from now on, 1 to what the process has descriptors for. Those there are stay. */
  limit(max: number): void
  readonly limits: { readonly min: number; readonly max: number }
}

/**
 * Long-lived links between nodes, one active path per peer. Links carry whole messages, in order within a channel and
 * lane, at most once; a message may be lost only together with its link or by a full queue.
 * Two nodes whose claimed clusters differ (both not null) are never linked.
 */
export interface Transport extends Links {
  /** Starts listening; resolves when peers can dial. */
  start(claims: Claims): Promise<void>
  /** Where this node can be dialled. */
  addresses(): readonly string[]
  /** The relay that this node is reached through, a URL; null, or absent, where there is none. */
  relay?(): string | null
  /** Keeps a link to this peer, dialling with backoff. Called again: the addresses are replaced. */
  connect(target: DialTarget): void
  /** Stops dialling and closes the link, gracefully. */
  disconnect(endpointId: string): void
  /** Changes what this node says of itself and tells every linked peer; links that no longer fit are closed. */
  announce(change: Partial<Claims>): void
  /** Connections that others make to this node; absent where there are none to count. */
  readonly incoming?: IncomingConnections
  /** Has `told` hear who listens where another peer was dialled, from now on: it has proven its key. Absent where addresses are made of keys. */
  onFound?(told: (endpointId: string, address: string) => void): void
  /** The last of the members that took this node for another one, in the last minute; absent where addresses are made of keys. */
  mistaken?(): MistakenDial | null
  close(): Promise<void>
}

/** Why a link was refused, or ended on purpose. */
export type LinkRefusalCode =
  | 'MALFORMED'
  | 'VERSION_MISMATCH'
  | 'KEY_MISMATCH'
  | 'SELF'
  | 'COOKIE_MISMATCH'
  | 'CLUSTER_MISMATCH'
  | 'DUPLICATE'
  | 'OVERLOADED'
  | 'STOPPING'
  /** Two processes that run now have the identity of the refused one. */
  | 'IDENTITY_IN_USE'
  /** For a reason that only a later version has a code for. */
  | 'REFUSED'

/** What the other end of a link is told when the link is refused, or ends on purpose. */
export interface LinkRefusal {
  readonly code: LinkRefusalCode
  /** Facts for people, such as both cluster ids; may be empty. */
  readonly detail: string
}

/** A link of a served protocol: its other end has proven a key and the cookie, and is nobody's peer. */
export interface ServedLink {
  readonly endpointId: string
  /** Bytes handed over that the system has not taken yet. */
  readonly backlogBytes: number
  /** False when the queue is full or the link is ending. */
  send(parts: readonly Uint8Array[], lane: Lane): boolean
  /** Sends what is queued, says why, and closes. The end is reported at once. */
  finish(reason?: LinkRefusal): void
  /** Closes without a word to the other end. The error, counted by its code, says why to whoever reads this node's log. */
  abandon(error: Error): void
}

/**
 * A protocol beside that of peers, told apart by its name in the same accept loop. Whoever has proven its key and the cookie gets a
 * link of its own; such a link is nobody's path to a peer, and what its other end claims of itself binds nothing.
 */
export interface ServedProtocol {
  /** The ALPN name, such as `aspen/client/1`. A proof made for one protocol is worth nothing in another. */
  readonly protocol: string
  /** Links at a time; one more is refused. */
  readonly maxLinks: number
  /** Of each link, towards the other end. */
  readonly maxQueueBytes: number
  readonly keepAliveMs: number
  opened(link: ServedLink): void
  message(link: ServedLink, bytes: Uint8Array): void
  /** The last word about a link. */
  ended(link: ServedLink): void
  /** No link is accepted any more. Resolves when those there are may be finished. */
  closing(): Promise<void>
}
