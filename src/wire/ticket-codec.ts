/**
 * A ticket: what a node needs to find a cluster, and nothing that lets it in. It is text for people to copy, `aspen` and base32; tagged fields, so
 * that later versions can add to it; and signed by the node that gave it out, so that it is as it was.
 */
import {
  ByteReader,
  concatBytes,
  fromBase32,
  readTaggedFields,
  toBase32,
  utf8Encode,
  WireError,
  writeTaggedFields,
} from '../lib/index.ts'
import type { TaggedField } from '../lib/index.ts'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_RELAY_URL_SIZE, MAX_TICKET_PEERS } from '../limits.ts'
import { bytesOf, listOf, stringOf, textOf, valueOf, wholeOf } from './field-values.ts'
import { SIGNATURE_SIZE, TOPIC_SIZE } from './gossip-codec.ts'
import { MAX_CLUSTER_ID_SIZE } from './wire-limits.ts'

/** Somebody of the cluster, and where he may be found. */
export interface TicketPeer {
  readonly endpointId: string
  readonly nodeId: number
  /** `host:port`. */
  readonly addresses: readonly string[]
  readonly relay: string | null
}

export interface Ticket {
  /** 32 bytes that all nodes with the cookie of the cluster have in common. */
  readonly topic: Uint8Array
  /** Null of a node that belonged to none. */
  readonly clusterId: string | null
  /** Who gave it out, and signed it. */
  readonly issuer: string
  /** In milliseconds since 1970. */
  readonly expiresAt: number
  /** The issuer first. */
  readonly peers: readonly TicketPeer[]
}

/** A ticket whose signature nobody has looked at yet. */
export interface UnprovenTicket {
  readonly ticket: Ticket
  readonly signedBytes: Uint8Array
  readonly signature: Uint8Array
}

const PREFIX = 'aspen'
const VERSION = 1
const PURPOSE = utf8Encode('aspen ticket 1\0')
/** Far above what 16 peers take. */
const MAX_TEXT_SIZE = 65_536
const MAX_PEER_SIZE = 4_096

// Fields of a ticket and of a peer. Even: whoever does not know one may go on without it.
const TOPIC = 2
const CLUSTER_ID = 4
const ISSUER = 6
const EXPIRES_AT = 8
const PEERS = 10
const FIELDS = [TOPIC, CLUSTER_ID, ISSUER, EXPIRES_AT, PEERS]
const ENDPOINT_ID = 2
const NODE_ID = 4
const ADDRESSES = 6
const RELAY = 8
const PEER_FIELDS = [ENDPOINT_ID, NODE_ID, ADDRESSES, RELAY]

/** What is to be signed, which begins with what it is for. @throws WireError for what has no encoding */
export function ticketInput(ticket: Ticket): Uint8Array {
  const { topic, clusterId, issuer, expiresAt, peers } = ticket
  if (topic.length !== TOPIC_SIZE) throw new WireError(`a topic of ${topic.length} bytes`)
  if (peers.length > MAX_TICKET_PEERS) throw new WireError(`a ticket with ${peers.length} peers`)
  const fields: TaggedField[] = [[TOPIC, topic]]
  if (clusterId !== null) fields.push([CLUSTER_ID, textOf(clusterId, MAX_CLUSTER_ID_SIZE, 'cluster id')])
  fields.push([ISSUER, bytesOf((field) => field.hex32(issuer, 'issuer'))])
  fields.push([EXPIRES_AT, bytesOf((field) => field.varint(expiresAt))])
  fields.push([PEERS, bytesOf((list) => peers.forEach((peer) => list.prefixed(encodePeer(peer))))])
  return concatBytes([PURPOSE, bytesOf((body) => (body.u8(VERSION), writeTaggedFields(body, fields)))])
}

/** @param signedBytes of {@link ticketInput} */
export function ticketText(signedBytes: Uint8Array, signature: Uint8Array): string {
  if (signature.length !== SIGNATURE_SIZE) throw new WireError(`a signature of ${signature.length} bytes`)
  return PREFIX + toBase32(concatBytes([signedBytes.subarray(PURPOSE.length), signature]))
}

/** Takes what mail and people do to text: lines, spaces, capitals. @throws WireError which says what is wrong with it */
export function parseTicket(text: string): UnprovenTicket {
  if (text.length > MAX_TEXT_SIZE) throw new WireError('it is longer than tickets are')
  const letters = text.replaceAll(/\s/g, '').toLowerCase()
  if (!letters.startsWith(PREFIX)) throw new WireError(`it does not begin with ${PREFIX}`)
  let bytes: Uint8Array
  try {
    bytes = fromBase32(letters.slice(PREFIX.length))
  } catch {
    throw new WireError('a part of it is missing, or it has letters that tickets do not have')
  }
  if (bytes.length > 0 && bytes[0] !== VERSION)
    throw new WireError(`it is of version ${bytes[0]}, and this program knows version ${VERSION}`)
  if (bytes.length <= SIGNATURE_SIZE) throw new WireError('a part of it is missing')
  const end = bytes.length - SIGNATURE_SIZE
  return {
    ticket: decodeBody(bytes.subarray(1, end)),
    signedBytes: concatBytes([PURPOSE, bytes.subarray(0, end)]),
    signature: bytes.slice(end),
  }
}

function decodeBody(bytes: Uint8Array): Ticket {
  const fields = readTaggedFields(new ByteReader(bytes, 'ticket'), FIELDS)
  const clusterId = fields.get(CLUSTER_ID)
  return {
    topic: valueOf(fields.get(TOPIC), 'topic', (field) => Uint8Array.from(field.view(TOPIC_SIZE))),
    clusterId: clusterId === undefined ? null : stringOf(clusterId, MAX_CLUSTER_ID_SIZE, 'cluster id'),
    issuer: valueOf(fields.get(ISSUER), 'issuer', (field) => field.hex32()),
    expiresAt: wholeOf(fields.get(EXPIRES_AT), 0, 'end of its time'),
    peers: listOf(fields.get(PEERS), MAX_TICKET_PEERS, 'peers', (list) => decodePeer(list.prefixed(1, MAX_PEER_SIZE, 'peer'))),
  }
}

function encodePeer({ endpointId, nodeId, addresses, relay }: TicketPeer): Uint8Array {
  if (addresses.length > MAX_MEMBER_ADDRESSES) throw new WireError(`a peer with ${addresses.length} addresses`)
  const list = bytesOf((field) => addresses.forEach((one) => field.string(one, 1, MAX_ADDRESS_SIZE, 'address')))
  const fields: TaggedField[] = [
    [ENDPOINT_ID, bytesOf((field) => field.hex32(endpointId, 'endpoint id'))],
    [NODE_ID, bytesOf((field) => field.varint(nodeId))],
    [ADDRESSES, list],
  ]
  if (relay !== null) fields.push([RELAY, textOf(relay, MAX_RELAY_URL_SIZE, 'relay')])
  return bytesOf((peer) => writeTaggedFields(peer, fields))
}

function decodePeer(bytes: Uint8Array): TicketPeer {
  const fields = readTaggedFields(new ByteReader(bytes, 'peer of a ticket'), PEER_FIELDS)
  const relay = fields.get(RELAY)
  return {
    endpointId: valueOf(fields.get(ENDPOINT_ID), 'endpoint id', (field) => field.hex32()),
    nodeId: wholeOf(fields.get(NODE_ID), 1, 'node id'),
    addresses: listOf(fields.get(ADDRESSES), MAX_MEMBER_ADDRESSES, 'addresses', (list) =>
      list.string(1, MAX_ADDRESS_SIZE, 'address'),
    ),
    relay: relay === undefined ? null : stringOf(relay, MAX_RELAY_URL_SIZE, 'relay'),
  }
}
