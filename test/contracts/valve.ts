import { Duplex } from 'node:stream'

/** A connection whose two directions can be held up, or that one end can be made to lose alone: what comes from a path, without one. */
export class Valve extends Duplex {
  readonly inner: Duplex
  #stalled = false
  /** What is to be passed on when it opens. */
  #held: (() => void)[] = []
  #lost = false

  constructor(inner: Duplex) {
    super()
    this.inner = inner
    inner.on('data', (chunk: Uint8Array) => this.#pass(() => void this.push(chunk)))
    inner.on('end', () => this.#pass(() => void this.push(null)))
    inner.on('error', (error) => this.#pass(() => this.destroy(error)))
    inner.on('close', () => this.#pass(() => this.destroy()))
  }

  stall(stalled: boolean): void {
    this.#stalled = stalled
    while (!this.#stalled) {
      const run = this.#held.shift()
      if (run === undefined) return
      run()
    }
  }

  /** This end is gone, and the other one is not told. */
  lose(): void {
    this.#lost = true
    this.destroy(Object.assign(new Error('lost'), { code: 'ECONNRESET' }))
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#pass(() => void this.inner.write(chunk, done))
  }

  override _final(done: () => void): void {
    this.#pass(() => void this.inner.end(done))
  }

  override _read(): void {}

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#lost) this.#pass(() => void this.inner.destroy())
    done(error)
  }

  #pass(run: () => void): void {
    if (this.#stalled) this.#held.push(run)
    else if (!this.#lost) run()
  }
}
