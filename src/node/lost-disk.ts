/**
 * Whether a node that belongs to no cluster was a member in a former life, and has lost its disk: a cluster that knows its address or its id
 * under another key says so. Such a node must found nothing. Everybody would take it for what it was, and it would answer from an empty store.
 *
 * Whoever says so may be mistaken too: the cluster of another day, on the same ports. So it counts for a minute, and its words say what
 * to do in either case.
 */
import { AspenError, LOST_DISK_ADVICE } from '../api/index.ts'
import type { Clock, LinkedPeer, Logger, Transport } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'

const EXPIRY_MS = 60_000

export interface LostDiskParts {
  readonly nodeId: number
  readonly transport: Pick<Transport, 'mistaken'>
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
}

export class LostDisk {
  readonly #parts: LostDiskParts
  #told: { readonly by: LinkedPeer; readonly at: number } | null = null

  constructor(parts: LostDiskParts) {
    this.#parts = parts
  }

  /** A linked member says that its cluster binds the id of this node to another key. */
  told(by: LinkedPeer): void {
    const { clock, logger } = this.#parts
    this.#told = { by, at: clock.now() }
    const { endpointId, claims } = by
    const words = `a cluster knows the id of this node under another key. ${LOST_DISK_ADVICE}`
    const facts = { endpointId, nodeId: claims.nodeId, clusterId: claims.clusterId }
    logger.log('error', words, facts, { cause: 'LOST_DISK', from: endpointId })
  }

  /** What a cluster says of this node, and what to do; null when none does, or this node belongs to one. */
  words({ members }: Membership): string | null {
    if (members.length > 0) return null
    const said = this.#said()
    if (said === null) return null
    return (
      `${said}. ${LOST_DISK_ADVICE}. If it is none of that cluster, stop that one or give this node other ports ` +
      `and another id: it is forgotten ${EXPIRY_MS / 1000} s after it was said last`
    )
  }

  /** @throws AspenError CLUSTER_MISMATCH */
  checkMayFound(membership: Membership): void {
    const words = this.words(membership)
    if (words !== null) throw new AspenError('CLUSTER_MISMATCH', words, { node_id: this.#parts.nodeId })
  }

  #said(): string | null {
    const { transport, clock, nodeId } = this.#parts
    const dial = transport.mistaken?.() ?? null
    if (dial !== null)
      return `a member of a cluster dials node ${nodeId} as another one: ${dial.words} (from ${dial.remote ?? 'unknown'})`
    if (this.#told === null || clock.now() >= this.#told.at + EXPIRY_MS) return null
    const { claims } = this.#told.by
    return `node ${claims.nodeId} says that cluster ${claims.clusterId} has a member ${nodeId} with another key`
  }
}
