/**
 * A connection that closes takes with it whatever it asked for and has not got, and to give up one request costs as much
 * as to answer a small one. A crowd that asks for much and leaves at once would make one long turn of the event loop. So
 * of connections that had asked for more than one thing at once, a few close in a turn.
 */
import { Socket } from 'node:net'
import { Deque } from '../../lib/index.ts'

/** Requests that are given up in a turn: some milliseconds of work. */
const MAX_GIVEN_UP_A_TURN = 256

interface Closing {
  readonly requests: number
  readonly close: () => void
}

export class Closings {
  readonly #waiting = new Deque<Closing>()
  #scheduled = false

  /**
   * From now on this connection closes when its turn comes: until then it is destroyed already, and its descriptor is not closed.
   * `begun` is called when it is destroyed, and says how many requests it may have had.
   */
  follow(socket: Socket, begun: () => number): void {
    // How a stream is destroyed is what its makers may say, and by that name.
    // oxlint-disable-next-line eslint/no-underscore-dangle
    socket._destroy = (error, done) => {
      // oxlint-disable-next-line eslint/no-underscore-dangle
      this.run(begun(), () => Socket.prototype._destroy.call(socket, error, done))
    }
  }

  run(requests: number, close: () => void): void {
    this.#waiting.push({ requests, close })
    this.#awaitTurn()
  }

  #awaitTurn(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#closeSome()
    })
  }

  #closeSome(): void {
    for (let room = MAX_GIVEN_UP_A_TURN; room > 0;) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      room -= next.requests
      next.close()
    }
    if (this.#waiting.length > 0) this.#awaitTurn()
  }
}
