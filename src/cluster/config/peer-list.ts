import { isRelayUrl } from '../../api/index.ts'
import type { AddPeerRequest } from '../../api/index.ts'
import { MAX_MEMBER_ADDRESSES, MAX_PEERS } from '../../limits.ts'
import { parseHostPort } from './host-port.ts'
import { fieldsOf, stringsOf } from './untyped.ts'

const PEER = /^([1-9]\d*)@([0-9a-f]{64})(?::(.+))?$/i

type Hint = Pick<AddPeerRequest, 'addresses'> & { readonly relay: string | null }

function parseHint(hint: string | undefined): Hint | undefined {
  if (hint === undefined) return { addresses: [], relay: null }
  if (/^https?:\/\//i.test(hint)) return isRelayUrl(hint) ? { addresses: [], relay: hint } : undefined
  const address = parseHostPort(hint)
  return address === undefined || address.port === 0 ? undefined : { addresses: [hint], relay: null }
}

/** `ID@ENDPOINT_ID[:HINT]`, the hint a `host:port` or a relay URL; undefined when it is not. */
export function parsePeer(text: string): AddPeerRequest | undefined {
  const match = PEER.exec(text)
  if (match === null) return undefined
  const [, id, endpointId, hint] = match
  const nodeId = Number(id)
  const place = parseHint(hint)
  if (!Number.isSafeInteger(nodeId) || place === undefined) return undefined
  return { nodeId, endpointId: (endpointId as string).toLowerCase(), ...place }
}

/** One peer from two mentions of it: all addresses, and the relay named last. */
function merge(known: AddPeerRequest, more: AddPeerRequest): AddPeerRequest {
  return {
    ...known,
    addresses: [...new Set([...known.addresses, ...more.addresses])],
    relay: more.relay ?? known.relay ?? null,
  }
}

function join(mentions: Iterable<AddPeerRequest | undefined>): readonly AddPeerRequest[] | undefined {
  const peers = new Map<string, AddPeerRequest>()
  for (const peer of mentions) {
    if (peer === undefined) return undefined
    const key = `${peer.nodeId}@${peer.endpointId}`
    const known = peers.get(key)
    const merged = known === undefined ? peer : merge(known, peer)
    if (merged.addresses.length > MAX_MEMBER_ADDRESSES) return undefined
    peers.set(key, merged)
  }
  return peers.size <= MAX_PEERS ? [...peers.values()] : undefined
}

/** Peers separated by commas; the same peer twice adds to its addresses. Undefined when one is not a peer. */
export function parsePeers(text: string): readonly AddPeerRequest[] | undefined {
  return join(splitList(text).map(parsePeer))
}

function takePeer(value: unknown): AddPeerRequest | undefined {
  const given = fieldsOf(value, ['nodeId', 'endpointId', 'addresses', 'relay'])
  if (given === undefined) return undefined
  const { nodeId, endpointId, relay = null } = given
  const addresses = stringsOf(given.addresses)
  if (typeof nodeId !== 'number' || typeof endpointId !== 'string' || addresses === undefined) return undefined
  if (addresses.length > MAX_MEMBER_ADDRESSES || (relay !== null && typeof relay !== 'string')) return undefined
  const peer = parsePeer(`${nodeId}@${endpointId}`)
  const places = addresses.map(parseHint)
  const via = relay === null ? null : parseHint(relay)?.relay
  if (peer === undefined || via === undefined || (relay !== null && via === null)) return undefined
  return places.every((place) => place?.relay === null) ? { ...peer, addresses: [...new Set(addresses)], relay: via } : undefined
}

/** Peers as a program gives them, in an array. Undefined when one is not a peer. */
export function takePeers(value: unknown): readonly AddPeerRequest[] | undefined {
  return Array.isArray(value) && value.length <= MAX_PEERS ? join(value.map(takePeer)) : undefined
}

/** The parts between commas, trimmed; nothing for an empty text. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
