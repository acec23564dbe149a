/**
 * How much of request bodies a node holds, over all connections: each body has its bound, but ten thousand of them
 * together have not. Bytes count from their arrival until the request has been answered, so declaring a body, or
 * sending one slowly, takes no room from others.
 */
import { AspenError } from '../../api/index.ts'

/** Bodies up to this are not counted: the bound of connections bounds them. */
export const SMALL_BODY_BYTES = 16 * 1024

export class BodyBudget {
  readonly #capacity: number
  #held = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get heldBytes(): number {
    return this.#held
  }

  /** Takes room, which goes back by {@link BodyBudget.release}; or says that there is none, and takes nothing. */
  take(bytes: number): AspenError | undefined {
    if (this.#held + bytes <= this.#capacity) {
      this.#held += bytes
      return undefined
    }
    return new AspenError('OVERLOADED', `the bodies of requests that this node works on have ${this.#held} bytes; try again`, {
      queue: 'http_bodies',
    })
  }

  release(bytes: number): void {
    this.#held -= bytes
  }
}
