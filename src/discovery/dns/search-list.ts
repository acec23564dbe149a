import { readFileSync } from 'node:fs'
import { isDomainName } from './dns-name.ts'

/** The domains that a short name is looked up in, and from how many dots on it is tried as it is first (resolv.conf(5)). */
export interface SearchList {
  readonly domains: readonly string[]
  readonly ndots: number
}

const MAX_DOMAINS = 6
const MAX_NDOTS = 15

/** As the system has it now; the answer of a file that is not there is what its absence means. */
export function readSearchList(path = '/etc/resolv.conf'): SearchList {
  try {
    // Some hundred bytes, synchronously: what is asynchronous would take a thread that the log's sync waits for.
    return parseSearchList(readFileSync(path, 'utf8'))
  } catch {
    return parseSearchList('')
  }
}

/** The last `search` or `domain` counts. */
export function parseSearchList(text: string): SearchList {
  let domains: readonly string[] = []
  let ndots = 1
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/)
    if (keyword === 'search') domains = values
    if (keyword === 'domain') domains = values.slice(0, 1)
    if (keyword !== 'options') continue
    for (const option of values) {
      const [, digits] = /^ndots:(\d{1,3})$/.exec(option) ?? []
      if (digits !== undefined) ndots = Math.min(Number(digits), MAX_NDOTS)
    }
  }
  return { domains: domains.filter(isDomainName).slice(0, MAX_DOMAINS), ndots }
}

/** What a name may mean, in the order to be tried. One that ends with a dot means itself. */
export function spellings(name: string, { domains, ndots }: SearchList): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const searched = domains.map((domain) => `${name}.${domain.replace(/\.$/, '')}`)
  return name.split('.').length > ndots ? [name, ...searched] : [...searched, name]
}
