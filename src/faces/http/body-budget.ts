/**
 * How much of request bodies a node holds, over all connections: each body has its bound, but ten thousand of them
 * together have not. Bytes count from their arrival until the request has been answered, so declaring a body, or
 * sending one slowly, takes no room from others.
 */
import { Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { AspenError } from '../../api/index.ts'

/** Bytes of large bodies that are held at once. */
export const MAX_HELD_BODY_BYTES = 128 * 1024 * 1024
/** Bodies that say they are shorter are not counted: the bound of connections bounds them. */
export const SMALL_BODY_BYTES = 16 * 1024

export class BodyBudget {
  readonly #capacity: number
  #held = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The body, counted as it arrives. It fails with OVERLOADED when there is no room. `whenAnswered` takes what gives the room back. */
  counted(body: Readable, whenAnswered: (release: () => void) => void): Readable {
    let held = 0
    whenAnswered(() => {
      this.#held -= held
      held = 0
    })
    const counter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        if (this.#held + chunk.length > this.#capacity) return done(this.#overloaded())
        held += chunk.length
        this.#held += chunk.length
        done(null, chunk)
      },
    })
    // The framework listens while it reads the body. One that is cut after its request was answered concerns nobody.
    counter.on('error', () => undefined)
    body.once('error', (error) => counter.destroy(error))
    return body.pipe(counter)
  }

  #overloaded(): AspenError {
    return new AspenError('OVERLOADED', `the bodies of requests that this node works on have ${this.#held} bytes; try again`, {
      queue: 'http_bodies',
    })
  }
}
