import type { Channel, Claims, PathKind, Transport } from '../../src/ports/index.ts'
import type { TransportObserver } from './transport-observer.ts'

export interface NodeOptions {
  readonly nodeId: number
  readonly clusterId?: string | null
  readonly cookie?: string
  readonly maxQueueBytes?: number
  /** Between two looks at whether a peer is silent, where there is such a thing. */
  readonly keepAliveMs?: number
}

/** A transport that has been started, and what it reports. */
export interface WorldNode {
  readonly transport: Transport
  /** The channel of consensus, which the observer is attached to. */
  readonly channel: Channel
  readonly observer: TransportObserver
  /** Messages that came on channels nobody was attached to. */
  readonly unclaimed: () => number
  readonly claims: Claims
}

/** Nodes of one adapter, and a network between them that can be broken. */
export interface TransportWorld {
  /** What its links go over. */
  readonly path: PathKind
  /** What a dial where nobody listens fails with. */
  readonly deadCode: string
  start(options: NodeOptions): Promise<WorldNode>
  /** Where `from` dials `to`. */
  address(from: WorldNode, to: WorldNode): string
  /** Where nobody listens. */
  deadAddress(): Promise<string>
  /** Loses the link between two nodes once. */
  lose(a: WorldNode, b: WorldNode): void
  /** The first loses its end of the link to the second, which is not told. */
  loseAt(a: WorldNode, b: WorldNode): void
  /** Nothing passes between two nodes, and neither is told. */
  cut(a: WorldNode, b: WorldNode): void
  heal(a: WorldNode, b: WorldNode): void
  /** Ends a node as a crash would. */
  kill(node: WorldNode): void
  /** Starts a killed node's successor: the same key at the same address. */
  restart(node: WorldNode): Promise<WorldNode>
  close(): Promise<void>
}
