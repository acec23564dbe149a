import { Call } from '../call.ts'
import { Expiring } from '../deadlines.ts'
import type { Deadlines } from '../deadlines.ts'
import { remoteError, sayRemoteLate } from './remote-errors.ts'

/** Where a request stands as long as it is not settled. */
interface Place {
  /** It is settled: by its deadline, where nothing else did. */
  left(request: RemoteCall | RemoteSending): void
}

/** A call to an actor of another node, until it has its answer. */
export class RemoteCall extends Call {
  /** Where it waits for credit, or for its answer. */
  place: Place | null = null
  /** On the wire; 0 as long as it has not left. */
  id = 0
  /** Which message it is, and whose. */
  readonly what: () => string

  constructor(deadlines: Deadlines, timeoutMs: number, what: () => string) {
    super(deadlines, timeoutMs, (begun) => sayRemoteLate(what(), begun))
    this.what = what
  }

  override expired(): void {
    super.expired()
    this.place?.left(this)
  }
}

/** Whoever waits until another node has credit for its message. */
export class RemoteSending extends Expiring {
  readonly promise: Promise<void>
  readonly #deadlines: Deadlines
  readonly #what: () => string
  place: Place | null = null
  #resolve!: () => void
  #reject!: (error: Error) => void

  constructor(deadlines: Deadlines, timeoutMs: number, what: () => string) {
    super()
    this.#deadlines = deadlines
    this.#what = what
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    deadlines.add(this, timeoutMs)
  }

  taken(): void {
    this.#deadlines.remove(this)
    this.#resolve()
  }

  refuse(error: Error): void {
    this.#deadlines.remove(this)
    this.#reject(error)
  }

  override expired(): void {
    this.refuse(remoteError('OVERLOADED', this.#what(), 'it was not taken in time: its receiver is slower than its senders'))
    this.place?.left(this)
  }
}
