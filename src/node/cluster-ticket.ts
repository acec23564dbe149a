/** Tickets that a node gives out: where its cluster is found, signed, and nothing that is a secret. */
import { AspenError } from '../api/index.ts'
import type { ClusterTicket } from '../api/index.ts'
import { toHex } from '../lib/index.ts'
import { MAX_MEMBER_ADDRESSES, MAX_TICKET_PEERS, TICKET_LIFETIME_MS } from '../limits.ts'
import type { PeerBook } from '../peers/index.ts'
import type { Signatures, Transport } from '../ports/index.ts'
import type { Membership } from '../raft/index.ts'
import { ticketInput, ticketText } from '../wire/index.ts'
import type { TicketPeer } from '../wire/index.ts'
import type { TopicPorts } from './node-ports.ts'

export interface TicketParts {
  readonly nodeId: number
  readonly transport: Pick<Transport, 'endpointId' | 'addresses' | 'relay' | 'peers'>
  readonly peerBook: Pick<PeerBook, 'entries' | 'get'>
  readonly signatures?: Signatures
  readonly tickets?: TopicPorts
}

/** @throws AspenError NOT_IMPLEMENTED where there is nothing to sign with */
export function issueTicket(parts: TicketParts, clusterId: string | null, membership: Membership): ClusterTicket {
  const { signatures, tickets } = parts
  if (signatures === undefined || tickets === undefined)
    throw new AspenError('NOT_IMPLEMENTED', 'this node has no key to sign tickets with')
  const { topic, wallClock } = tickets
  const { endpointId } = signatures
  const peers = peersOf(parts, membership)
  const signedBytes = ticketInput({
    topic,
    clusterId,
    issuer: endpointId,
    expiresAt: Math.trunc(wallClock()) + TICKET_LIFETIME_MS,
    peers,
  })
  return { ticket: ticketText(signedBytes, signatures.sign(signedBytes)), topicId: toHex(topic), clusterId, endpointId }
}

/** This node; then the other members, those that are linked first; then whoever else is linked. */
function peersOf({ nodeId, transport, peerBook }: TicketParts, membership: Membership): TicketPeer[] {
  const self: TicketPeer = {
    endpointId: transport.endpointId,
    nodeId,
    addresses: placesOf(transport.addresses()),
    relay: transport.relay?.() ?? null,
  }
  const linked = new Set(transport.peers().flatMap(({ endpointId, state }) => (state === 'connected' ? [endpointId] : [])))
  const members = new Map(membership.members.map((member) => [member.endpointId, member]))
  const rank = (endpointId: string): number => (members.has(endpointId) ? 0 : 2) + (linked.has(endpointId) ? 0 : 1)
  const others = [...new Set([...members.keys(), ...linked])].filter((endpointId) => endpointId !== transport.endpointId)
  const known = others
    .toSorted((a, b) => rank(a) - rank(b))
    .flatMap((endpointId): TicketPeer[] => {
      const entry = peerBook.get(endpointId)
      const member = members.get(endpointId)
      const id = member?.id ?? entry?.nodeId ?? null
      const addresses = placesOf(entry?.addresses ?? member?.addresses ?? [])
      const relay = entry?.relay ?? null
      return id === null || (addresses.length === 0 && relay === null) ? [] : [{ endpointId, nodeId: id, addresses, relay }]
    })
  return [self, ...known].slice(0, MAX_TICKET_PEERS)
}

function placesOf(addresses: readonly string[]): readonly string[] {
  return addresses.slice(0, MAX_MEMBER_ADDRESSES)
}
