/**
 * In each turn of the event loop a server reads once from every connection that has something to say, and one read holds
 * a thousand short requests: a hundred connections could make one turn of many seconds, in which the node hears and
 * sends no heartbeat. So requests that did not wait for an answer are counted over all connections. When a turn has
 * had its share of them, all connections are held, and are let go again a few in each turn.
 */
import type { Server } from 'node:http'

/** Requests that follow another one of their connection in the same turn; after as many, the turn ends. */
export const MAX_PIPELINED_A_TURN = 512

/** Connections that are let go in a turn, of those that wait for the round: at first, and at the least. */
const FIRST_BATCH = 64
const MIN_BATCH = 8

/** A connection, as far as it is needed here. */
export interface Held {
  isPaused(): boolean
  pause(): unknown
  resume(): unknown
  on(event: 'resume' | 'close', listener: () => void): unknown
  emit(event: 'pause'): unknown
}

export class TurnShare {
  /** What is read, as far as it depends on us. All else is held. */
  readonly #reading = new Set<Held>()
  /** The queues. Who is let go keeps its place until a turn was long enough to hear it. */
  readonly #polite = new Set<Held>()
  readonly #newcomers = new Set<Held>()
  #round = new Set<Held>()
  #nextRound = new Set<Held>()
  /** What was let go for this turn. */
  #released: readonly Held[] = []
  /** What has pipelined in this turn. */
  readonly #heard = new Set<Held>()
  /** What Node had paused when it was held: Node resumes it. */
  readonly #sleeping = new Set<Held>()
  readonly #isPolite: (connection: Held) => boolean
  #pipelined = 0
  #cut = false
  #batch = FIRST_BATCH
  #newcomersFirst = false

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
    for (const other of this.#reading) this.#hold(other)
  }

  /** @returns whether this must be called at the end of the next turn even if nothing comes in it */
  endTurn(): boolean {
    if (!this.#cut) for (const connection of this.#released) this.#dequeue(connection)
    this.#released = []
    this.#heard.clear()
    this.#pipelined = 0
    const wasCut = this.#cut
    this.#cut = false
    if (this.#round.size === 0) [this.#round, this.#nextRound] = [this.#nextRound, this.#round]
    if (!this.#isHolding) {
      this.#batch = FIRST_BATCH
      return false
    }
    this.#batch = wasCut ? Math.max(MIN_BATCH, this.#batch / 2) : this.#batch * 2
    this.#release()
    return true
  }

  /** Nothing more is to be read from a connection. */
  end(connection: Held): void {
    this.#forget(connection)
    stopReading(connection)
  }

  get #isHolding(): boolean {
    return this.#polite.size + this.#newcomers.size + this.#round.size + this.#nextRound.size > 0
  }

  #follow(connection: Held): void {
    // Node closes what has not sent a request for some seconds after it came, so it cannot wait for the next round.
    if (this.#isHolding) this.#newcomers.add(connection)
    else this.#reading.add(connection)
    connection.on('resume', () => this.#resumed(connection))
    connection.on('close', () => this.#forget(connection))
  }

  /** Node resumes a connection whenever a request on it is done with, also one that waits here. */
  #resumed(connection: Held): void {
    if (this.#reading.has(connection)) return
    this.#sleeping.delete(connection)
    stopReading(connection)
  }

  #hold(connection: Held): void {
    this.#reading.delete(connection)
    const queue = this.#queueFor(connection)
    if (!queue.has(connection)) {
      this.#dequeue(connection)
      queue.add(connection)
    }
    if (connection.isPaused()) this.#sleeping.add(connection)
    else connection.pause()
  }

  /** Who was let go and has not been heard keeps its place. */
  #queueFor(connection: Held): Set<Held> {
    if (this.#heard.has(connection)) return this.#nextRound
    if (this.#isPolite(connection)) return this.#polite
    return this.#newcomers.has(connection) ? this.#newcomers : this.#round
  }

  /** Those who wait for their answers hardly notice. Newcomers and the round are first by turns, or one could keep off the other. */
  #release(): void {
    const batch = this.#round.values().take(this.#batch)
    this.#newcomersFirst = !this.#newcomersFirst
    const others = this.#newcomersFirst ? [...this.#newcomers, ...batch] : [...batch, ...this.#newcomers]
    // They are read in this order.
    this.#released = [...this.#polite, ...others]
    for (const connection of this.#released) {
      this.#reading.add(connection)
      if (!this.#sleeping.delete(connection)) connection.resume()
    }
  }

  #dequeue(connection: Held): void {
    for (const queue of [this.#polite, this.#newcomers, this.#round, this.#nextRound]) queue.delete(connection)
  }

  #forget(connection: Held): void {
    this.#dequeue(connection)
    for (const set of [this.#reading, this.#heard, this.#sleeping]) set.delete(connection)
  }
}

/** Node's server begins to read at the event `resume`, which may come after a pause, and stops at the event `pause`. */
function stopReading(connection: Held): void {
  if (connection.isPaused()) connection.emit('pause')
  else connection.pause()
}
