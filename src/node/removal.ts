/**
 * Whether this node was removed from its cluster. One that is up hears so from the leader: it has the configuration without it, and that it
 * is committed. One that was down meanwhile never does, for a leader speaks to members only: a linked member tells it. Its word changes
 * nothing of consensus. It counts while no leader is heard, and while the last configuration that this node knows is an earlier one.
 */
import type { LinkedPeer, Logger } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'
import type { ReplicaView } from '../replica/index.ts'

export type RemovalView = Pick<ReplicaView, 'leader' | 'membership' | 'membershipIndex' | 'commitIndex'>

export class Removal {
  readonly #endpointId: string
  readonly #logger: Logger
  #wasMember = false
  #told: { readonly since: number; readonly by: number } | null = null
  #isSaid = false
  #outlivedAt = 0
  #isLeaving = false

  constructor(endpointId: string, logger: Logger) {
    this.#endpointId = endpointId
    this.#logger = logger
  }

  /** A configuration without this node has come after one with it. Costs nothing to ask; `words` says what it means. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** Where a configuration stands that does not name this node, as a member has said: no election without it is this node's to win. */
  get outlivedAt(): number {
    return this.#outlivedAt
  }

  /** Another configuration is in force, or was in a former life. */
  follow(membership: Membership): void {
    const named = this.#names(membership)
    this.#isLeaving = this.#wasMember && !named
    if (!named) return
    this.#wasMember = true
    this.#isSaid = false
  }

  /** A member of the cluster says that the configuration at `since`, which is committed, does not name this node. */
  told(since: number, { claims, endpointId }: LinkedPeer, view: RemovalView): void {
    this.#told = { since, by: claims.nodeId }
    // Who is no member here may be one of a later configuration: it is believed, and this node goes on asking for votes.
    if (view.membership.members.some((member) => member.endpointId === endpointId))
      this.#outlivedAt = Math.max(this.#outlivedAt, since)
    this.words(view)
  }

  /** What has become of this node, in the log too when it is asked first; null while it may be a member. */
  words(view: RemovalView): string | null {
    const words = this.#words(view)
    if (words !== null && !this.#isSaid) {
      this.#isSaid = true
      this.#logger.log('error', words, { by: this.#told?.by ?? view.leader, since: this.#told?.since ?? view.membershipIndex })
    }
    return words
  }

  #words({ leader, membership, membershipIndex, commitIndex }: RemovalView): string | null {
    if (membership.members.length === 0) return null
    const named = this.#names(membership)
    // A newcomer's log does not name it yet, and a member that is behind does not know of it.
    const isTold = this.#told !== null && leader === null && (named || this.#wasMember) && membershipIndex <= this.#told.since
    // The leader it knows of is the one that took leave of it.
    const isRead = this.#wasMember && !named && membershipIndex <= commitIndex
    if (!isTold && !isRead) return null
    const by = isTold && this.#told !== null ? `, says node ${this.#told.by}` : ''
    return `this node was removed from the cluster${by}: ask another node; to bring this one back, add it again under a new, empty data directory`
  }

  #names({ members }: Membership): boolean {
    return members.some(({ endpointId }) => endpointId === this.#endpointId)
  }
}
