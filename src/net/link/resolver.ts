import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import type { Clock } from '../../ports/index.ts'

/** Host name to IP addresses; rejects with the system's error when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** Asks the system once. */
export type LookUp = (host: string, done: (error: Error | null, addresses: readonly string[]) => void) => void

/** How long a dial waits for a name, in milliseconds. The look-up itself cannot be called off. */
export const LOOK_UP_WAIT_MS = 5_000
const MAX_ADDRESSES = 16
/** Names that wait, and names whose last addresses are remembered: more than a peer book has. */
const MAX_NAMES = 2_048

/** What the system finds by all it is set up to ask: the hosts file as it is now, search domains, name servers, nsswitch. */
const askSystem: LookUp = (host, done) => {
  lookup(host, { all: true, order: 'verbatim' }, (error, found) => {
    done(error, error === null ? found.map(({ address }) => address) : [])
  })
}

/**
 * Looks names up one after the other, anew at each call. A look-up occupies a thread of libuv's pool for as long as a name
 * server takes, and the log's sync waits for one of the same few: one at a time leaves it the others.
 * Where the system has no answer now, the last one goes on.
 */
export class Resolver {
  readonly #lookUp: LookUp
  readonly #pending = new Map<string, Promise<readonly string[]>>()
  readonly #known = new Map<string, readonly string[]>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(lookUp: LookUp = askSystem) {
    this.#lookUp = lookUp
  }

  async resolve(host: string, clock: Clock): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host]
    try {
      return await withinWait(host, clock, this.#ask(host))
    } catch (error) {
      const known = this.#known.get(host)
      if (known === undefined || !isPassing(error)) throw error
      return known
    }
  }

  /** All who ask for a name while it waits or is looked up get the one answer. */
  #ask(host: string): Promise<readonly string[]> {
    const pending = this.#pending.get(host)
    if (pending !== undefined) return pending
    if (this.#pending.size >= MAX_NAMES) return Promise.reject(passing(`${this.#pending.size} names wait to be looked up`))
    const asked = this.#last.then(() => this.#askNow(host))
    this.#last = asked.catch(() => undefined)
    this.#pending.set(host, asked)
    return asked
  }

  #askNow(host: string): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    this.#lookUp(host, (error, addresses) => {
      this.#pending.delete(host)
      if (error !== null) return reject(error)
      const found = addresses.slice(0, MAX_ADDRESSES)
      this.#remember(host, found)
      resolve(found)
    })
    return promise
  }

  #remember(host: string, addresses: readonly string[]): void {
    this.#known.delete(host)
    this.#known.set(host, addresses)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_NAMES && oldest !== undefined) this.#known.delete(oldest)
  }
}

function withinWait(host: string, clock: Clock, answer: Promise<readonly string[]>): Promise<readonly string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
  const timer = clock.setTimer(LOOK_UP_WAIT_MS, () =>
    reject(passing(`the name ${host} was not found within ${LOOK_UP_WAIT_MS} ms`)),
  )
  answer.then(resolve, reject).finally(() => timer.cancel())
  return promise
}

/** EAI_AGAIN is the system's own word for a name server that does not answer. */
const PASSING_CODE = 'EAI_AGAIN'

function passing(message: string): Error {
  return Object.assign(new Error(message), { code: PASSING_CODE })
}

function isPassing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === PASSING_CODE
}

/** One for the process: so is the pool of threads. */
const ofProcess = new Resolver()

export function createResolver(clock: Clock): Resolve {
  return (host) => ofProcess.resolve(host, clock)
}
