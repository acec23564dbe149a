/** Operations that have begun and not yet reported their end, so that closing can wait for them. */
import { StateError } from './state-error.ts'

type Report<T> = (error?: Error, value?: T) => void

export class RunningOperations {
  readonly #file: string
  readonly #defer: (run: () => void) => void
  #running = 0
  #whenIdle: (() => void) | undefined
  #idleReported = false

  /** `file` names the state in errors. */
  constructor(file: string, defer: (run: () => void) => void) {
    this.#file = file
    this.#defer = defer
  }

  /** The function returned reports the operation's end. Undefined once closed: then `done` hears that it is refused. */
  begin<T>(done: Report<T>): Report<T> | undefined {
    if (this.#whenIdle !== undefined) {
      this.#defer(() => done(this.#closedError()))
      return undefined
    }
    this.#running++
    return (error, value) => {
      this.#running--
      done(error, value)
      this.#reportIdle()
    }
  }

  /** Refuses what begins from now on, and calls back once when nothing runs any more, later. */
  close(whenIdle: () => void, refused: (error: Error) => void): void {
    if (this.#whenIdle !== undefined) return this.#defer(() => refused(this.#closedError()))
    this.#whenIdle = whenIdle
    this.#defer(() => this.#reportIdle())
  }

  /** @throws StateError CLOSED */
  assertOpen(): void {
    if (this.#whenIdle !== undefined) throw this.#closedError()
  }

  /** Once, though an operation may end while `close` is waiting for its turn. */
  #reportIdle(): void {
    if (this.#whenIdle === undefined || this.#running > 0 || this.#idleReported) return
    this.#idleReported = true
    this.#whenIdle()
  }

  #closedError(): StateError {
    return new StateError('CLOSED', this.#file, `the state machine of ${this.#file} is closed`)
  }
}
