/**
 * What a node says of itself in TXT records under its key, as iroh has it: `_iroh.<key in z-base-32>`, a record for each attribute,
 * `relay=<URL>` and `addr=<host:port>`. Anybody may have said what is read here.
 */
import { isRelayUrl, parseAddress } from '../../api/index.ts'
import { fromHex, toZBase32 } from '../../lib/index.ts'
import { MAX_ANNOUNCED_ADDRESSES } from '../../limits.ts'

/** Where a node says that it is. */
export interface Places {
  /** `host:port`. */
  readonly addresses: readonly string[]
  readonly relay: string | null
}

/** The name of the records of this key; in a zone where one is given. */
export function recordName(endpointId: string, zone?: string): string {
  const name = `_iroh.${toZBase32(fromHex(endpointId))}`
  return zone === undefined ? name : `${name}.${zone}`
}

/** One text for each record, the most useful first. */
export function attributesOf({ addresses, relay }: Places): string[] {
  const said = addresses.slice(0, MAX_ANNOUNCED_ADDRESSES).map((address) => `addr=${address}`)
  return relay === null ? said : [`relay=${relay}`, ...said]
}

/** What these texts say, each of one record; what makes no sense is left out. Null where nothing is left, or too much is said. */
export function placesIn(texts: readonly string[]): Places | null {
  const addresses = new Set<string>()
  let relay: string | null = null
  for (const text of texts) {
    const [, name, value = ''] = /^(addr|relay)=(.*)$/.exec(text) ?? []
    // Several in one record, with spaces between them, are allowed.
    if (name === 'addr') for (const one of value.split(' ')) if (parseAddress(one) !== undefined) addresses.add(one)
    if (name === 'relay' && relay === null && isRelayUrl(value)) relay = value
  }
  if (addresses.size > MAX_ANNOUNCED_ADDRESSES || (addresses.size === 0 && relay === null)) return null
  return { addresses: [...addresses], relay }
}
