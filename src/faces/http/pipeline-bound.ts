/**
 * Requests may follow each other on a connection without waiting for answers, and one read holds a thousand short ones.
 * Were all of them served, and another read after that, a hundred connections could keep a node from everybody else for
 * many seconds. So one request of what a connection sends at once is served at once, and the others wait in a queue; a
 * connection that sends too many is answered and closed.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { AspenError } from '../../api/index.ts'
import { MAX_WAITING_HTTP_REQUESTS } from '../../limits.ts'
import { Closings } from './closings.ts'
import { errorBody, JSON_TYPE, RETRY_AFTER_SECONDS } from './error-answers.ts'
import { RequestQueue, RequestQueues } from './request-queues.ts'
import type { ConnectionEvent } from './tls.ts'
import { TurnShare } from './turn-share.ts'
import type { Held } from './turn-share.ts'

/** Requests of one connection that are taken in one turn of the event loop. */
const MAX_REQUESTS_A_TURN = 128
/** Who sent one request in as many turns back, and waited, is likely to send the next soon. */
const LATELY_TURNS = 64

interface Pipeline {
  turn: number
  requests: number
  /** The latest request that was refused: its answer is the last. */
  last: ServerResponse | null
  /** The turn in which the latest piece of a body came. */
  pieceTurn: number
  /** Null until more than one request came at once. */
  queue: RequestQueue | null
  /** Requests that were refused. */
  refused: number
  /** The answers to the newest request and to the one before it, unless they were given. */
  newest: ServerResponse | null
  before: ServerResponse | null
  /** Nothing more can be read from it: it is closed once what is owed is answered. */
  ends: boolean
}

const REFUSAL = errorBody(
  new AspenError(
    'OVERLOADED',
    `more than ${MAX_REQUESTS_A_TURN} requests came at once on one connection: wait for answers between them`,
    { queue: 'http_pipeline' },
  ),
)
// It must cost less than what it refuses, so it is made once, and stands before the framework.
const REFUSAL_HEADERS = {
  'content-type': JSON_TYPE,
  'content-length': Buffer.byteLength(REFUSAL),
  'retry-after': RETRY_AFTER_SECONDS,
}

export interface PipelineOptions {
  /** Called for each request that is not served. */
  readonly refused: () => void
  /** In milliseconds. */
  readonly now: () => number
  /** `connection` when absent. */
  readonly event?: ConnectionEvent
  /** Requests of all connections that came behind others and are not answered; a connection that brings more is cut. */
  readonly maxWaiting?: number
}

/** What a turn of the event loop is told of, beside requests. */
export interface Pipelines {
  /** A piece of a body has come: they may be as short, and as many, as requests. */
  pieceCame(socket: Held): void
  /** The answer to a request that was taken is given, or nobody is there for it any more. */
  answered(response: ServerResponse): void
  /** Whether no other request came after the one that this answers. */
  isNewest(response: ServerResponse): boolean
  /**
   * No more requests can be read from a connection. What is owed on it is answered first, and then it is closed; where nothing is owed,
   * `say` says why and closes it. A refusal that came before an answer would be taken for that.
   */
  end(socket: Socket, say: () => void): void
}

/** Stands before whatever answers the requests of a server. */
export function boundPipelines(server: Server, options: PipelineOptions): Pipelines {
  const listeners = server.listeners('request') as RequestListener[]
  const bound = new PipelineBound(server, options, (request, response) => {
    for (const listener of listeners) listener(request, response)
  })
  server.removeAllListeners('request').on('request', (request, response) => bound.take(request, response))
  return bound
}

class PipelineBound implements Pipelines {
  readonly #connections = new WeakMap<object, Pipeline>()
  readonly #share: TurnShare
  readonly #queues: RequestQueues
  readonly #closings = new Closings()
  readonly #serve: RequestListener
  readonly #refused: () => void
  readonly #maxWaiting: number
  /** Requests that were refused, on connections that are open. */
  #refusedOpen = 0
  #turn = 1
  #turnEnds = false

  constructor(server: Server, { now, refused, maxWaiting, event = 'connection' }: PipelineOptions, serve: RequestListener) {
    this.#maxWaiting = maxWaiting ?? MAX_WAITING_HTTP_REQUESTS
    this.#serve = serve
    this.#refused = refused
    this.#share = new TurnShare(server, {
      event,
      isPolite: (socket) => this.#isPolite(socket),
      now,
      woken: () => this.#awaitEndOfTurn(),
    })
    this.#queues = new RequestQueues({
      serve,
      emptied: (socket) => this.#readOn(socket as Socket),
      woken: () => this.#awaitEndOfTurn(),
      afterTick: (next) => process.nextTick(next),
      now,
    })
  }

  /** Serves a request of this connection now or later, or refuses it. */
  take(request: IncomingMessage, response: ServerResponse): void {
    this.#awaitEndOfTurn()
    const { socket } = request
    const connection = this.#connectionOf(socket)
    if (connection.last === null && connection.turn !== this.#turn) {
      connection.turn = this.#turn
      connection.requests = 0
    }
    const again = ++connection.requests > 1
    connection.before = connection.newest
    connection.newest = response
    this.#share.took(socket, again)
    if (!again && connection.queue?.waits !== true) this.#serve(request, response)
    else this.#takeNext(connection, request, response)
  }

  #takeNext(connection: Pipeline, request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const queue = (connection.queue ??= this.#open(connection, socket))
    // Its parser goes on with what was read.
    if (socket.destroyed) return
    if (this.#queues.waiting + this.#refusedOpen >= this.#maxWaiting) {
      this.#refused()
      socket.destroy()
    } else if (connection.requests > MAX_REQUESTS_A_TURN) {
      this.#refuse(connection, queue, response)
    } else {
      if (!queue.waits) this.#share.suspend(socket)
      this.#queues.add(queue, request, response)
    }
  }

  /** A queue for a connection, from which nothing is read while something waits in it. */
  #open(connection: Pipeline, socket: Socket): RequestQueue {
    const queue = new RequestQueue(socket)
    this.#closings.follow(socket, () => {
      this.#share.end(socket)
      this.#queues.drop(queue)
      this.#refusedOpen -= connection.refused
      return connection.requests
    })
    return queue
  }

  answered(response: ServerResponse): void {
    const connection = this.#connections.get(response.req.socket)
    if (connection === undefined) return
    if (connection.newest === response) connection.newest = null
    if (connection.before === response) connection.before = null
  }

  isNewest(response: ServerResponse): boolean {
    return this.#connections.get(response.req.socket)?.newest === response
  }

  end(socket: Socket, say: () => void): void {
    const connection = this.#connections.get(socket)
    // A request of which the end will not come has no other answer.
    const owed = connection?.newest?.req.complete === false ? connection.before : connection?.newest
    // Answers are given in their order: with the last of them all are.
    if (connection === undefined || owed === undefined || owed === null || owed.closed) return say()
    if (connection.ends) return
    connection.ends = true
    this.#share.end(socket)
    if (connection.queue?.waits === true) this.#queues.finish(connection.queue)
    owed.once('close', () => socket.destroySoon())
  }

  pieceCame(socket: Held): void {
    this.#awaitEndOfTurn()
    const connection = this.#connectionOf(socket)
    this.#share.took(socket, connection.pieceTurn === this.#turn)
    connection.pieceTurn = this.#turn
  }

  #readOn(socket: Socket): void {
    const connection = this.#connections.get(socket)
    if (connection?.last === null && !connection.ends) this.#share.readOn(socket)
  }

  /** Answers 429. Nothing more is read from the connection, and it is closed when the answers have left. */
  #refuse(connection: Pipeline, queue: RequestQueue, response: ServerResponse): void {
    this.#refused()
    connection.refused++
    this.#refusedOpen++
    if (connection.last === null) {
      const { socket } = response.req
      this.#share.end(socket)
      this.#queues.finish(queue)
      setImmediate(() => closeAfter(connection.last, socket))
    }
    connection.last = response
    response.writeHead(429, REFUSAL_HEADERS).end(REFUSAL)
  }

  #connectionOf(socket: Held): Pipeline {
    let connection = this.#connections.get(socket)
    if (connection === undefined) {
      connection = {
        turn: 0,
        requests: 0,
        last: null,
        pieceTurn: 0,
        queue: null,
        refused: 0,
        newest: null,
        before: null,
        ends: false,
      }
      this.#connections.set(socket, connection)
    }
    return connection
  }

  #isPolite(socket: object): boolean {
    const connection = this.#connections.get(socket)
    return connection?.requests === 1 && this.#turn - connection.turn <= LATELY_TURNS
  }

  #awaitEndOfTurn(): void {
    if (this.#turnEnds) return
    this.#turnEnds = true
    this.#share.beginTurn()
    setImmediate(() => {
      this.#turn++
      this.#turnEnds = false
      const { isAsked } = this.#share
      const isHolding = this.#share.endTurn()
      if (!isHolding && !this.#queues.isReady) return
      this.#awaitEndOfTurn()
      if (this.#queues.isReady) this.#queues.serve(isAsked)
    })
  }
}

function closeAfter(response: ServerResponse | null, socket: Socket): void {
  if (response === null || response.writableFinished) socket.destroySoon()
  else response.once('finish', () => socket.destroySoon())
}
