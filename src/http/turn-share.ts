/**
 * In each turn of the event loop a server reads once from every connection that has something to say, and one read holds
 * a thousand short requests: a hundred connections could make one turn of many seconds, in which the node hears and
 * sends no heartbeat. So requests that did not wait for an answer are counted over all connections. When a turn has
 * had its share of them, no connection is read before the next.
 */
import type { Server } from 'node:http'

/** Requests that follow another one of their connection in the same turn; after as many, the turn ends. */
export const MAX_PIPELINED_A_TURN = 512

/** A connection that pipelined is held for no more turns than that, whoever else there is to be heard. */
export const MAX_TURNS_HELD = 32

/** A connection, as far as it is needed here. */
export interface Held {
  isPaused(): boolean
  pause(): unknown
  resume(): unknown
  on(event: 'resume' | 'close', listener: () => void): unknown
}

export class TurnShare {
  readonly #connections = new Set<Held>()
  /** What pipelined since there last was a turn for everybody: when there was none, it waits, and the others come first. */
  readonly #heard = new Set<Held>()
  /** What was paused here, and not by Node for reasons of its own. */
  readonly #held = new Set<Held>()
  readonly #ending = new WeakSet<Held>()
  #pipelined = 0
  #cut = false
  /** Turns that were cut short since there last was one for everybody. */
  #cutTurns = 0

  /** Follows the connections of a server. */
  constructor(server: Pick<Server, 'on'>) {
    server.on('connection', (socket) => this.#follow(socket))
  }

  /** A connection sends a request while its last one came in this turn, too. */
  pipelined(connection: Held): void {
    this.#heard.add(connection)
    if (++this.#pipelined < MAX_PIPELINED_A_TURN || this.#cut) return
    this.#cut = true
    this.#cutTurns++
    for (const other of this.#connections) if (!other.isPaused()) this.#hold(other)
  }

  /** @returns whether this must be called at the end of the next turn even if nothing comes in it */
  endTurn(): boolean {
    const wasCut = this.#cut
    this.#cut = false
    this.#pipelined = 0
    if (!wasCut || this.#cutTurns >= MAX_TURNS_HELD) this.#hearEverybody()
    else for (const connection of this.#held) if (!this.#heard.has(connection)) this.#release(connection)
    return this.#cutTurns > 0
  }

  /** Nothing more is to be read from a connection. */
  end(connection: Held): void {
    this.#ending.add(connection)
    this.#forget(connection)
    connection.pause()
  }

  #hearEverybody(): void {
    this.#heard.clear()
    this.#cutTurns = 0
    for (const connection of this.#held) this.#release(connection)
  }

  #hold(connection: Held): void {
    this.#held.add(connection)
    connection.pause()
  }

  #release(connection: Held): void {
    this.#held.delete(connection)
    connection.resume()
  }

  #follow(connection: Held): void {
    this.#connections.add(connection)
    // Node resumes a connection whenever a request on it is done with.
    connection.on('resume', () => {
      if (this.#ending.has(connection)) connection.pause()
      else if (this.#mustWait(connection)) this.#hold(connection)
    })
    connection.on('close', () => this.#forget(connection))
  }

  #forget(connection: Held): void {
    this.#connections.delete(connection)
    this.#heard.delete(connection)
    this.#held.delete(connection)
  }

  #mustWait(connection: Held): boolean {
    return this.#cut || (this.#cutTurns > 0 && this.#heard.has(connection))
  }
}
