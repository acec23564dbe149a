import type { AddPeerRequest } from '../../api/index.ts'
import { MAX_PEERS } from '../../limits.ts'
import { parseHostPort } from './host-port.ts'

const PEER = /^([1-9]\d*)@([0-9a-f]{64})(?::(.+))?$/i

type Hint = Pick<AddPeerRequest, 'addresses'> & { readonly relay: string | null }

function parseHint(hint: string | undefined): Hint | undefined {
  if (hint === undefined) return { addresses: [], relay: null }
  if (/^https?:\/\//i.test(hint)) return URL.canParse(hint) ? { addresses: [], relay: hint } : undefined
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

/** Peers separated by commas; the same peer twice adds to its addresses. Undefined when one is not a peer. */
export function parsePeers(text: string): readonly AddPeerRequest[] | undefined {
  const peers = new Map<string, AddPeerRequest>()
  for (const part of splitList(text)) {
    const peer = parsePeer(part)
    if (peer === undefined) return undefined
    const key = `${peer.nodeId}@${peer.endpointId}`
    const known = peers.get(key)
    peers.set(key, known === undefined ? peer : merge(known, peer))
  }
  return peers.size <= MAX_PEERS ? [...peers.values()] : undefined
}

/** The parts between commas, trimmed; nothing for an empty text. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
