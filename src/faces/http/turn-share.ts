/**
 * In each turn of the event loop a server reads once from every connection that has something to say, and one read holds
 * a thousand short requests: a hundred connections could make one turn of many seconds, in which the node hears and
 * sends no heartbeat; bodies in short pieces do the same. So the time of a turn is looked at with each of them. When it
 * is over, all connections are held, and are let go again a few in each turn. They are held, too, while many come: see `arrivals.ts`.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { MAX_HTTP_TURN_MS } from '../../limits.ts'
import { Arrivals } from './arrivals.ts'
import type { ConnectionEvent } from './tls.ts'

/** Connections that are let go in a turn, of newcomers and of those that wait for the round: at first, and at the least. */
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

export interface TurnShareOptions {
  /** `connection` when absent. */
  readonly event?: ConnectionEvent
  /** Knows those that lately sent requests, one at a time. */
  readonly isPolite: (connection: Held) => boolean
  /** In milliseconds. */
  readonly now: () => number
  /** A connection has come: a turn begins, unless one has, and its end is to be told. */
  readonly woken: () => void
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
  /** What has sent more than one thing in this turn. */
  readonly #heard = new Set<Held>()
  /** What has sent anything in this turn. */
  readonly #taken = new Set<Held>()
  /** What Node had paused when it was held: Node resumes it. */
  readonly #sleeping = new Set<Held>()
  readonly #options: TurnShareOptions
  readonly #arrivals: Arrivals
  #startedAt: number
  #cut = false
  #batch = FIRST_BATCH
  #newcomersFirst = false

  /** Follows the connections of a server. */
  constructor(server: Pick<Server, 'on'>, options: TurnShareOptions) {
    this.#options = options
    this.#startedAt = options.now()
    this.#arrivals = new Arrivals(options.now)
    server.on(options.event ?? 'connection', (socket: Held & Socket) => this.#follow(socket))
  }

  /** The first thing of a turn is about to be taken. */
  beginTurn(): void {
    this.#startedAt = this.#options.now()
  }

  /** Something of a connection was taken in; `again`: not for the first time in this turn. */
  took(connection: Held, again: boolean): void {
    this.#taken.add(connection)
    if (again) this.#heard.add(connection)
    if (this.#cut || this.#options.now() - this.#startedAt < MAX_HTTP_TURN_MS) return
    this.#cut = true
    this.#holdAll()
  }

  #holdAll(): void {
    // Who had its turn goes behind those who did not, or the first of many would keep off the last.
    const [others, taken] = [this.#reading.difference(this.#taken), this.#reading.intersection(this.#taken)]
    for (const other of others) this.#hold(other)
    for (const other of taken) this.#hold(other)
  }

  /** Whether this turn has to be short: something else was read in it, or many connections come. */
  get isAsked(): boolean {
    return this.#taken.size > 0 || this.#arrivals.areMany
  }

  /** @returns whether this must be called at the end of the next turn even if nothing comes in it */
  endTurn(): boolean {
    // Some may have been held again, since many connections come.
    if (!this.#cut) for (const connection of this.#released) if (this.#reading.has(connection)) this.#dequeue(connection)
    this.#released = []
    this.#heard.clear()
    this.#taken.clear()
    const wasCut = this.#cut
    this.#cut = false
    const mayCome = this.#arrivals.endTurn()
    if (this.#round.size === 0) [this.#round, this.#nextRound] = [this.#nextRound, this.#round]
    if (!this.#isHolding) {
      this.#batch = FIRST_BATCH
      return mayCome
    }
    if (this.#arrivals.areMany) return true
    this.#batch = wasCut ? Math.max(MIN_BATCH, this.#batch / 2) : this.#batch * 2
    this.#release()
    return true
  }

  /** Nothing is read from a connection until {@link TurnShare.readOn}. */
  suspend(connection: Held): void {
    this.#dequeue(connection)
    // What waited already keeps what is known of who paused it.
    if (!this.#reading.delete(connection)) return
    if (connection.isPaused()) this.#sleeping.add(connection)
    else connection.pause()
  }

  /** A connection that was suspended is read again: at once, or in its turn when others wait. */
  readOn(connection: Held): void {
    if (this.#isHolding) this.#nextRound.add(connection)
    else this.#read(connection)
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
    this.#options.woken()
    this.#arrivals.came()
    if (this.#arrivals.areMany) this.#holdAll()
    // Node closes what has not sent a request for some seconds after it came, so it cannot wait for the next round.
    if (this.#isHolding || this.#arrivals.areMany) this.#newcomers.add(connection)
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
    if (!queue.has(connection) || this.#taken.has(connection)) {
      this.#dequeue(connection)
      queue.add(connection)
    }
    if (connection.isPaused()) this.#sleeping.add(connection)
    else connection.pause()
  }

  /** Who was let go and has not been heard keeps its place. */
  #queueFor(connection: Held): Set<Held> {
    if (this.#heard.has(connection)) return this.#nextRound
    if (this.#options.isPolite(connection)) return this.#polite
    return this.#newcomers.has(connection) ? this.#newcomers : this.#round
  }

  /** Those who wait for their answers hardly notice. Newcomers and the round are first by turns, or one could keep off the other. */
  #release(): void {
    const batch = this.#round.values().take(this.#batch)
    const newcomers = this.#newcomers.values().take(this.#batch)
    this.#newcomersFirst = !this.#newcomersFirst
    const others = this.#newcomersFirst ? [...newcomers, ...batch] : [...batch, ...newcomers]
    // They are read in this order.
    this.#released = [...this.#polite, ...others]
    for (const connection of this.#released) this.#read(connection)
  }

  #read(connection: Held): void {
    this.#reading.add(connection)
    if (!this.#sleeping.delete(connection)) connection.resume()
  }

  #dequeue(connection: Held): void {
    for (const queue of [this.#polite, this.#newcomers, this.#round, this.#nextRound]) queue.delete(connection)
  }

  #forget(connection: Held): void {
    this.#dequeue(connection)
    for (const set of [this.#reading, this.#heard, this.#taken, this.#sleeping]) set.delete(connection)
  }
}

/** Node's server begins to read at the event `resume`, which may come after a pause, and stops at the event `pause`. */
function stopReading(connection: Held): void {
  if (connection.isPaused()) connection.emit('pause')
  else connection.pause()
}
