/**
 * How much of answers a node holds for clients that do not read them, for each connection and for all: requests may
 * follow each other without waiting, and a short one may ask for megabytes.
 */
import type { ServerResponse } from 'node:http'
import { AspenError } from '../../api/index.ts'
import { MAX_CONNECTION_ANSWER_BYTES } from '../../limits.ts'

/** Answers up to this are not counted: the bounds of connections, and of requests at once on each, bound them. */
const SMALL_ANSWER_BYTES = 1024

export class AnswerBudget {
  readonly #capacity: number
  readonly #byConnection = new WeakMap<object, number>()
  #held = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get heldBytes(): number {
    return this.#held
  }

  /** Takes room until the answer has left; or says that there is none, and takes nothing. */
  take(response: ServerResponse, bytes: number): AspenError | undefined {
    if (bytes <= SMALL_ANSWER_BYTES) return undefined
    // An answer that waits behind others has no socket yet; its request has.
    const connection = response.req.socket
    const waiting = this.#byConnection.get(connection) ?? 0
    if (waiting > 0 && waiting + bytes > MAX_CONNECTION_ANSWER_BYTES) {
      return overloaded(`${waiting} bytes of answers wait to be read on this connection`)
    }
    if (this.#held > 0 && this.#held + bytes > this.#capacity) {
      return overloaded(`the answers that clients of this node have not read have ${this.#held} bytes`)
    }
    this.#byConnection.set(connection, waiting + bytes)
    this.#held += bytes
    response.once('close', () => {
      this.#held -= bytes
      this.#byConnection.set(connection, (this.#byConnection.get(connection) ?? 0) - bytes)
    })
    return undefined
  }
}

function overloaded(why: string): AspenError {
  return new AspenError('OVERLOADED', `${why}; try again later`, { queue: 'http_answers' })
}
