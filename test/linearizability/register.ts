/**
 * Decides whether the operations on one key are those of an atomic register that starts out absent.
 *
 * Because values are unique, a write and the reads of its value form a cluster that must stand together in any
 * linearization: a later read would see something else. That turns the search of Wing & Gong (1993) into a
 * choice without regret (compare Gibbons & Korach 1997 for registers without deletes). At every point:
 *
 *   1. a read of nothing that may come now, while the key is absent, changes nothing: take it;
 *   2. a cluster that may come now as a whole can be moved to the front of any completion, since what follows
 *      it there overwrites it, and what it overwrote has no reader left: take it;
 *   3. otherwise a completion must begin with a delete, and of two deletes the one that ended first is
 *      the harder to place later: take that; one whose outcome is unknown never has to be placed.
 *
 * When none applies there is no linearization. `search.ts` is the plain search that tests compare this with.
 */
import type { RecordedOperation } from './history.ts'

/** A write and the reads that saw it. */
interface Cluster {
  readonly write: Item
  readonly reads: Item[]
  latestStart: number
}

interface Item {
  readonly operation: RecordedOperation
  /** When it must have taken effect: Infinity for an unknown outcome. */
  readonly deadline: number
  cluster: Cluster | null
  done: boolean
}

export type RegisterVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly culprits: readonly RecordedOperation[] }

interface Register {
  readonly clusters: Cluster[]
  readonly deletes: Item[]
  readonly absentReads: Item[]
  /** Everything that must take place. */
  readonly required: Item[]
}

function violation(reason: string, ...culprits: RecordedOperation[]): RegisterVerdict {
  return { ok: false, reason, culprits }
}

/** A yardstick for sorting that keeps Infinity comparable. */
function ascending(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function toItem(operation: RecordedOperation): Item {
  return { operation, deadline: operation.outcome === 'unknown' ? Infinity : operation.end, cluster: null, done: false }
}

/** @throws RangeError when two writes carry the same value: the caller's history is not one this can judge. */
function collectWrites(operations: readonly RecordedOperation[]): Map<string, Item> {
  const writes = new Map<string, Item>()
  for (const operation of operations) {
    if (operation.type !== 'write') continue
    const value = operation.value as string
    if (writes.has(value)) throw new RangeError(`the value ${value} was written twice to ${operation.key}: values must be unique`)
    writes.set(value, toItem(operation))
  }
  return writes
}

function clusterOf(write: Item): Cluster {
  write.cluster ??= { write, reads: [], latestStart: write.operation.start }
  return write.cluster
}

function addRead(register: Register, writes: Map<string, Item>, operation: RecordedOperation): RegisterVerdict | null {
  const read = toItem(operation)
  if (operation.value === null) {
    register.absentReads.push(read)
    register.required.push(read)
    return null
  }
  const write = writes.get(operation.value)
  if (write === undefined) return violation('a read saw a value that nobody wrote', operation)
  if (write.operation.outcome === 'failed') return violation('a read saw a write that failed', write.operation, operation)
  if (operation.end < write.operation.start) {
    return violation('a read saw a value before its write began', write.operation, operation)
  }
  const cluster = clusterOf(write)
  read.cluster = cluster
  cluster.reads.push(read)
  cluster.latestStart = Math.max(cluster.latestStart, operation.start)
  register.required.push(read)
  return null
}

function build(operations: readonly RecordedOperation[]): Register | RegisterVerdict {
  const writes = collectWrites(operations)
  const register: Register = { clusters: [], deletes: [], absentReads: [], required: [] }
  for (const operation of operations) {
    if (operation.type === 'read' && operation.outcome === 'ok') {
      const refused = addRead(register, writes, operation)
      if (refused !== null) return refused
    } else if (operation.type === 'delete' && operation.outcome !== 'failed') {
      const item = toItem(operation)
      register.deletes.push(item)
      if (item.deadline < Infinity) register.required.push(item)
    }
  }
  for (const write of writes.values()) {
    const { outcome } = write.operation
    if (outcome === 'ok') register.required.push(write)
    // A write of unknown outcome that nobody saw may be taken as one that never happened.
    if (outcome === 'ok' || write.cluster !== null) register.clusters.push(clusterOf(write))
  }
  return register
}

/** Walks the required items by deadline, skipping those done. */
class Deadlines {
  readonly #items: readonly Item[]
  #next = 0

  constructor(items: readonly Item[]) {
    this.#items = items.toSorted((a, b) => ascending(a.deadline, b.deadline))
  }

  first(): Item | undefined {
    while (this.#items[this.#next]?.done === true) this.#next++
    return this.#items[this.#next]
  }

  /** The earliest deadline outside a cluster. */
  firstOutside(cluster: Cluster): number {
    for (let i = this.#next; i < this.#items.length; i++) {
      const item = this.#items[i] as Item
      if (!item.done && item.cluster !== cluster) return item.deadline
    }
    return Infinity
  }
}

/** Deletes that have started, the earliest deadline first. */
class ReadyDeletes {
  readonly #byStart: readonly Item[]
  readonly #ready: Item[] = []
  #next = 0

  constructor(deletes: readonly Item[]) {
    this.#byStart = deletes.toSorted((a, b) => ascending(a.operation.start, b.operation.start))
  }

  take(horizon: number, absent: boolean): Item | undefined {
    for (let item = this.#byStart[this.#next]; item !== undefined && item.operation.start <= horizon;) {
      this.#insert(item)
      item = this.#byStart[++this.#next]
    }
    const best = this.#ready[0]
    // One that need not happen and would change nothing leads nowhere.
    if (best === undefined || (absent && best.deadline === Infinity)) return undefined
    return this.#ready.shift()
  }

  #insert(item: Item): void {
    let low = 0
    let high = this.#ready.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ready[middle] as Item).deadline <= item.deadline) low = middle + 1
      else high = middle
    }
    this.#ready.splice(low, 0, item)
  }
}

class Linearization {
  readonly #deadlines: Deadlines
  readonly #deletes: ReadyDeletes
  readonly #clusters: readonly Cluster[]
  readonly #absentReads: readonly Item[]
  #nextCluster = 0
  #nextAbsentRead = 0
  #absent = true

  constructor(register: Register) {
    this.#deadlines = new Deadlines(register.required)
    this.#deletes = new ReadyDeletes(register.deletes)
    this.#clusters = register.clusters.toSorted((a, b) => ascending(a.latestStart, b.latestStart))
    this.#absentReads = register.absentReads.toSorted((a, b) => ascending(a.operation.start, b.operation.start))
  }

  run(): RegisterVerdict {
    for (let urgent = this.#deadlines.first(); urgent !== undefined; urgent = this.#deadlines.first()) {
      if (this.#takeAbsentRead(urgent.deadline) || this.#takeCluster(urgent)) continue
      const removal = this.#deletes.take(urgent.deadline, this.#absent)
      if (removal === undefined) return violation('no order of the operations explains what was seen', urgent.operation)
      removal.done = true
      this.#absent = true
    }
    return { ok: true }
  }

  #takeAbsentRead(horizon: number): boolean {
    if (!this.#absent) return false
    const read = this.#absentReads[this.#nextAbsentRead]
    if (read === undefined || read.operation.start > horizon) return false
    read.done = true
    this.#nextAbsentRead++
    return true
  }

  #takeCluster(urgent: Item): boolean {
    while (this.#clusters[this.#nextCluster]?.write.done === true) this.#nextCluster++
    const earliest = this.#clusters[this.#nextCluster]
    if (earliest !== undefined && earliest.latestStart <= urgent.deadline) return this.#take(earliest)
    const pressed = urgent.cluster
    if (pressed !== null && pressed.latestStart <= this.#deadlines.firstOutside(pressed)) return this.#take(pressed)
    return false
  }

  #take(cluster: Cluster): true {
    cluster.write.done = true
    for (const read of cluster.reads) read.done = true
    this.#absent = false
    return true
  }
}

/**
 * Whether operations, all of one key, are linearizable. Takes n log n.
 * @throws RangeError when a value was written twice
 */
export function checkRegister(operations: readonly RecordedOperation[]): RegisterVerdict {
  const register = build(operations)
  return 'ok' in register ? register : new Linearization(register).run()
}
