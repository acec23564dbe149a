import { envelopeVersion, LaterVersion, setVersionOf } from '../../commands/index.ts'
import type { Language } from '../../commands/index.ts'
import { unreachable } from '../../lib/index.ts'
import { MAX_PEERS } from '../../limits.ts'
import type { ChannelEnd, ChannelHandler, LinkedPeer } from '../../ports/index.ts'
import type { Message, NodeId } from '../../raft/index.ts'
import { decodePeerMessage, LaterAppendError, UnknownMessageError, WireError } from '../../wire/index.ts'
import type { DigestVerdict, ForwardReply, ForwardRequest, PeerMessage, PeerReminder, StateDigests } from '../../wire/index.ts'
import type { TurnContext } from '../turn/index.ts'
import type { Directory } from './directory.ts'
import { partOf } from './message-part.ts'
import type { SnapshotExchange } from './snapshot-exchange.ts'

/** Those who ask peers, and whom peers ask. */
export interface PeerHandlers {
  /** A peer hands over what only a leader can do. */
  forwarded(from: string, request: ForwardRequest): void
  /** A peer says what became of that which was handed to it. */
  answered(from: string, reply: ForwardReply): void
  /** A member's link is there. */
  linkOpened(): void
  /** A link is gone, whoever's it was. */
  linkClosed(endpointId: string): void
}

/** What peers' words change besides the core. */
export interface PeerNews {
  /** A peer has proven its key and said who it is. */
  linked(peer: LinkedPeer): void
  /** The link of this key is gone. */
  unlinked(endpointId: string): void
  /** This node belongs to no cluster, and one of this cluster has spoken to it. */
  join(clusterId: string): void
  /** The configuration may have changed since the last message. */
  followMembership(): void
  /** A node has said which digests its state had. */
  reported(digests: StateDigests): void
  /** The holder of a key has said this, and may say it. */
  spoke(endpointId: string, message: Message): void
  /** The link of this key has opened: nothing was said on it yet. */
  remind(endpointId: string): void
  /** The holder of a key has said what this node had promised. */
  reminded(endpointId: string, reminder: PeerReminder): void
  /** The leader has compared them. */
  judged(verdict: DigestVerdict): void
}

type IntakeContext = TurnContext<'input', 'id' | 'term' | 'tick' | 'step' | 'linkOpened' | 'linkClosed' | 'peerCrashed'>
type IntakeExchange = Pick<SnapshotExchange, 'chunk' | 'progressed' | 'acknowledged' | 'linkClosed' | 'wanted'>

/** Where peers' messages enter: decoded, checked against who sent them, and routed. What fails a check is refused and counted. */
export class Intake implements ChannelHandler {
  readonly #context: IntakeContext
  readonly #directory: Directory
  readonly #exchange: IntakeExchange
  readonly #news: PeerNews
  readonly #handlers: PeerHandlers
  /** The ids of links at their opening, for when the configuration has changed by their end. */
  readonly #ids = new Map<string, NodeId>()

  constructor(context: IntakeContext, directory: Directory, exchange: IntakeExchange, news: PeerNews, handlers: PeerHandlers) {
    this.#context = context
    this.#directory = directory
    this.#exchange = exchange
    this.#news = news
    this.#handlers = handlers
  }

  opened(peer: LinkedPeer): void {
    this.#input(() => {
      // Before anything that could make it take part, or repair what it lacks.
      this.#news.remind(peer.endpointId)
      this.#meet(peer)
    })
  }

  claimed(peer: LinkedPeer): void {
    this.#input(() => this.#meet(peer))
  }

  #meet(peer: LinkedPeer): void {
    this.#directory.linked(peer)
    this.#news.linked(peer)
    this.#ids.delete(peer.endpointId)
    this.#ids.set(peer.endpointId, peer.claims.nodeId)
    if (this.#ids.size > MAX_PEERS) this.#ids.delete(this.#ids.keys().next().value as string)
    const id = this.#directory.idOf(peer.endpointId)
    if (id === undefined) return
    this.#context.raft.linkOpened(id)
    this.#handlers.linkOpened()
  }

  closed(endpointId: string, end: ChannelEnd): void {
    this.#input(() => {
      const id = this.#directory.idOf(endpointId)
      const leader = end === 'detached' ? this.#leaderOn(endpointId) : undefined
      this.#directory.unlinked(endpointId)
      this.#news.unlinked(endpointId)
      if (id !== undefined) {
        this.#context.raft.linkClosed(id)
        this.#exchange.linkClosed(id)
      }
      this.#handlers.linkClosed(endpointId)
      // Its replica has ended, and says so: nobody has to wait for an election timeout to know.
      if (leader !== undefined) this.#context.raft.peerCrashed(leader)
    })
  }

  refused(endpointId: string): void {
    this.#input(() => {
      const leader = this.#leaderOn(endpointId)
      if (leader !== undefined && this.#directory.link(endpointId) === undefined) this.#context.raft.peerCrashed(leader)
    })
  }

  /** Whom this key leads as, if it is the one that leads under its id. */
  #leaderOn(endpointId: string): NodeId | undefined {
    const id = this.#ids.get(endpointId)
    return id !== undefined && this.#directory.isLeading(id, endpointId) ? id : undefined
  }

  message(endpointId: string, bytes: Uint8Array): void {
    this.#input(() => {
      const message = this.#decode(endpointId, bytes)
      if (message !== undefined) this.#route(endpointId, message)
    })
  }

  /** Takes in what the transport says, so that a failed invariant stops the node and nothing else. */
  #input(run: () => void): void {
    this.#context.loop.input(() => {
      // What came before may have changed who is who.
      this.#news.followMembership()
      run()
    })
  }

  #decode(endpointId: string, bytes: Uint8Array): PeerMessage | undefined {
    try {
      return decodePeerMessage(bytes, this.#context.language.version)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      if (error instanceof LaterAppendError) {
        this.#stopBefore(endpointId, error)
        return undefined
      }
      const { refused } = this.#context.metrics
      if (error instanceof UnknownMessageError) refused[error.part].add()
      else refused.malformed.add()
      return undefined
    }
  }

  /**
   * What a leader replicates is the cluster's. A node that cannot know what it means must not go on as if it had not been said,
   * nor hold it without being able to apply it. Others cannot stop it so: a word of theirs is refused like any.
   */
  #stopBefore(endpointId: string, error: LaterAppendError): void {
    const { from, to, term } = error
    const { raft } = this.#context
    const said: PeerMessage = {
      type: 'raft',
      message: { type: 'heartbeat', from, to, term, commit: 0, incarnation: 0, round: 0 },
    }
    if (this.#heardAs(endpointId, said) !== undefined && term >= raft.term) throw error
  }

  #route(endpointId: string, message: PeerMessage): void {
    if (message.type === 'raft' && message.message.type === 'snapshot') {
      // Snapshots come in chunks; the offer of a whole one is this node's own word to its core.
      this.#context.metrics.refused.malformed.add()
      return
    }
    const id = this.#heardAs(endpointId, message)
    if (id === undefined) return
    const leads = partOf(message) === 'lead' && termOf(message) >= this.#context.raft.term
    if (leads) {
      this.#directory.leads(id, endpointId)
      assertKnown(message, this.#context.language)
    }
    this.#dispatch(endpointId, message)
  }

  /** The node that the holder of this key may say this as, here; counted when there is none. */
  #heardAs(endpointId: string, message: PeerMessage): NodeId | undefined {
    const id = this.#speakerOn(endpointId, message)
    const misdirected = message.type === 'raft' && message.message.to !== this.#context.raft.id
    if (id === undefined || speaker(message, id) !== id || misdirected) {
      this.#context.metrics.refused.stranger.add()
      return undefined
    }
    if (this.#sameCluster(endpointId, message)) return id
    this.#context.metrics.refused.cluster.add()
    return undefined
  }

  #dispatch(endpointId: string, message: PeerMessage): void {
    switch (message.type) {
      case 'raft':
        this.#news.spoke(endpointId, message.message)
        this.#step({ ...message.message, via: endpointId })
        break
      case 'forward':
        this.#handlers.forwarded(endpointId, message)
        break
      case 'forward-reply':
        this.#handlers.answered(endpointId, message)
        break
      case 'snapshot-chunk':
        this.#exchange.chunk(message)
        break
      case 'snapshot-progress':
        this.#exchange.progressed(message)
        break
      case 'state-digests':
        this.#news.reported(message)
        break
      case 'digest-verdict':
        this.#news.judged(message)
        break
      case 'snapshot-wanted':
        this.#exchange.wanted(message)
        break
      case 'reminder':
        this.#news.reminded(endpointId, message)
        break
      default:
        return unreachable(message)
    }
  }

  #step(message: Message): void {
    const { clock, raft } = this.#context
    raft.tick(clock.now())
    raft.step(message)
    if (message.type === 'append-response' && message.success) this.#exchange.acknowledged(message.from, message.match)
  }

  /**
   * The id for which the holder of a key may say this, or undefined when it may not. A configuration that is behind binds an id to a
   * key that was replaced since; who campaigns or leads under the id now is heard, and answered: when its term is over, it has to learn so.
   */
  #speakerOn(endpointId: string, message: PeerMessage): NodeId | undefined {
    const id = this.#directory.idOf(endpointId)
    const claim = this.#directory.claimOf(endpointId)
    if (id !== undefined || claim === undefined) return id
    const part = partOf(message)
    if (part === 'serve') return this.#directory.isLeading(claim, endpointId) ? claim : undefined
    return part === 'campaign' || part === 'lead' ? claim : undefined
  }

  /**
   * Only members of one cluster speak. A node of none joins the cluster of the first leader or candidate that speaks
   * to it: they speak to the keys in their configuration only.
   */
  #sameCluster(endpointId: string, message: PeerMessage): boolean {
    const theirs = this.#directory.link(endpointId)?.claims.clusterId ?? null
    const ours = this.#context.cluster.id
    // Before there is a cluster, or while it comes into being, who is to found it is asked, and answers the node of none that asked.
    if (message.type === 'forward' && message.operation === 'found' && (theirs === null || ours === null)) return true
    if (message.type === 'forward-reply' && ours === null) return true
    if (theirs === null) return false
    if (ours !== null) return theirs === ours
    // It may be that this node belonged to it, and has forgotten even that.
    if (message.type === 'reminder') return true
    if (message.type !== 'raft') return message.type === 'snapshot-chunk'
    const { type } = message.message
    if (type !== 'append' && type !== 'heartbeat' && type !== 'vote') return false
    this.#news.join(theirs)
    return true
  }
}

/**
 * What a leader replicates, this node has to apply some day: it must not take what it will not understand.
 * @throws LaterVersion
 */
function assertKnown(message: PeerMessage, language: Language): void {
  if (message.type !== 'raft' || message.message.type !== 'append') return
  for (const { index, kind, payload } of message.message.entries) {
    const needs = kind === 'command' ? envelopeVersion(payload) : kind === 'version' ? setVersionOf(payload) : 0
    if (needs > language.version) throw new LaterVersion(`entry ${index} of the leader`, needs, language.version)
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
    case 'state-digests':
    case 'digest-verdict':
    case 'snapshot-wanted':
    case 'reminder':
      return message.from
    case 'forward':
    case 'forward-reply':
      return linked
    default:
      return unreachable(message)
  }
}
