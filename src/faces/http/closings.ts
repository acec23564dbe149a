/**
 * A connection that closes takes with it whatever it asked for and has not got, and to give up one request costs as much
 * as to answer a small one. A crowd that asks for much and leaves at once would make one long turn of the event loop. So
 * of connections that had asked for more than one thing at once, a few are told of in a turn that they have closed.
 */
import type { Socket } from 'node:net'
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
   * Whoever listens by now for the end of this connection, Node's server first, hears of it when its turn comes: nothing is read from it
   * any more, and its descriptor is closed. `ended` is called at once, and says how many requests it may have had.
   */
  follow(socket: Socket, ended: () => number): void {
    const listeners = socket.rawListeners('close') as ((hadError: boolean) => void)[]
    for (const listener of listeners) socket.off('close', listener)
    socket.once('close', (hadError) =>
      this.run(ended(), () => {
        for (const listener of listeners) listener.call(socket, hadError)
      }),
    )
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
