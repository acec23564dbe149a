/**
 * Whether this voter is linked with the other ones. Two that are not look well while a third one is linked with both, and cannot elect a leader
 * without it.
 */
import type { Clock, Links, Logger, Timer } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'

const LOOK_INTERVAL_MS = 5_000
/** Looks in a row at which a link is missing before that is worth a line: restarts are shorter. */
const LOOKS = 6

/** The other voters that `links` has no link to; nobody for a node that is no voter itself. */
export function unlinkedVoters({ voters, members }: Membership, links: Pick<Links, 'endpointId' | 'peers'>): readonly number[] {
  const linked = new Set(links.peers().flatMap(({ endpointId, state }) => (state === 'connected' ? [endpointId] : [])))
  const voting = members.filter(({ id }) => voters.includes(id))
  if (!voting.some(({ endpointId }) => endpointId === links.endpointId)) return []
  return voting.filter(({ endpointId }) => endpointId !== links.endpointId && !linked.has(endpointId)).map(({ id }) => id)
}

export class VoterLinks {
  readonly #links: Links
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #membership: () => Membership
  readonly #alsoLook: () => void
  /** By voter, at how many looks in a row it had no link. */
  #missed = new Map<number, number>()
  #timer: Timer | null = null

  /** @param alsoLook what else is to be looked at now and then */
  constructor(links: Links, clock: Clock, logger: Logger, membership: () => Membership, alsoLook: () => void) {
    this.#links = links
    this.#clock = clock
    this.#logger = logger
    this.#membership = membership
    this.#alsoLook = alsoLook
  }

  start(): void {
    this.#timer = this.#clock.setTimer(LOOK_INTERVAL_MS, () => {
      this.#look()
      this.#alsoLook()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    const unlinked = unlinkedVoters(this.#membership(), this.#links)
    this.#missed = new Map(unlinked.map((id) => [id, (this.#missed.get(id) ?? 0) + 1]))
    const news = unlinked.filter((id) => this.#missed.get(id) === LOOKS)
    if (news.length === 0) return
    const words =
      'no link to some voters: if they run, what links this node with a majority may be one other node; see their last_error'
    this.#logger.log('warn', words, { voters: unlinked, sinceMs: LOOKS * LOOK_INTERVAL_MS })
  }
}
