import type { Mutant } from './mutant.ts'

const BOUND = { file: 'faces/http/pipeline-bound.ts', hunter: 'src/faces/http/pipeline-bound.test.ts' } as const
const QUEUES = { file: 'faces/http/request-queues.ts', hunter: 'src/faces/http/request-queues.test.ts' } as const

/** A turn of the event loop, or memory, that grows with what came at once on connections. */
export const PIPELINES: readonly Mutant[] = [
  {
    ...BOUND,
    name: 'serve all that came at once on a connection at once',
    find: 'if (!again && connection.queue?.waits !== true)',
    replace: 'if (connection.requests <= MAX_REQUESTS_A_TURN)',
  },
  {
    ...BOUND,
    name: 'go on counting refusals of connections that have closed',
    find: 'this.#refusedOpen -= connection.refused',
    replace: 'this.#refusedOpen -= 0',
  },
  {
    ...QUEUES,
    name: 'serve queued requests past the time of the turn',
    find: 'if (this.#options.now() >= this.#sliceEnd) return',
    replace: 'if (this.#options.now() >= Number.POSITIVE_INFINITY) return',
  },
  {
    ...QUEUES,
    name: 'serve behind answers that nobody reads',
    find: 'if (next.response.writableLength >= MAX_UNREAD_BYTES)',
    replace: 'if (next.response.writableLength >= Number.POSITIVE_INFINITY)',
  },
  {
    ...QUEUES,
    name: 'go on counting requests of connections that have closed',
    find: 'this.#waiting -= exchanges.length',
    replace: 'this.#waiting -= 0',
  },
  {
    name: 'close a whole crowd in one turn',
    file: 'faces/http/closings.ts',
    find: 'room -= next.requests',
    replace: 'room -= 0',
    hunter: 'src/faces/http/pipeline-bound.test.ts',
  },
  {
    file: 'faces/http/turn-share.ts',
    hunter: 'src/faces/http/turn-share.test.ts',
    name: 'serve those who are there while many connections come',
    find: 'if (this.#arrivals.areMany) return true',
    replace: '',
  },
  {
    file: 'faces/http/arrivals.ts',
    hunter: 'src/faces/http/arrivals.test.ts',
    name: 'let others wait for as long as connections come',
    find: 'if (isOver || !this.#cameNow)',
    replace: 'if (!this.#cameNow)',
  },
  {
    file: 'faces/http/turn-share.ts',
    hunter: 'src/faces/http/turn-share.test.ts',
    name: 'forget those that were held again in the turn in which they were let go',
    find: 'if (this.#reading.has(connection)) this.#dequeue(connection)',
    replace: 'this.#dequeue(connection)',
  },
  {
    ...BOUND,
    hunter: 'test/http/pipeline-ends.test.ts',
    name: 'refuse what cannot be read before what came before is answered',
    find: 'if (connection === undefined || owed === undefined || owed === null || owed.closed) return say()',
    replace: 'if (connection === undefined || socket.writable) return say()',
  },
  {
    file: 'faces/http/request-tracking.ts',
    hunter: 'test/http/pipeline-ends.test.ts',
    name: 'end a connection at a stop with the first of its answers',
    find: 'if (response !== undefined && this.#watch.isNewest(response))',
    replace: 'if (response !== undefined)',
  },
]
