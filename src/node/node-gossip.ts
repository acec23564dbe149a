/** The gossip of a node: it lives in the GossipActor, anew after a failure, and others ask this for it. */
import type { ChannelHandler, Clock, Links } from '../ports/index.ts'
import { ASKED_FOR_RANK, GossipDiscovery, standingOf } from '../peers/index.ts'
import type { GossipHost, GossipReport, PeerBook, PeerHint, Self } from '../peers/index.ts'
import type { ReplicaView } from '../replica/index.ts'
import type { NodePorts } from './node-ports.ts'

/** What one life of it tells its actor. */
export interface GossipLife {
  readonly heard: (hint: PeerHint) => void
  /** It has failed. */
  readonly fail: (error: Error) => void
}

export interface NodeGossipParts {
  readonly ports: NodePorts
  readonly nodeId: number
  readonly book: PeerBook
  /** The replica as it is now. */
  readonly raft: { readonly view: Pick<ReplicaView, 'clusterId' | 'poisoned'> }
}

export class NodeGossip {
  readonly #parts: NodeGossipParts
  #present: GossipDiscovery | null = null

  constructor(parts: NodeGossipParts) {
    this.#parts = parts
  }

  /** Null while there is none. */
  get report(): GossipReport | null {
    return this.#present?.report ?? null
  }

  /** Whether this peer tells everybody of itself. */
  speaks(endpointId: string): boolean {
    return this.#present?.speaks(endpointId) === true
  }

  /** How each life of it begins; null where it is switched off. */
  get begin(): ((life: GossipLife) => GossipDiscovery) | null {
    const { ports, nodeId } = this.#parts
    const { gossip, signatures, transport, clock, random } = ports
    if (gossip === undefined || signatures === undefined) return null
    return (life) => {
      const host = new Host(this.#parts, life)
      const own = { nodeId, random, signatures, host, ...gossip }
      const links = guardedLinks(transport, life.fail)
      this.#present = new GossipDiscovery({ ...own, links, clock: guardedClock(clock, life.fail) })
      return this.#present
    }
  }
}

/** A node, for one life of its gossip. */
class Host implements GossipHost {
  readonly #parts: NodeGossipParts
  readonly #life: GossipLife

  constructor(parts: NodeGossipParts, life: GossipLife) {
    this.#parts = parts
    this.#life = life
  }

  get isSound(): boolean {
    return this.#parts.raft.view.poisoned === null
  }

  get capacity(): number {
    return this.#parts.book.capacity
  }

  get clusterId(): string | null {
    return this.#parts.raft.view.clusterId
  }

  self(): Self {
    const { ports } = this.#parts
    const { transport } = ports
    return { clusterId: this.clusterId, addresses: transport.addresses(), relay: transport.relay?.() ?? null }
  }

  heard(hint: PeerHint): void {
    this.#life.heard(hint)
  }

  displaced(endpointId: string): void {
    this.#parts.book.withdraw(endpointId, 'gossip')
  }

  isNamed(endpointId: string): boolean {
    const entry = this.#parts.book.get(endpointId)
    return entry !== undefined && standingOf(entry) >= ASKED_FOR_RANK
  }

  warn(cause: string, words: string, endpointId: string): void {
    this.#parts.ports.logger.log('warn', words, { endpointId }, { cause, from: endpointId })
  }
}

/** What goes wrong in it is a failure of its actor, and of nobody who called it. */
function guarded<A extends readonly unknown[]>(run: (...args: A) => void, fail: (error: Error) => void): (...args: A) => void {
  return (...args) => {
    try {
      run(...args)
    } catch (error) {
      fail(error as Error)
    }
  }
}

function guardedLinks(links: Links, fail: (error: Error) => void): Links {
  return {
    endpointId: links.endpointId,
    peers: () => links.peers(),
    attach: (kind, handler) => links.attach(kind, guardedHandler(handler, fail)),
  }
}

function guardedHandler(handler: ChannelHandler, fail: (error: Error) => void): ChannelHandler {
  return {
    opened: guarded((peer) => handler.opened(peer), fail),
    claimed: guarded((peer) => handler.claimed(peer), fail),
    closed: guarded((endpointId, end) => handler.closed(endpointId, end), fail),
    refused: guarded((endpointId) => handler.refused(endpointId), fail),
    message: guarded((endpointId, bytes) => handler.message(endpointId, bytes), fail),
  }
}

function guardedClock(clock: Clock, fail: (error: Error) => void): Clock {
  return { ...clock, now: () => clock.now(), setTimer: (delayMs, run) => clock.setTimer(delayMs, guarded(run, fail)) }
}
