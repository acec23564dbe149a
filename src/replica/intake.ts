import { MAX_PEERS } from '../limits.ts'
import type { Counter, LinkedPeer, LinkEnd, Metrics, TransportHandler } from '../ports/index.ts'
import type { Message, NodeId } from '../raft/index.ts'
import { decodePeerMessage, WireError } from '../wire/index.ts'
import type { ForwardReply, ForwardRequest, PeerMessage, SnapshotChunk, SnapshotProgress } from '../wire/index.ts'
import type { Directory } from './directory.ts'
import { partOf } from './message-part.ts'

export interface IntakeOptions {
  readonly nodeId: NodeId
  readonly directory: Directory
  readonly metrics: Metrics
  readonly clusterId: () => string | null
  readonly term: () => number
  /** This node belonged to no cluster; a leader of this one has spoken to it. */
  readonly adopt: (clusterId: string) => void
  readonly raft: (message: Message) => void
  readonly forward: (from: string, request: ForwardRequest) => void
  readonly forwardReply: (from: string, reply: ForwardReply) => void
  /** A peer has proven its key and said who it is. */
  readonly linked: (peer: LinkedPeer) => void
  readonly snapshotChunk: (chunk: SnapshotChunk) => void
  readonly snapshotProgress: (progress: SnapshotProgress) => void
  readonly linkOpened: (id: NodeId) => void
  /** A member's link is gone. */
  readonly linkClosed: (id: NodeId, endpointId: string, end: LinkEnd) => void
  /** A link is gone, whoever's it was. */
  readonly linkEnded: (endpointId: string) => void
  readonly crashed: (id: NodeId) => void
  /** Runs an input so that a failed invariant stops the node and nothing else. */
  readonly guard: (run: () => void) => void
}

/** Where peers' messages enter: decoded, checked against who sent them, and routed. What fails a check is refused and counted. */
export class Intake implements TransportHandler {
  readonly #options: IntakeOptions
  readonly #refused: Record<'malformed' | 'stranger' | 'cluster', Counter>
  /** The ids of links at their opening, for when the configuration has changed by their end. */
  readonly #ids = new Map<string, NodeId>()

  constructor(options: IntakeOptions) {
    this.#options = options
    const counter = (reason: string): Counter => options.metrics.counter('aspen_peer_messages_refused_total', { reason })
    this.#refused = { malformed: counter('malformed'), stranger: counter('stranger'), cluster: counter('cluster') }
  }

  opened(peer: LinkedPeer): void {
    this.#options.guard(() => {
      this.#options.directory.linked(peer)
      this.#options.linked(peer)
      this.#ids.delete(peer.endpointId)
      this.#ids.set(peer.endpointId, peer.claims.nodeId)
      if (this.#ids.size > MAX_PEERS) this.#ids.delete(this.#ids.keys().next().value as string)
      const id = this.#options.directory.idOf(peer.endpointId)
      if (id !== undefined) this.#options.linkOpened(id)
    })
  }

  claimed(peer: LinkedPeer): void {
    this.opened(peer)
  }

  closed(endpointId: string, end: LinkEnd): void {
    this.#options.guard(() => {
      const { directory } = this.#options
      const id = directory.idOf(endpointId)
      directory.unlinked(endpointId)
      if (id !== undefined) this.#options.linkClosed(id, endpointId, end)
      this.#options.linkEnded(endpointId)
    })
  }

  refused(endpointId: string): void {
    this.#options.guard(() => {
      const id = this.#ids.get(endpointId)
      const known = id !== undefined && this.#options.directory.isLeading(id, endpointId)
      if (known && this.#options.directory.link(endpointId) === undefined) this.#options.crashed(id)
    })
  }

  message(endpointId: string, bytes: Uint8Array): void {
    this.#options.guard(() => {
      const message = this.#decode(bytes)
      if (message !== undefined) this.#route(endpointId, message)
    })
  }

  #decode(bytes: Uint8Array): PeerMessage | undefined {
    try {
      return decodePeerMessage(bytes)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#refused.malformed.add()
      return undefined
    }
  }

  #route(endpointId: string, message: PeerMessage): void {
    if (message.type === 'raft' && message.message.type === 'snapshot') {
      // Snapshots come in chunks; the offer of a whole one is this node's own word to its core.
      this.#refused.malformed.add()
      return
    }
    const { nodeId } = this.#options
    const id = this.#speakerOn(endpointId, message)
    const misdirected = message.type === 'raft' && message.message.to !== nodeId
    if (id === undefined || speaker(message, id) !== id || misdirected) {
      this.#refused.stranger.add()
      return
    }
    if (!this.#sameCluster(endpointId, message)) {
      this.#refused.cluster.add()
      return
    }
    const leads = partOf(message) === 'lead' && termOf(message) >= this.#options.term()
    if (leads) this.#options.directory.leads(id, endpointId)
    switch (message.type) {
      case 'raft':
        this.#options.raft({ ...message.message, via: endpointId })
        break
      case 'forward':
        this.#options.forward(endpointId, message)
        break
      case 'forward-reply':
        this.#options.forwardReply(endpointId, message)
        break
      case 'snapshot-chunk':
        this.#options.snapshotChunk(message)
        break
      case 'snapshot-progress':
        this.#options.snapshotProgress(message)
        break
    }
  }

  /**
   * The id for which the holder of a key may say this, or undefined when it may not. A configuration that is behind binds an id to a
   * key that was replaced since; who campaigns or leads under the id now is heard, and answered: when its term is over, it has to learn so.
   */
  #speakerOn(endpointId: string, message: PeerMessage): NodeId | undefined {
    const { directory } = this.#options
    const id = directory.idOf(endpointId)
    const claim = directory.claimOf(endpointId)
    if (id !== undefined || claim === undefined) return id
    const part = partOf(message)
    if (part === 'serve') return directory.isLeading(claim, endpointId) ? claim : undefined
    return part === 'campaign' || part === 'lead' ? claim : undefined
  }

  /**
   * Only members of one cluster speak. A node of none joins the cluster of the first leader or candidate that speaks
   * to it: they speak to the keys in their configuration only.
   */
  #sameCluster(endpointId: string, message: PeerMessage): boolean {
    const theirs = this.#options.directory.link(endpointId)?.claims.clusterId ?? null
    const ours = this.#options.clusterId()
    if (theirs === null) return false
    if (ours !== null) return theirs === ours
    if (message.type !== 'raft') return message.type === 'snapshot-chunk'
    const { type } = message.message
    if (type !== 'append' && type !== 'heartbeat' && type !== 'vote') return false
    this.#options.adopt(theirs)
    return true
  }
}

function termOf(message: PeerMessage): number {
  if (message.type === 'raft') return message.message.term
  return 'term' in message ? message.term : 0
}

/** The id a message says it is from; messages without one are from whoever the link belongs to. */
function speaker(message: PeerMessage, linked: NodeId): NodeId {
  switch (message.type) {
    case 'raft':
      return message.message.from
    case 'snapshot-chunk':
    case 'snapshot-progress':
      return message.from
    case 'forward':
    case 'forward-reply':
      return linked
  }
}
