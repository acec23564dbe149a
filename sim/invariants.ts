/**
 * The safety properties of Raft (paper, figure 3), watched over a whole run and over all lives of all nodes. Every
 * check looks at what changed, never at a whole log:
 *
 * - log matching: an index and a term name one entry with one predecessor, wherever they appear; by induction two
 *   logs that share an entry share everything before it;
 * - leader completeness: a new leader holds the last entry committed in any earlier term, hence all of them;
 * - state machine safety: the entry applied at an index is the same on every node, and indexes follow each other.
 */
import { LogMirror } from './log-mirror.ts'
import type { LogPosition } from './log-mirror.ts'

/** A broken promise of the system under test. */
export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation'
  readonly property: string

  constructor(property: string, message: string) {
    super(`${property}: ${message}`)
    this.property = property
  }
}

/** An entry, with a digest in place of its payload; null where the payload is not at hand. */
export interface EntryIdentity {
  readonly index: number
  readonly term: number
  readonly digest: number | null
}

interface KnownEntry {
  digest: number | null
  readonly previousTerm: number
}

/** What a node finds on its disk when it starts. */
export interface FoundState {
  readonly term: number
  readonly votedFor: number | null
  readonly purged: LogPosition
  readonly entries: readonly EntryIdentity[]
  /** The last entry its state machine holds. */
  readonly applied: number
}

interface Vote {
  readonly term: number
  readonly votedFor: number | null
}

interface NodeRecord {
  log: LogMirror
  term: number
  votedFor: number | null
  /** The last term and vote, and the end of the log, that were reported durable. */
  promised: Vote
  promisedLast: LogPosition
  /** A write under way may remove what was durable from here on. */
  truncating: number
  /** Commit index in this life. */
  commit: number
  applied: number
}

function agree(a: number | null, b: number | null): boolean {
  return a === null || b === null || a === b
}

export class SafetyChecker {
  readonly #trustsDisks: boolean
  readonly #nodes = new Map<number, NodeRecord>()
  /** By term, who leads it: an id may have had several keys. */
  readonly #leaders = new Map<number, string>()
  /** By term, then by index. */
  readonly #known = new Map<number, Map<number, KnownEntry>>()
  readonly #committed: EntryIdentity[] = []
  /** By index, the term of the leader that committed it. */
  readonly #committedIn: number[] = []
  /** The last index known committed at the first leadership after each commit, by the term that committed it. */
  readonly #committedByTerm = new Map<number, number>()
  #checks = 0

  /** `trustsDisks`: what was reported durable must be there after a crash. Without it only the consequences are watched. */
  constructor(trustsDisks = true) {
    this.#trustsDisks = trustsDisks
  }

  /** How many facts were checked. */
  get checks(): number {
    return this.#checks
  }

  /** The last index known to be committed. */
  get lastCommitted(): number {
    return this.#committed.length
  }

  committedAt(index: number): EntryIdentity | undefined {
    return this.#committed[index - 1]
  }

  /** A node starts, with what it found on its disk. */
  started(node: number, found: FoundState): void {
    const { term, votedFor, applied } = found
    const log = new LogMirror(found.purged)
    const record: NodeRecord = {
      log,
      term,
      votedFor,
      promised: { term, votedFor },
      promisedLast: found.purged,
      truncating: Infinity,
      commit: applied,
      applied,
    }
    const before = this.#nodes.get(node)
    this.#nodes.set(node, record)
    for (const entry of found.entries) this.#append(node, record, entry)
    record.promisedLast = { term: log.lastTerm, index: log.lastIndex }
    if (before !== undefined && this.#trustsDisks) this.#checkMemory(node, before, record)
  }

  /** What was reported durable before the crash is there after it. */
  #checkMemory(node: number, before: NodeRecord, found: NodeRecord): void {
    const { term, votedFor } = before.promised
    this.#check(
      found.term > term || (found.term === term && (votedFor === null || found.votedFor === votedFor)),
      'durable vote',
      `node ${node} remembers term ${found.term} and vote ${found.votedFor}; durable were ${term} and ${votedFor}`,
    )
    const { index, term: lastTerm } = before.promisedLast
    if (index <= found.log.purgedIndex || index >= before.truncating) return
    this.#check(
      found.log.termAt(index) === lastTerm,
      'durable log',
      `node ${node} lost entry ${index} of term ${lastTerm}, which was durable; its log ends at ${found.log.lastIndex}`,
    )
  }

  /** A member that lost its memory is another node from now on. */
  forgotten(node: number): void {
    this.#nodes.delete(node)
  }

  truncated(node: number, from: number): void {
    const record = this.#record(node)
    this.#checkDropped(node, record, from)
    record.truncating = Math.min(record.truncating, from)
    record.log.truncateFrom(from)
  }

  /** The log agrees with all that was written so far, durably. */
  logDurable(node: number): void {
    const record = this.#record(node)
    record.promisedLast = { term: record.log.lastTerm, index: record.log.lastIndex }
    record.truncating = Infinity
  }

  appended(node: number, entry: EntryIdentity): void {
    this.#append(node, this.#record(node), entry)
  }

  purged(node: number, position: LogPosition): void {
    this.#record(node).log.purge(position)
  }

  /** A snapshot replaced the log. */
  reset(node: number, position: LogPosition): void {
    const record = this.#record(node)
    const committed = this.committedAt(position.index)
    this.#check(
      committed === undefined ? position.index === 0 : committed.term === position.term,
      'state machine safety',
      `node ${node} replaces its log by a snapshot at ${position.index} of term ${position.term}, committed in term ${committed?.term}`,
    )
    this.#checkDropped(node, record, position.index + 1)
    record.truncating = 0
    record.log = new LogMirror(position)
  }

  /** Term and vote as the node writes them down. */
  hardState(node: number, term: number, votedFor: number | null): void {
    const record = this.#record(node)
    this.#check(term >= record.term, 'monotonic term', `node ${node} goes back from term ${record.term} to ${term}`)
    if (term === record.term && record.votedFor !== null) {
      this.#check(
        votedFor === record.votedFor,
        'one vote a term',
        `node ${node} votes for ${record.votedFor} and ${votedFor} in ${term}`,
      )
    }
    record.term = term
    record.votedFor = votedFor
  }

  /** The disk reports that this term and vote are safe. */
  hardStateDurable(node: number, term: number, votedFor: number | null): void {
    this.#record(node).promised = { term, votedFor }
  }

  /** A node takes the lead in a term. `termAt` looks into its log; `key` tells it from others that have had its id. */
  leads(node: number, term: number, termAt: (index: number) => number | undefined, key = ''): void {
    const name = `${node}${key === '' ? '' : ` (${key})`}`
    const other = this.#leaders.get(term)
    this.#check(other === undefined || other === name, 'election safety', `nodes ${other} and ${name} both lead term ${term}`)
    if (other === name) return
    this.#leaders.set(term, name)
    let last = 0
    for (const [committedIn, index] of this.#committedByTerm) if (committedIn < term) last = Math.max(last, index)
    const entry = this.committedAt(last)
    if (entry === undefined) return
    const held = termAt(last)
    this.#check(
      held === entry.term || (held === undefined && this.#record(node).log.purgedIndex >= last),
      'leader completeness',
      `node ${node} leads term ${term} without entry ${last} of term ${entry.term}, which is committed; it has ${held ?? 'none'}`,
    )
  }

  /** The commit index of a node is now `index`. `leaderTerm` is set when it leads. */
  commits(node: number, index: number, leaderTerm: number | null, termAt: (index: number) => number | undefined): void {
    const record = this.#record(node)
    if (index === record.commit) return
    this.#check(
      index > record.commit,
      'monotonic commit',
      `the commit index of node ${node} falls from ${record.commit} to ${index}`,
    )
    for (let i = record.commit + 1; i <= index; i++) this.#commit(node, i, termAt(i), leaderTerm ?? record.term)
    record.commit = index
    if (leaderTerm !== null) {
      this.#committedByTerm.set(leaderTerm, Math.max(index, this.#committedByTerm.get(leaderTerm) ?? 0))
    }
  }

  applied(node: number, entry: EntryIdentity): void {
    const record = this.#record(node)
    this.#check(
      entry.index === record.applied + 1,
      'state machine safety',
      `node ${node} applies entry ${entry.index} after ${record.applied}`,
    )
    this.#check(
      entry.index <= record.commit,
      'apply after commit',
      `node ${node} applies entry ${entry.index}, its commit index being ${record.commit}`,
    )
    record.applied = entry.index
    const committed = this.committedAt(entry.index)
    this.#check(
      committed !== undefined && committed.term === entry.term && agree(committed.digest, entry.digest),
      'state machine safety',
      `node ${node} applies entry ${entry.index} of term ${entry.term}; committed is that of term ${committed?.term}`,
    )
  }

  /** A snapshot replaced the state. */
  restored(node: number, index: number): void {
    const record = this.#record(node)
    this.#check(
      index >= record.applied,
      'state machine safety',
      `node ${node} restores ${index}, having applied ${record.applied}`,
    )
    this.#check(index <= this.lastCommitted, 'state machine safety', `node ${node} restores ${index}: not all of it is committed`)
    record.applied = index
    record.commit = Math.max(record.commit, index)
  }

  /** A client was told that its write took this place. */
  acknowledged(index: number, term: number): void {
    const committed = this.committedAt(index)
    this.#check(
      committed !== undefined && committed.term === term,
      'acknowledged writes are never lost',
      `a client was told (${term}, ${index}); committed there is ${committed === undefined ? 'nothing' : `term ${committed.term}`}`,
    )
  }

  #append(node: number, record: NodeRecord, entry: EntryIdentity): void {
    const { index, term, digest } = entry
    const { log } = record
    this.#check(index === log.lastIndex + 1, 'log order', `node ${node} appends ${index} behind ${log.lastIndex}`)
    this.#check(term >= log.lastTerm, 'log order', `node ${node} appends term ${term} behind term ${log.lastTerm} at ${index}`)
    const ofTerm = this.#known.get(term) ?? new Map<number, KnownEntry>()
    this.#known.set(term, ofTerm)
    const known = ofTerm.get(index)
    if (known === undefined) ofTerm.set(index, { digest, previousTerm: log.lastTerm })
    else {
      this.#check(
        agree(known.digest, digest),
        'log matching',
        `entry ${index} of term ${term} on node ${node} has another content elsewhere`,
      )
      known.digest ??= digest
      this.#check(
        known.previousTerm === log.lastTerm,
        'log matching',
        `entry ${index} of term ${term} follows term ${log.lastTerm} on node ${node} and term ${known.previousTerm} elsewhere`,
      )
    }
    log.append(term)
  }

  #commit(node: number, index: number, term: number | undefined, committedIn: number): void {
    const committed = this.committedAt(index)
    if (committed !== undefined) {
      // Where a snapshot took its place the entry itself is not held.
      this.#check(
        term === undefined || committed.term === term,
        'state machine safety',
        `node ${node} commits entry ${index} of term ${term}; that of term ${committed.term} is committed`,
      )
      return
    }
    this.#check(
      index === this.lastCommitted + 1 && term !== undefined,
      'commit order',
      `node ${node} commits ${index}, which it does not hold, or nobody committed ${this.lastCommitted + 1}`,
    )
    this.#committed.push({ index, term, digest: this.#known.get(term)?.get(index)?.digest ?? null })
    this.#committedIn.push(committedIn)
  }

  /**
   * No entry that is committed may leave a log, except into a snapshot. A node that never reached the term in which it was
   * committed was no part of that, and may still hear of a leader before it, who did not have the entry.
   */
  #checkDropped(node: number, record: NodeRecord, from: number): void {
    for (let index = from; index <= Math.min(record.log.lastIndex, this.lastCommitted); index++) {
      const involved = index <= record.commit || record.term >= (this.#committedIn[index - 1] ?? 0)
      this.#check(
        !involved || record.log.termAt(index) !== this.committedAt(index)?.term,
        'commit is final',
        `node ${node} removes entry ${index} of term ${record.log.termAt(index)}, which is committed`,
      )
    }
  }

  #record(node: number): NodeRecord {
    const record = this.#nodes.get(node)
    if (record === undefined) throw new Error(`node ${node} did not start`)
    return record
  }

  #check(holds: boolean, property: string, message: string): asserts holds {
    this.#checks++
    if (!holds) throw new SafetyViolation(property, message)
  }
}
