import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'

/** Host name to IP addresses; rejects with the resolver's error when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>

const QUERY = { timeout: 1_000, tries: 2 }
const MAX_ADDRESSES = 16

/**
 * Resolves through the hosts file and DNS. `dns.lookup` is avoided: it blocks one of the four threads that the log's
 * sync runs on, for as long as a name server takes to answer.
 */
export function createResolver(hostsFile = '/etc/hosts'): Resolve {
  const dns = new Resolver(QUERY)
  let hosts: ReadonlyMap<string, readonly string[]> | undefined
  return async (host) => {
    if (isIP(host) !== 0) return [host]
    hosts ??= readHosts(hostsFile)
    const known = hosts.get(host.toLowerCase())
    if (known !== undefined) return known
    if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1']
    const [v4, v6] = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)])
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason
    return found.slice(0, MAX_ADDRESSES)
  }
}

function readHosts(path: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // Not every system has one; DNS knows the names then.
    return hosts
  }
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      hosts.set(key, [...(hosts.get(key) ?? []), address])
    }
  }
  return hosts
}
