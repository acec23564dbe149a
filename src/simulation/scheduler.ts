/**
 * Virtual time: the one thread of a simulated world. Events run in order of their time, those of one instant in
 * the order they were scheduled, so a run depends on nothing but its seed.
 */
import { fail } from '../lib/index.ts'

export interface ScheduledEvent {
  readonly at: number
  /** Breaks ties: events of one instant run in the order they were scheduled. */
  readonly sequence: number
  run: (() => void) | null
}

const TICKS_PER_MS = 1024

function precedes(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence)
}

export class Scheduler {
  readonly #heap: ScheduledEvent[] = []
  #now = 0
  #sequence = 0
  #executed = 0

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now
  }

  /** Events run so far. */
  get executed(): number {
    return this.#executed
  }

  after(delayMs: number, run: () => void): ScheduledEvent {
    if (!(delayMs >= 0)) fail(`a delay of ${delayMs} ms: time does not run backwards`)
    // Times are whole multiples of 2^-10 ms, so that sums and differences of them are exact.
    const at = this.#now + Math.ceil(delayMs * TICKS_PER_MS) / TICKS_PER_MS
    const event: ScheduledEvent = { at, sequence: this.#sequence++, run }
    this.#push(event)
    return event
  }

  /** A cancelled event does not run; cancelling twice, or after it ran, does nothing. */
  cancel(event: ScheduledEvent): void {
    event.run = null
  }

  /** Runs the next event; false when there is none at or before `untilMs`, and then time moves there. */
  step(untilMs: number): boolean {
    for (let event = this.#heap[0]; event !== undefined && event.at <= untilMs; event = this.#heap[0]) {
      this.#pop()
      const { run } = event
      if (run === null) continue
      event.run = null
      this.#now = event.at
      this.#executed++
      run()
      return true
    }
    this.#now = Math.max(this.#now, untilMs)
    return false
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap
    let position = heap.length
    while (position > 0) {
      const parent = (position - 1) >>> 1
      const above = heap[parent] as ScheduledEvent
      if (!precedes(event, above)) break
      heap[position] = above
      position = parent
    }
    heap[position] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return
    let position = 0
    for (;;) {
      let child = 2 * position + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && precedes(heap[child + 1] as ScheduledEvent, heap[child] as ScheduledEvent)) child++
      if (!precedes(heap[child] as ScheduledEvent, last)) break
      heap[position] = heap[child] as ScheduledEvent
      position = child
    }
    heap[position] = last
  }
}
