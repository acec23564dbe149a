/**
 * In each turn of the event loop a server reads once from every connection that has something to say, and one read holds
 * a thousand short requests: a hundred connections could make one turn of many seconds, in which the node hears and
 * sends no heartbeat. So requests that did not wait for an answer are counted over all connections. When a turn has
 * had its share of them, all connections are held, and are let go again a few in each turn.
 */
import type { Server } from 'node:http'

/** Requests that follow another one of their connection in the same turn; after as many, the turn ends. */
export const MAX_PIPELINED_A_TURN = 512

/** Held connections that are let go in a turn, at first; twice as many after each turn that had room for more. */
const FIRST_BATCH = 64
const MIN_BATCH = 8

/** A connection, as far as it is needed here. */
export interface Held {
  isPaused(): boolean
  pause(): unknown
  resume(): unknown
  on(event: 'resume' | 'close', listener: () => void): unknown
}

export class TurnShare {
  /** What is read, as far as it depends on us. */
  readonly #reading = new Set<Held>()
  /** What is held although it waits for its answers: it is let go in every turn, so that it hardly notices. */
  readonly #polite = new Set<Held>()
  /** What is held, and has not been heard in this round. */
  #now = new Set<Held>()
  /** What is held, and comes when all of those have been heard. */
  #next = new Set<Held>()
  /** What has pipelined since it was last let go. */
  readonly #heard = new Set<Held>()
  readonly #isPolite: (connection: Held) => boolean
  #pipelined = 0
  #cut = false
  #batch = FIRST_BATCH

  /** Follows the connections of a server. `isPolite` knows those that lately sent requests, one at a time. */
  constructor(server: Pick<Server, 'on'>, isPolite: (connection: Held) => boolean) {
    this.#isPolite = isPolite
    server.on('connection', (socket) => this.#follow(socket))
  }

  /** A connection sends a request while its last one came in this turn, too. */
  pipelined(connection: Held): void {
    this.#heard.add(connection)
    if (++this.#pipelined < MAX_PIPELINED_A_TURN || this.#cut) return
    this.#cut = true
    // What Node has paused for reasons of its own is not for us to resume.
    for (const other of this.#reading) if (!other.isPaused()) this.#hold(other)
  }

  /** @returns whether this must be called at the end of the next turn even if nothing comes in it */
  endTurn(): boolean {
    this.#pipelined = 0
    const wasCut = this.#cut
    this.#cut = false
    if (this.#now.size === 0) [this.#now, this.#next] = [this.#next, this.#now]
    if (!this.#isHolding) {
      this.#heard.clear()
      this.#batch = FIRST_BATCH
      return false
    }
    this.#batch = wasCut ? Math.max(MIN_BATCH, this.#batch / 2) : this.#batch * 2
    // They are read in this order.
    for (const connection of [...this.#polite, ...this.#now.values().take(this.#batch)]) this.#release(connection)
    return true
  }

  /** Nothing more is to be read from a connection. */
  end(connection: Held): void {
    this.#forget(connection)
    connection.pause()
  }

  get #isHolding(): boolean {
    return this.#now.size + this.#next.size + this.#polite.size > 0
  }

  #follow(connection: Held): void {
    // Whoever comes while others wait gets in line, or a stream of new connections would keep the others from their turn.
    if (this.#isHolding) this.#next.add(connection)
    else this.#reading.add(connection)
    // Node resumes a connection whenever a request on it is done with.
    connection.on('resume', () => {
      if (!this.#reading.has(connection)) connection.pause()
      else if (this.#cut) this.#hold(connection)
    })
    connection.on('close', () => this.#forget(connection))
  }

  #hold(connection: Held): void {
    this.#reading.delete(connection)
    this.#queueFor(connection).add(connection)
    connection.pause()
  }

  #queueFor(connection: Held): Set<Held> {
    if (this.#heard.has(connection)) return this.#next
    return this.#isPolite(connection) ? this.#polite : this.#now
  }

  #release(connection: Held): void {
    this.#heard.delete(connection)
    this.#polite.delete(connection)
    this.#now.delete(connection)
    this.#reading.add(connection)
    connection.resume()
  }

  #forget(connection: Held): void {
    for (const set of [this.#reading, this.#polite, this.#now, this.#next, this.#heard]) set.delete(connection)
  }
}
