import { MAX_READ_ROUNDS } from '../limits.ts'
import type { ReadIndexRequest } from './messages.ts'

/** A leader's round: once a quorum has echoed it, the leader still led when the round began, so `index` is safe to read at. */
interface LeaderRound {
  readonly round: number
  readonly index: number
  readonly tickets: readonly number[]
  /** Followers' questions that joined it. */
  readonly remote: readonly ReadIndexRequest[]
}

/** A follower's question to the leader. */
interface AskedRead {
  readonly context: number
  readonly tickets: readonly number[]
  readonly askedAt: number
}

/**
 * Book-keeping of ReadIndex (thesis 6.4) on either side; decides nothing (read-index.ts does). Four numbers, from the caller to
 * the quorum:
 *
 * | number | names | drawn by | travels |
 * |---|---|---|---|
 * | ticket | all reads of this node that have joined since the last round or question | this node, for its replica | not at all |
 * | context | a follower's question for some tickets; its answer echoes it | the follower | in read-index and its response |
 * | round | a leader's proof that it still leads, for its own tickets and the questions that came | the leader | on appends and heartbeats, echoed |
 * | incarnation | the life of the node that drew a context or a round: echoes for a former life count for nothing | each start | beside both |
 */
export class ReadRounds {
  #nextTicket = 1
  #joined: number[] = []
  #openTicket: number | null = null
  #remoteJoined: ReadIndexRequest[] = []
  /** The newest round opened in this life, 0 before the first. */
  round = 0
  #open: LeaderRound[] = []
  #nextContext = 1
  #asked: AskedRead[] = []

  /** The ticket of the round that opens next; all reads until then share it. */
  join(): number {
    if (this.#openTicket === null) {
      this.#openTicket = this.#nextTicket++
      this.#joined.push(this.#openTicket)
    }
    return this.#openTicket
  }

  joinRemote(read: ReadIndexRequest): void {
    // The answer to a peer's newer question answers its older ones too.
    this.#remoteJoined = this.#remoteJoined.filter((other) => other.from !== read.from)
    this.#remoteJoined.push(read)
  }

  get hasJoined(): boolean {
    return this.#joined.length > 0 || this.#remoteJoined.length > 0
  }

  get mayOpen(): boolean {
    return this.#open.length < MAX_READ_ROUNDS
  }

  /** Leader: opens a round of all that have joined. */
  openRound(index: number): void {
    this.round++
    this.#open.push({ round: this.round, index, tickets: this.#joined, remote: this.#remoteJoined })
    this.#joined = []
    this.#remoteJoined = []
    this.#openTicket = null
  }

  /** Leader: takes out the rounds that `confirmed` covers, oldest first. */
  confirm(confirmed: number): LeaderRound[] {
    const count = this.#open.findLastIndex((open) => open.round <= confirmed) + 1
    return this.#open.splice(0, count)
  }

  get openCount(): number {
    return this.#open.length
  }

  /** The index of the newest open round, 0 when there is none. */
  get openIndex(): number {
    return this.#open.at(-1)?.index ?? 0
  }

  get hasOpen(): boolean {
    return this.#open.length > 0
  }

  /** Follower: takes all that have joined into one question, or null when there is nothing or too much is unanswered. */
  ask(now: number): number | null {
    if (this.#joined.length === 0 || this.#asked.length >= MAX_READ_ROUNDS) return null
    const context = this.#nextContext++
    this.#asked.push({ context, tickets: this.#joined, askedAt: now })
    this.#joined = []
    this.#openTicket = null
    return context
  }

  /**
   * Follower: the tickets that an answer settles: those of the question and of every older one, for which
   * a later index is as good. Empty when the question is not outstanding.
   */
  answered(context: number): readonly number[] {
    const at = this.#asked.findIndex((asked) => asked.context === context)
    return this.#asked.splice(0, at + 1).flatMap((asked) => asked.tickets)
  }

  /** Follower: questions that have gone unanswered for `patienceMs` count as lost, and their tickets join again. */
  rejoinLost(now: number, patienceMs: number): void {
    const count = this.#asked.findLastIndex((asked) => asked.askedAt + patienceMs <= now) + 1
    if (count > 0) this.#rejoin(this.#asked.splice(0, count).flatMap((asked) => asked.tickets))
  }

  /** When the oldest unanswered question was asked, Infinity when there is none. */
  get oldestAskedAt(): number {
    return this.#asked[0]?.askedAt ?? Number.POSITIVE_INFINITY
  }

  /** The role, term or leader changed: nothing open or asked can be answered any more; local reads start over. */
  rejoinAll(): readonly ReadIndexRequest[] {
    const open = this.#open
    const asked = this.#asked
    this.#open = []
    this.#asked = []
    this.#rejoin([...open.flatMap((round) => round.tickets), ...asked.flatMap((question) => question.tickets)])
    const refused = [...open.flatMap((round) => round.remote), ...this.#remoteJoined]
    this.#remoteJoined = []
    return refused
  }

  /** Nobody waits for these tickets any more: what is asked again and again, and never answered, must not gather. */
  forget(tickets: ReadonlySet<number>): void {
    const kept = (all: readonly number[]): number[] => all.filter((ticket) => !tickets.has(ticket))
    this.#joined = kept(this.#joined)
    this.#open = this.#open.map((round) => ({ ...round, tickets: kept(round.tickets) }))
    this.#asked = this.#asked.map((question) => ({ ...question, tickets: kept(question.tickets) }))
    if (this.#openTicket !== null && tickets.has(this.#openTicket)) this.#openTicket = null
  }

  #rejoin(tickets: readonly number[]): void {
    this.#joined = [...tickets, ...this.#joined]
  }
}
