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
export const MAX_REQUESTS_A_TURN = 128

/** Who sent one request in as many turns back, and waited, is likely to send the next soon. */
const LATELY_TURNS = 64

/** The socket of a request, as far as it is needed here. */
interface RequestSocket extends Held {
  destroySoon(): void
}

interface Connection {
  turn: number
  requests: number
  /** The latest request that was refused: its answer is the last. */
  last: ServerResponse | null
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

/** Stands before whatever answers the requests of a server. `refused` is called for each request that does not get there. */
export function boundPipelines(server: Server, refused: () => void): void {
  const bound = new PipelineBound(server)
  const listeners = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request').on('request', (request, response) => {
    if (bound.admits(request.socket)) {
      for (const listener of listeners) listener(request, response)
    } else {
      refused()
      bound.refuse(request.socket, response)
    }
  })
}

class PipelineBound {
  readonly #connections = new WeakMap<object, Connection>()
  readonly #share: TurnShare
  #turn = 0
  #turnEnds = false

  constructor(server: Server) {
    this.#share = new TurnShare(server, (socket) => this.#isPolite(socket))
  }

  /** Whether a request of this connection may be served now; one more must be given to {@link PipelineBound.refuse}. */
  admits(socket: Held): boolean {
    this.#awaitEndOfTurn()
    let connection = this.#connections.get(socket)
    if (connection === undefined) this.#connections.set(socket, (connection = { turn: 0, requests: 0, last: null }))
    if (connection.last === null && connection.turn !== this.#turn) {
      connection.turn = this.#turn
      connection.requests = 0
    }
    if (++connection.requests > 1) this.#share.pipelined(socket)
    return connection.requests <= MAX_REQUESTS_A_TURN
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

  #isPolite(socket: object): boolean {
    const connection = this.#connections.get(socket)
    return connection?.requests === 1 && this.#turn - connection.turn <= LATELY_TURNS
  }

  #awaitEndOfTurn(): void {
    if (this.#turnEnds) return
    this.#turnEnds = true
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
