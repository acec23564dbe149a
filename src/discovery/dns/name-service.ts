import { promises } from 'node:dns'
import type { Address } from '../../api/index.ts'
import type { Clock } from '../../ports/index.ts'
import { readSearchList, spellings } from './search-list.ts'
import type { SearchList } from './search-list.ts'

/** Answers questions about names. Rejects with `ENOTFOUND` or `ENODATA` where there is nothing; in words where it does not work. */
export interface NameService {
  /** IP addresses of a host. */
  addresses(host: string): Promise<readonly string[]>
  /** Hosts and ports of a service, those to be tried first in front. */
  services(name: string): Promise<readonly Address[]>
  /** TXT records, each as one text. */
  texts(name: string): Promise<readonly string[]>
  close(): void
}

/** For one server to answer one question, twice. */
const ANSWER_MS = 1_500
const TRIES = 2
/** For all servers that the system has. */
const QUESTION_MS = 6_000
const NOTHING = new Set(['ENOTFOUND', 'ENODATA'])

/** Whether an error says that there is nothing of this name, rather than that nobody could tell. */
export function isNothing(error: unknown): boolean {
  return NOTHING.has((error as NodeJS.ErrnoException).code ?? '')
}

export interface NameServiceOptions {
  readonly clock: Clock
  /** `address:port` of each; null for those that the system has. */
  readonly servers: readonly string[] | null
  /** What finds the addresses of hosts; null for the servers. */
  readonly resolve: Resolve | null
  readonly searchList: () => SearchList
}

type Resolve = (host: string) => Promise<readonly string[]>

/**
 * What this server says, and nobody else; with null, whatever the system is set up to ask: its name servers, search domains and hosts file.
 * @param system finds addresses of hosts as the system does
 */
export function openNameService(server: string | null, clock: Clock, system: Resolve): NameService {
  const options =
    server === null ? { servers: null, resolve: system, searchList: readSearchList } : { servers: [server], ...ALONE }
  return new DnsNameService({ clock, ...options })
}

const ALONE = { resolve: null, searchList: (): SearchList => ({ domains: [], ndots: 1 }) }

/**
 * Asks name servers with c-ares, which works on the sockets of this process and uses no thread of libuv's pool. c-ares does not look into search domains
 * by itself: that is done here.
 */
export class DnsNameService implements NameService {
  readonly #options: NameServiceOptions
  readonly #asking = new Set<promises.Resolver>()
  #isClosed = false

  constructor(options: NameServiceOptions) {
    this.#options = options
  }

  async addresses(host: string): Promise<readonly string[]> {
    const { resolve } = this.#options
    if (resolve !== null) return resolve(host)
    const answers = await Promise.allSettled([
      this.#ask(host, (resolver, name) => resolver.resolve4(name)),
      this.#ask(host, (resolver, name) => resolver.resolve6(name)),
    ])
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length > 0) return found
    const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []))
    throw failures.find((failure) => !isNothing(failure)) ?? failures[0] ?? nothing(host)
  }

  async services(name: string): Promise<readonly Address[]> {
    const records = await this.#ask(name, (resolver, spelling) => resolver.resolveSrv(spelling))
    const ordered = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
    return ordered.map((record) => ({ host: record.name, port: record.port }))
  }

  async texts(name: string): Promise<readonly string[]> {
    const records = await this.#ask(name, (resolver, spelling) => resolver.resolveTxt(spelling))
    return records.map((parts) => parts.join(''))
  }

  close(): void {
    this.#isClosed = true
    for (const resolver of this.#asking) resolver.cancel()
  }

  async #ask<T>(name: string, ask: (resolver: promises.Resolver, name: string) => Promise<T>): Promise<T> {
    let failure: unknown = nothing(name)
    for (const spelling of spellings(name, this.#options.searchList())) {
      try {
        return await this.#askOnce(spelling, ask)
      } catch (error) {
        failure = error
        if (!isNothing(error)) break
      }
    }
    throw failure
  }

  /** The servers are those that the system has now. */
  async #askOnce<T>(name: string, ask: (resolver: promises.Resolver, name: string) => Promise<T>): Promise<T> {
    const { clock, servers } = this.#options
    if (this.#isClosed) throw new Error('it is closed')
    const resolver = new promises.Resolver({ timeout: ANSWER_MS, tries: TRIES })
    if (servers !== null) resolver.setServers(servers)
    const whom = servers?.join() ?? 'the name servers of the system'
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = clock.setTimer(QUESTION_MS, () => {
      reject(new Error(`no answer about ${name} from ${whom} within ${QUESTION_MS} ms`))
      resolver.cancel()
    })
    this.#asking.add(resolver)
    try {
      return await Promise.race([ask(resolver, name), promise])
    } catch (error) {
      throw isNothing(error) ? nothing(name, error) : inWords(error as Error, name, whom)
    } finally {
      timer.cancel()
      this.#asking.delete(resolver)
    }
  }
}

function nothing(name: string, cause?: unknown): Error {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'ENOTFOUND'
  return Object.assign(new Error(`DNS has nothing of this kind under ${name}`, { cause }), { code })
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ESERVFAIL: 'it failed',
  EREFUSED: 'it refuses to answer',
  EBADRESP: 'the answer makes no sense',
  ETIMEOUT: 'it does not answer',
}

function inWords(error: Error, name: string, whom: string): Error {
  const { code } = error as NodeJS.ErrnoException
  const words = code === undefined ? undefined : (WORDS[code] ?? code)
  if (words === undefined) return error
  return Object.assign(new Error(`looking up ${name} at ${whom}: ${words}`, { cause: error }), { code })
}
