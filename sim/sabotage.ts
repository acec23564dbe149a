/** Bugs planted beneath a replica, through its ports, to show that the suite finds them. */
import type { Done, LogBatch, LogStore } from '../src/ports/index.ts'

export type Sabotage =
  | 'none'
  /** The disk reports every write as durable and makes none so. */
  | 'lie-about-sync'
  /** Entries are reported durable while their write is still under way. */
  | 'acknowledge-before-sync'
  /** Term and vote are reported durable while their write is still under way. */
  | 'vote-before-sync'

type EarlyReport = 'acknowledge-before-sync' | 'vote-before-sync'

interface Waiting {
  readonly batches: readonly LogBatch[]
  readonly done: Done
}

/** A log store that reports some writes before they are done, and carries them out in order all the same. */
export class HastyLog implements LogStore {
  readonly recovered: LogStore['recovered']
  readonly #log: LogStore
  readonly #kind: EarlyReport
  readonly #defer: (run: () => void) => void
  readonly #queue: Waiting[] = []
  #busy = false
  #whenIdle: (() => void)[] = []

  constructor(log: LogStore, kind: EarlyReport, defer: (run: () => void) => void) {
    this.#log = log
    this.recovered = log.recovered
    this.#kind = kind
    this.#defer = defer
  }

  write(batches: readonly LogBatch[], done: Done): void {
    const votes = batches.some(({ hardState }) => hardState !== undefined)
    const early = votes === (this.#kind === 'vote-before-sync')
    if (early) this.#defer(() => done())
    this.#queue.push({ batches, done: early ? this.#failLoudly : done })
    this.#next()
  }

  read(...args: Parameters<LogStore['read']>): void {
    this.#afterWrites(() => this.#log.read(...args))
  }

  purge(...args: Parameters<LogStore['purge']>): void {
    this.#afterWrites(() => this.#log.purge(...args))
  }

  reset(...args: Parameters<LogStore['reset']>): void {
    this.#afterWrites(() => this.#log.reset(...args))
  }

  distrust(reason: string, done: Done): void {
    this.#log.distrust(reason, done)
  }

  sizeBytes(): number {
    return this.#log.sizeBytes()
  }

  close(done: Done): void {
    this.#log.close(done)
  }

  #failLoudly(this: void, error?: Error): void {
    if (error !== undefined) throw error
  }

  #afterWrites(run: () => void): void {
    if (this.#busy) this.#whenIdle.push(run)
    else run()
  }

  #next(): void {
    const next = this.#queue[0]
    if (this.#busy || next === undefined) return
    this.#busy = true
    this.#log.write(next.batches, (error) => {
      this.#busy = false
      this.#queue.shift()
      next.done(error)
      this.#next()
      if (this.#busy) return
      for (const run of this.#whenIdle.splice(0)) run()
    })
  }
}
