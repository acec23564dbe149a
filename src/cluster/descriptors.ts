/**
 * How many connections a node may hold, by the file descriptors that it is given: what others can use up ends below what its
 * store needs, or a crowd of connections would end the node at its next segment or snapshot.
 */
import { readFileSync } from 'node:fs'
import { MAX_CLIENT_LINKS, MAX_CONCURRENT_CONNECTIONS } from '../limits.ts'

/** For the log, the state, snapshots, dials, timers and libraries. */
const MOST_RESERVED = 256
const LEAST_RESERVED = 64
/** What HTTP is given at the most: connections that are served, and those that are refused in words. */
const MOST_HTTP_SERVED = 10_000
const MOST_HTTP_SURPLUS = 500

export interface DescriptorPlan {
  /** Connections to the port of links, and those among them that clients may have. */
  readonly links: number
  readonly clientLinks: number
  readonly http: { readonly served: number; readonly surplus: number }
  readonly reserved: number
}

/** Descriptors that this process may have open; undefined where the system does not say. */
export function descriptorLimit(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(read('/proc/self/limits'))?.[1]
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft)
  } catch {
    // Only Linux has that file.
    return undefined
  }
}

/** Shares descriptors out; undefined is as many as any part may want. */
export function planDescriptors(limit: number | undefined): DescriptorPlan {
  const all = limit ?? Number.POSITIVE_INFINITY
  const reserved = Math.max(Math.min(LEAST_RESERVED, Math.ceil(all / 2)), Math.min(MOST_RESERVED, Math.ceil(all / 4)))
  const links = Math.min(MAX_CONCURRENT_CONNECTIONS, Math.floor((all - reserved) / 3))
  const http = all - reserved - links
  const surplus = Math.min(MOST_HTTP_SURPLUS, Math.floor(http / 20))
  return {
    links,
    clientLinks: Math.min(MAX_CLIENT_LINKS, Math.floor(links / 2)),
    http: { served: Math.min(MOST_HTTP_SERVED, http - surplus), surplus },
    reserved,
  }
}

/** What a person should know of a limit that leaves less than a node can serve; undefined when it does not. */
export function lowDescriptorWarning(limit: number | undefined): string | undefined {
  const { links, http } = planDescriptors(limit)
  if (limit === undefined || (links === MAX_CONCURRENT_CONNECTIONS && http.served === MOST_HTTP_SERVED)) return undefined
  return `this process may open ${limit} files: the node takes at most ${http.served} HTTP connections and ${links} links; raise the limit (ulimit -n, LimitNOFILE=) to 12000 for all it can serve`
}
