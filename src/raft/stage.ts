import { fail } from '../lib/index.ts'
import type { Effects, OutstandingBatch, Persist, ReadyRead, RoleChange } from './effects.ts'
import type { Message } from './messages.ts'
import type { Entry, HardState, NodeId, SnapshotMeta } from './types.ts'

/** Collects the effects of the inputs since the last `take`, and remembers the batches that are on their way to the disk. */
export class Stage {
  #nextId = 1
  #hardState: HardState | undefined
  #truncateFrom: number | undefined
  #append: Entry[] = []
  #restore: SnapshotMeta | undefined
  #send: Message[] = []
  #sendOncePersisted: Message[] = []
  #apply: { first: number; last: number } | undefined
  #reads: ReadyRead[] = []
  #snapshots: NodeId[] = []
  #role: RoleChange | undefined
  /** The last index of the log as of the last `take`, less what was truncated since. */
  #takenLast: number
  readonly #outstanding: OutstandingBatch[] = []

  constructor(lastIndex: number) {
    this.#takenLast = lastIndex
  }

  hardState(hardState: HardState): void {
    this.#hardState = hardState
  }

  append(entry: Entry): void {
    this.#append.push(entry)
  }

  /**
   * Entries at `index` and after it are gone from the log. Every outstanding batch is clamped: its completion
   * must not make anyone believe that the entries which will stand there next are durable.
   * Returns true when a batch was clamped.
   */
  truncateFrom(index: number): boolean {
    while ((this.#append.at(-1)?.index ?? 0) >= index) this.#append.pop()
    if (index <= this.#takenLast) {
      this.#truncateFrom = Math.min(this.#truncateFrom ?? index, index)
      this.#takenLast = index - 1
    }
    let clamped = false
    for (const batch of this.#outstanding) {
      if (batch.lastIndex < index) continue
      batch.lastIndex = index - 1
      clamped = true
    }
    return clamped
  }

  /** A snapshot replaces the whole log: what was staged for it is moot. */
  restore(snapshot: SnapshotMeta): void {
    this.#restore = snapshot
    this.#append = []
    this.#truncateFrom = undefined
    this.#apply = undefined
    this.#takenLast = snapshot.last.index
    for (const batch of this.#outstanding) batch.lastIndex = 0
  }

  send(message: Message): void {
    this.#send.push(message)
  }

  sendOncePersisted(message: Message): void {
    this.#sendOncePersisted.push(message)
  }

  apply(first: number, last: number): void {
    this.#apply = { first: this.#apply?.first ?? first, last }
  }

  readReady(ticket: number, index: number): void {
    this.#reads.push({ ticket, index })
  }

  snapshot(to: NodeId): void {
    this.#snapshots.push(to)
  }

  role(change: RoleChange): void {
    this.#role = change
  }

  take(lastIndex: number): Effects | undefined {
    this.#checkAppend(lastIndex)
    const persist = this.#takePersist()
    if (persist === undefined && this.#isEmpty()) return undefined
    const id = this.#nextId++
    if (persist !== undefined || this.#restore !== undefined) {
      this.#outstanding.push({
        id,
        hardState: persist?.hardState,
        firstIndex: persist?.append[0]?.index ?? Number.POSITIVE_INFINITY,
        lastIndex: persist?.append.at(-1)?.index ?? 0,
        restored: this.#restore?.last,
      })
    }
    const effects: Effects = {
      id,
      persist,
      restore: this.#restore,
      send: this.#send,
      sendOncePersisted: this.#sendOncePersisted,
      apply: this.#apply,
      reads: this.#reads,
      snapshots: this.#snapshots,
      role: this.#role,
    }
    this.#restore = undefined
    this.#apply = undefined
    this.#role = undefined
    this.#takenLast = lastIndex
    // New arrays, also in place of empty ones: the effects are the shell's from now on.
    this.#send = []
    this.#sendOncePersisted = []
    this.#reads = []
    this.#snapshots = []
    return effects
  }

  /** Takes the batches up to `id` off the list of what is outstanding, oldest first. */
  complete(id: number): OutstandingBatch[] {
    const last = this.#outstanding.findLastIndex((batch) => batch.id <= id)
    if (!(last >= 0 && this.#outstanding[last]?.id === id)) fail(`persisted(${id}): no such batch is outstanding`)
    return this.#outstanding.splice(0, last + 1)
  }

  /** The first entry that is not durable yet, staged or on its way to the disk; Infinity when there is none. */
  get firstPending(): number {
    let first = this.#append[0]?.index ?? Number.POSITIVE_INFINITY
    // A batch that was clamped below its first entry brings nothing any more.
    for (const { firstIndex, lastIndex } of this.#outstanding) if (firstIndex <= lastIndex) first = Math.min(first, firstIndex)
    return first
  }

  /** Whether this term is staged or on its way to the disk. */
  isTermPending(term: number): boolean {
    if (this.#hardState !== undefined) return this.#hardState.term >= term
    return this.#outstanding.some(({ hardState }) => hardState !== undefined && hardState.term >= term)
  }

  /** A batch leaves with entries that follow, without a gap, what the disk was told before, up to the log's end. */
  #checkAppend(lastIndex: number): void {
    const first = this.#append[0]?.index
    const last = this.#append.at(-1)?.index
    const kept = this.#takenLast
    if (first === undefined || last === undefined) {
      if (lastIndex !== kept) fail(`the log ends at ${lastIndex}; the disk is told of entries up to ${kept}`)
      return
    }
    if (first !== kept + 1) fail(`entry ${first} is to be appended; the disk was told of entries up to ${kept}`)
    if (last - first + 1 !== this.#append.length) fail(`the batch from ${first} to ${last} has ${this.#append.length} entries`)
    if (last !== lastIndex) fail(`the batch ends with entry ${last}, the log with ${lastIndex}`)
  }

  #isEmpty(): boolean {
    return (
      this.#restore === undefined &&
      this.#apply === undefined &&
      this.#role === undefined &&
      this.#send.length === 0 &&
      this.#sendOncePersisted.length === 0 &&
      this.#reads.length === 0 &&
      this.#snapshots.length === 0
    )
  }

  #takePersist(): Persist | undefined {
    if (this.#hardState === undefined && this.#truncateFrom === undefined && this.#append.length === 0) return undefined
    const persist: Persist = {
      append: this.#append,
      ...(this.#hardState === undefined ? {} : { hardState: this.#hardState }),
      ...(this.#truncateFrom === undefined ? {} : { truncateFrom: this.#truncateFrom }),
    }
    this.#hardState = undefined
    this.#truncateFrom = undefined
    this.#append = []
    return persist
  }
}
