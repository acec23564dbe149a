/**
 * What came behind another request in one read of a connection is served later, in rounds: one request of each connection
 * in a round, for a slice of time in each turn of the event loop. So a pipeline takes its time from its like, and from
 * nobody who waits for answers. Answers leave in the order in which requests came: Node sees to it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Deque } from '../../lib/index.ts'
import { MAX_HTTP_TURN_MS } from '../../limits.ts'

/** The part of a turn in which queues are served when nothing else is asked. The rest is for what is read in it. */
const SLICE_MS = MAX_HTTP_TURN_MS / 2
/** The same when other things are asked: libuv accepts one connection in a turn, so many that wait need many turns. */
const SLICE_BESIDE_OTHERS_MS = 1
/** While a client has not taken in as much of its answers, nothing more is served on its connection. */
const MAX_UNREAD_BYTES = 64 * 1024

export interface RequestQueuesOptions {
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void
  /** All that came on a connection is served, and its client takes in what it is sent. */
  readonly emptied: (socket: object) => void
  /** There is something to serve again: {@link RequestQueues.serve} is to be called soon. */
  readonly woken: () => void
  /** Calls back once what was done so far has had its immediate effects, within the same turn. */
  readonly afterTick: (next: () => void) => void
  /** In milliseconds. */
  readonly now: () => number
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The requests of one connection, oldest first. */
export class RequestQueue {
  readonly exchanges: Deque<Exchange> = new Deque()
  readonly socket: { readonly destroyed: boolean }
  /** Whether it waits for its turn, or for its client to read. */
  waits = false
  /** Nothing more is read from its connection, which ends when all is served. */
  isLast = false

  constructor(socket: { readonly destroyed: boolean }) {
    this.socket = socket
  }
}

export class RequestQueues {
  readonly #options: RequestQueuesOptions
  readonly #ready = new Deque<RequestQueue>()
  /** What is last goes first, and all at once: what was refused waits behind it, and that may be much. */
  readonly #last = new Deque<RequestQueue>()
  /** What came in this turn with a body in chunks. */
  readonly #chunked: Exchange[] = []
  #waiting = 0
  #sliceEnd = 0

  constructor(options: RequestQueuesOptions) {
    this.#options = options
  }

  /** Requests of all connections. */
  get waiting(): number {
    return this.#waiting
  }

  get isReady(): boolean {
    return this.#ready.length + this.#last.length > 0
  }

  add(queue: RequestQueue, request: IncomingMessage, response: ServerResponse): void {
    const exchange = { request, response }
    queue.exchanges.push(exchange)
    if (request.headers['transfer-encoding'] !== undefined) this.#chunked.push(exchange)
    this.#waiting++
    if (!queue.waits) this.#enqueue(queue)
  }

  /** No more will be added to a queue that waits for its turn. */
  finish(queue: RequestQueue): void {
    queue.isLast = true
    this.#last.push(queue)
  }

  /** Gives up what waits on a connection. */
  drop({ exchanges }: RequestQueue): void {
    this.#waiting -= exchanges.length
    exchanges.clear()
  }

  /** Serves one request at the least, and none that begins after its time; `isAsked`: other things were read in this turn. */
  serve(isAsked: boolean): void {
    const slice = isAsked && this.#last.length === 0 ? SLICE_BESIDE_OTHERS_MS : SLICE_MS
    this.#sliceEnd = this.#options.now() + slice
    for (const exchange of this.#chunked.splice(0)) packBody(exchange)
    this.#serveRound()
  }

  /** What one round has sent is gone when the next begins, so that what sending takes is within the slice, too. */
  #serveRound(): void {
    for (let left = this.#ready.length + this.#last.length; left > 0; left--) {
      this.#serveNext()
      if (this.#options.now() >= this.#sliceEnd) return
    }
    if (this.isReady) this.#options.afterTick(() => this.#serveRound())
  }

  #serveNext(): void {
    const last = this.#last.shift()
    if (last !== undefined) return this.#serveOne(last)
    const queue = this.#ready.shift()
    // What has become the last was served in its new place.
    if (queue?.isLast === false) this.#serveOne(queue)
  }

  #serveOne(queue: RequestQueue): void {
    queue.waits = false
    if (queue.socket.destroyed) return
    const next = queue.exchanges.shift()
    if (next === undefined) return this.#options.emptied(queue.socket)
    this.#waiting--
    this.#options.serve(next.request, next.response)
    if (next.response.writableLength >= MAX_UNREAD_BYTES) this.#awaitReader(queue, next.response)
    else if (queue.exchanges.length > 0) this.#enqueue(queue)
    else this.#options.emptied(queue.socket)
  }

  #enqueue(queue: RequestQueue): void {
    queue.waits = true
    if (queue.isLast) this.#last.push(queue)
    else this.#ready.push(queue)
  }

  #awaitReader(queue: RequestQueue, response: ServerResponse): void {
    queue.waits = true
    response.once('close', () => {
      this.#enqueue(queue)
      this.#options.woken()
    })
  }
}

/** What a body takes while it waits follows its bytes, however they are cut: a chunk of one byte would take hundreds. */
function packBody({ request, response }: Exchange): void {
  const { readableLength } = request
  if (readableLength > 0) request.unshift(request.read(readableLength))
  // Node takes a body of which something was read for one that somebody reads.
  response.once('finish', () => request.resume())
}
