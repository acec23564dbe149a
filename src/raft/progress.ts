import { assert, Deque } from '../lib/index.ts'
import { MAX_APPEND_BYTES, MAX_INFLIGHT_APPENDS, MAX_INFLIGHT_BYTES } from '../limits.ts'

/**
 * How the leader sends to a peer: 'probe' has one append out to find where the logs agree, 'replicate'
 * pipelines, 'snapshot' waits for a snapshot to arrive.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot'

/** What a leader sends to one peer at a time. A test gives less, to be at its bounds with little. */
export interface SendLimits {
  /** Payload in one append, unless a single entry is larger. */
  readonly appendBytes: number
  /** Appends that may be unanswered, and their payload: with one more the peer is not sent anything. */
  readonly inflightAppends: number
  readonly inflightBytes: number
}

export const SEND_LIMITS: SendLimits = {
  appendBytes: MAX_APPEND_BYTES,
  inflightAppends: MAX_INFLIGHT_APPENDS,
  inflightBytes: MAX_INFLIGHT_BYTES,
}

interface Inflight {
  readonly last: number
  readonly bytes: number
}

/** What a leader knows of one peer. `match` is durable at the peer; `next` is what is sent next. */
export class Progress {
  state: ProgressState = 'probe'
  match = 0
  next: number
  /** In 'probe': the one append is out and unanswered. */
  probing = false
  /** When an append was last sent to find out where the peer stands. */
  probedAt = Number.NEGATIVE_INFINITY
  /** When the peer last answered, and when `match` last moved, in milliseconds of the core's clock. */
  lastContact: number
  lastAdvance: number
  /** The newest read round the peer has echoed, and the newest it was sent. */
  ackedRound = 0
  sentRound = 0
  /** For a member on its way out: the index of the configuration without it. It is told, then forgotten. */
  departingAt: number | null = null
  departureDeadline = 0
  /** Heartbeats sent that tell it so. */
  farewells = 0
  /** How long the last round of catching up took, in milliseconds; null before the first has ended (thesis 4.2.1). */
  lastRoundMs: number | null = null
  #round: { readonly goal: number; readonly startedAt: number } | null = null
  #inflight = new Deque<Inflight>()
  #inflightBytes = 0

  readonly #limits: SendLimits

  constructor(next: number, now: number, limits: SendLimits = SEND_LIMITS) {
    this.#limits = limits
    this.next = next
    this.lastContact = now
    this.lastAdvance = now
  }

  /** True when another append would pass the bounds on what is unanswered. */
  get full(): boolean {
    return this.#inflight.length >= this.#limits.inflightAppends || this.#inflightBytes >= this.#limits.inflightBytes
  }

  sent(last: number, bytes: number): void {
    this.#inflight.push({ last, bytes })
    this.#inflightBytes += bytes
    this.next = last + 1
  }

  /** The peer's log agrees up to `index`. Returns true when that is news. */
  acknowledge(index: number, now: number): boolean {
    for (let first = this.#inflight.at(0); first !== undefined && first.last <= index; first = this.#inflight.at(0)) {
      this.#inflight.shift()
      this.#inflightBytes -= first.bytes
    }
    this.next = Math.max(this.next, index + 1)
    if (index <= this.match) return false
    this.match = index
    this.lastAdvance = now
    return true
  }

  /**
   * Catching up goes in rounds: each brings what was in the log at its beginning, and takes as long as the one before has let the
   * log grow. A peer whose rounds are short keeps up, however far behind it is at any moment.
   */
  countRounds(lastIndex: number, now: number): void {
    if (this.#round !== null) {
      if (this.match < this.#round.goal) return
      this.lastRoundMs = now - this.#round.startedAt
    }
    // Who has everything begins the next round when it is behind again.
    this.#round = this.match < lastIndex ? { goal: lastIndex, startedAt: now } : null
  }

  /** How long the round of now lasts already: what the last one took says nothing of a peer that stands still since. */
  roundMs(now: number): number {
    return this.#round === null ? 0 : now - this.#round.startedAt
  }

  becomeProbe(next: number): void {
    this.state = 'probe'
    this.next = Math.max(next, this.match + 1)
    this.probing = false
    this.#forgetInflight()
  }

  becomeReplicate(): void {
    this.state = 'replicate'
    this.next = this.match + 1
    this.probing = false
    this.#forgetInflight()
  }

  becomeSnapshot(): void {
    this.state = 'snapshot'
    this.probing = false
    this.#forgetInflight()
  }

  /** What counts as unanswered is what was sent behind `match`, in order, and no more than may be. @throws AssertionError */
  checkInflight(): void {
    let bytes = 0
    let last = this.match
    for (let i = 0; i < this.#inflight.length; i++) {
      const append = this.#inflight.at(i) as Inflight
      assert(append.last > last, `an append up to ${append.last} counts as unanswered behind ${last}`)
      last = append.last
      bytes += append.bytes
    }
    const { inflightAppends, inflightBytes } = this.#limits
    assert(this.#inflight.length <= inflightAppends, `${this.#inflight.length} appends are unanswered; ${inflightAppends} may be`)
    const before = bytes - (this.#inflight.at(this.#inflight.length - 1)?.bytes ?? 0)
    assert(before < inflightBytes, `an append was sent while ${before} bytes were unanswered; ${inflightBytes} may be`)
    assert(bytes === this.#inflightBytes, `${this.#inflightBytes} bytes count as unanswered; the appends have ${bytes}`)
    assert(this.state === 'replicate' || this.#inflight.length === 0, `appends count as unanswered in ${this.state}`)
    assert(last < this.next, `an append up to ${last} is unanswered; ${this.next} is sent next`)
  }

  #forgetInflight(): void {
    this.#inflight.clear()
    this.#inflightBytes = 0
  }
}
