import type { Asker } from './asker.ts'
import type { Life } from './life.ts'

/** A message on its way, and the one behind it. */
export class Envelope {
  readonly message: string
  readonly body: unknown
  readonly call: Asker | null
  next: Envelope | null = null

  constructor(message: string, body: unknown, call: Asker | null) {
    this.message = message
    this.body = body
    this.call = call
  }
}

/** The body of a message without a name: what the runtime itself has an actor do between two others. */
export class Inside {
  readonly #life: Life
  readonly #run: () => unknown

  constructor(life: Life, run: () => unknown) {
    this.#life = life
    this.#run = run
  }

  /** Nothing for another life. */
  run(life: Life): unknown {
    return life === this.#life ? this.#run() : undefined
  }
}
