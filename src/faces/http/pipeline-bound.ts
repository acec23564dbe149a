/**
 * Requests may follow each other on a connection without waiting for answers, and one read holds a thousand short ones.
 * Were all of them served, and another read after that, a hundred connections could keep a node from everybody else for
 * many seconds. So a connection that sends too many at once is answered and closed.
 */
import type { RequestListener, Server, ServerResponse } from 'node:http'
import { AspenError } from '../../api/index.ts'
import { errorBody, JSON_TYPE, RETRY_AFTER_SECONDS } from './error-answers.ts'
import { TurnShare } from './turn-share.ts'
import type { Held } from './turn-share.ts'

/** Requests of one connection that are served in one turn of the event loop. */
const MAX_REQUESTS_A_TURN = 128

/** Who sent one request in as many turns back, and waited, is likely to send the next soon. */
const LATELY_TURNS = 64

/** The socket of a request, as far as it is needed here. */
interface RequestSocket extends Held {
  destroySoon(): void
}

interface Pipeline {
  turn: number
  requests: number
  /** The latest request that was refused: its answer is the last. */
  last: ServerResponse | null
  /** The turn in which the latest piece of a body came. */
  pieceTurn: number
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
}

/** What a turn of the event loop is told of, beside requests. */
export interface Pipelines {
  /** A piece of a body has come: they may be as short, and as many, as requests. */
  pieceCame(socket: Held): void
}

/** Stands before whatever answers the requests of a server. */
export function boundPipelines(server: Server, { refused, now }: PipelineOptions): Pipelines {
  const bound = new PipelineBound(server, now)
  const listeners = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request').on('request', (request, response) => {
    if (bound.admits(request.socket)) {
      for (const listener of listeners) listener(request, response)
    } else {
      refused()
      bound.refuse(request.socket, response)
    }
  })
  return bound
}

class PipelineBound implements Pipelines {
  readonly #connections = new WeakMap<object, Pipeline>()
  readonly #share: TurnShare
  #turn = 1
  #turnEnds = false

  constructor(server: Server, now: () => number) {
    this.#share = new TurnShare(server, { isPolite: (socket) => this.#isPolite(socket), now })
  }

  /** Whether a request of this connection may be served now; one more must be given to {@link PipelineBound.refuse}. */
  admits(socket: Held): boolean {
    this.#awaitEndOfTurn()
    const connection = this.#connectionOf(socket)
    if (connection.last === null && connection.turn !== this.#turn) {
      connection.turn = this.#turn
      connection.requests = 0
    }
    this.#share.took(socket, ++connection.requests > 1)
    return connection.requests <= MAX_REQUESTS_A_TURN
  }

  pieceCame(socket: Held): void {
    this.#awaitEndOfTurn()
    const connection = this.#connectionOf(socket)
    this.#share.took(socket, connection.pieceTurn === this.#turn)
    connection.pieceTurn = this.#turn
  }

  /** Answers 429. Nothing more is read from the connection, and it is closed when the answers have left. */
  refuse(socket: RequestSocket, response: ServerResponse): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) return
    if (connection.last === null) {
      this.#share.end(socket)
      setImmediate(() => closeAfter(connection.last, socket))
    }
    connection.last = response
    response.writeHead(429, REFUSAL_HEADERS).end(REFUSAL)
  }

  #connectionOf(socket: Held): Pipeline {
    let connection = this.#connections.get(socket)
    if (connection === undefined) {
      this.#connections.set(socket, (connection = { turn: 0, requests: 0, last: null, pieceTurn: 0 }))
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
      if (this.#share.endTurn()) this.#awaitEndOfTurn()
    })
  }
}

function closeAfter(response: ServerResponse | null, socket: RequestSocket): void {
  if (response === null || response.writableFinished) socket.destroySoon()
  else response.once('finish', () => socket.destroySoon())
}
