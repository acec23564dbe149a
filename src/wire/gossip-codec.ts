/**
 * What nodes gossip: signed announcements of themselves, which others pass on as they are; digests of what is known, which say who of it is newest;
 * and which of the offered announcements are wanted. A message is tagged fields, and so is what is signed: later versions add to both.
 */
import {
  ByteReader,
  concatBytes,
  fromHex,
  readTaggedFields,
  toHex,
  utf8Encode,
  WireError,
  writeTaggedFields,
} from '../lib/index.ts'
import type { ByteWriter, TaggedField } from '../lib/index.ts'
import { MAX_ADDRESS_SIZE, MAX_ANNOUNCED_ADDRESSES, MAX_ANNOUNCEMENT_SIZE, MAX_RELAY_URL_SIZE } from '../limits.ts'
import { bytesOf, listOf, stringOf, textOf, valueOf, wholeOf } from './field-values.ts'
import { MAX_CLUSTER_ID_SIZE } from './wire-limits.ts'

/** What a node says of itself to whoever hears of it. */
export interface PeerAnnouncement {
  readonly endpointId: string
  readonly nodeId: number
  /** Null while the node belongs to no cluster. */
  readonly clusterId: string | null
  /** `host:port`. */
  readonly addresses: readonly string[]
  /** A relay's URL, for transports that use one. */
  readonly relay: string | null
  /** Above that of everything the node has announced before, in whatever life. */
  readonly sequence: number
  /** The sequence of the first announcement that said the same. */
  readonly changed: number
  /** When it was said, in milliseconds since 1970 by the node's own clock. */
  readonly time: number
}

/** An announcement as it travels: whoever passes it on keeps its bytes, with what only later versions understand. */
export interface SignedAnnouncement {
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

/** Of whom something is known, and how new it is. */
export interface DigestEntry {
  /** The last 16 digits of the endpoint id. */
  readonly shortId: string
  readonly sequence: number
  readonly changed: number
}

export interface GossipMessage {
  readonly announcements: readonly SignedAnnouncement[]
  readonly digest: readonly DigestEntry[]
  /** Short ids of peers, whose announcements the receiver is asked for. */
  readonly wanted: readonly string[]
}

/** In one message, each. */
export const MAX_MESSAGE_ANNOUNCEMENTS = 16
export const MAX_DIGEST_ENTRIES = 256
export const MAX_WANTED = 64

export const SIGNATURE_SIZE = 64
/** Digits of an endpoint id that tell it from the others. */
const SHORT_ID_DIGITS = 16
const SHORT_ID_SIZE = SHORT_ID_DIGITS / 2
export const TOPIC_SIZE = 32
const PURPOSE = utf8Encode('aspen gossip announcement 1\0')

// Fields of a message and of an announcement. Even: whoever does not know one may go on without it.
const ANNOUNCEMENTS = 2
const DIGEST = 4
const WANTED = 6
const FIELDS = [ANNOUNCEMENTS, DIGEST, WANTED]
const ENDPOINT_ID = 2
const NODE_ID = 4
const CLUSTER_ID = 6
const ADDRESSES = 8
const RELAY = 10
const SEQUENCE = 12
const CHANGED = 14
const TIME = 16
const SAID = [ENDPOINT_ID, NODE_ID, CLUSTER_ID, ADDRESSES, RELAY, SEQUENCE, CHANGED, TIME]

export function shortIdOf(endpointId: string): string {
  return endpointId.slice(-SHORT_ID_DIGITS)
}

/** What is signed: an announcement counts in the one topic that it was made for. */
export function announcementInput(topic: Uint8Array, body: Uint8Array): Uint8Array {
  if (topic.length !== TOPIC_SIZE) throw new WireError(`a topic of ${topic.length} bytes`)
  return concatBytes([PURPOSE, topic, body])
}

/** @throws WireError for what has no encoding, and for one that is too large */
export function encodeAnnouncement(said: PeerAnnouncement): Uint8Array {
  const { endpointId, nodeId, clusterId, addresses, relay, sequence, changed, time } = said
  if (addresses.length > MAX_ANNOUNCED_ADDRESSES) throw new WireError(`an announcement of ${addresses.length} addresses`)
  if (changed > sequence) throw new WireError('an announcement that is older than what it says')
  const list = bytesOf((field) => addresses.forEach((one) => field.string(one, 1, MAX_ADDRESS_SIZE, 'address')))
  const fields: TaggedField[] = [
    [ENDPOINT_ID, bytesOf((field) => field.hex32(endpointId, 'endpoint id'))],
    [NODE_ID, bytesOf((field) => field.varint(nodeId))],
  ]
  if (clusterId !== null) fields.push([CLUSTER_ID, textOf(clusterId, MAX_CLUSTER_ID_SIZE, 'cluster id')])
  if (addresses.length > 0) fields.push([ADDRESSES, list])
  if (relay !== null) fields.push([RELAY, textOf(relay, MAX_RELAY_URL_SIZE, 'relay')])
  fields.push([SEQUENCE, bytesOf((field) => field.varint(sequence))])
  fields.push([CHANGED, bytesOf((field) => field.varint(changed))])
  fields.push([TIME, bytesOf((field) => field.varint(time))])
  const body = bytesOf((writer) => writeTaggedFields(writer, fields))
  if (body.length > MAX_ANNOUNCEMENT_SIZE) throw new WireError(`an announcement of ${body.length} bytes`)
  return body
}

/** @throws WireError for what is no announcement */
export function decodeAnnouncement(body: Uint8Array): PeerAnnouncement {
  if (body.length > MAX_ANNOUNCEMENT_SIZE) throw new WireError(`an announcement of ${body.length} bytes`)
  const fields = readTaggedFields(new ByteReader(body, 'announcement'), SAID)
  const cluster = fields.get(CLUSTER_ID)
  const relay = fields.get(RELAY)
  const said = {
    endpointId: valueOf(fields.get(ENDPOINT_ID), 'endpoint id', (field) => field.hex32()),
    nodeId: wholeOf(fields.get(NODE_ID), 1, 'node id'),
    clusterId: cluster === undefined ? null : stringOf(cluster, MAX_CLUSTER_ID_SIZE, 'cluster id'),
    addresses: addressesOf(fields.get(ADDRESSES)),
    relay: relay === undefined ? null : stringOf(relay, MAX_RELAY_URL_SIZE, 'relay'),
    sequence: wholeOf(fields.get(SEQUENCE), 0, 'sequence'),
    changed: wholeOf(fields.get(CHANGED), 0, 'sequence of the change'),
    time: wholeOf(fields.get(TIME), 0, 'time'),
  }
  if (said.changed > said.sequence) throw new WireError('an announcement that is older than what it says')
  return said
}

/** @throws WireError for what has no encoding */
export function encodeGossip({ announcements, digest, wanted }: GossipMessage): Uint8Array {
  checkCount(announcements.length, MAX_MESSAGE_ANNOUNCEMENTS, 'announcements')
  checkCount(digest.length, MAX_DIGEST_ENTRIES, 'entries of a digest')
  checkCount(wanted.length, MAX_WANTED, 'wanted announcements')
  const fields: TaggedField[] = []
  if (announcements.length > 0)
    fields.push([ANNOUNCEMENTS, bytesOf((list) => announcements.forEach((one) => writeSigned(list, one)))])
  if (digest.length > 0) fields.push([DIGEST, bytesOf((list) => digest.forEach((one) => writeEntry(list, one)))])
  if (wanted.length > 0) fields.push([WANTED, bytesOf((list) => wanted.forEach((shortId) => writeShortId(list, shortId)))])
  return bytesOf((message) => writeTaggedFields(message, fields))
}

/** The announcements of it are not read yet. @throws WireError for what is no such message */
export function decodeGossip(bytes: Uint8Array): GossipMessage {
  const fields = readTaggedFields(new ByteReader(bytes, 'gossip'), FIELDS)
  return {
    announcements: listOf(fields.get(ANNOUNCEMENTS), MAX_MESSAGE_ANNOUNCEMENTS, 'announcements', readSigned),
    digest: listOf(fields.get(DIGEST), MAX_DIGEST_ENTRIES, 'entries of a digest', readEntry),
    wanted: listOf(fields.get(WANTED), MAX_WANTED, 'wanted announcements', readShortId),
  }
}

function checkCount(count: number, most: number, what: string): void {
  if (count > most) throw new WireError(`${count} ${what} in one message`)
}

function writeSigned(list: ByteWriter, { body, signature }: SignedAnnouncement): void {
  if (signature.length !== SIGNATURE_SIZE) throw new WireError(`a signature of ${signature.length} bytes`)
  list.prefixed(body)
  list.raw(signature)
}

function readSigned(list: ByteReader): SignedAnnouncement {
  const body = list.prefixed(1, MAX_ANNOUNCEMENT_SIZE, 'announcement')
  return { body, signature: list.view(SIGNATURE_SIZE) }
}

function writeEntry(list: ByteWriter, { shortId, sequence, changed }: DigestEntry): void {
  writeShortId(list, shortId)
  list.varint(changed)
  list.varint(sequence - changed)
}

function readEntry(list: ByteReader): DigestEntry {
  const shortId = readShortId(list)
  const changed = list.varint()
  const sequence = changed + list.varint()
  if (!Number.isSafeInteger(sequence)) list.fail('a sequence beyond 2^53')
  return { shortId, sequence, changed }
}

function writeShortId(list: ByteWriter, shortId: string): void {
  const bytes = fromHex(shortId)
  if (bytes.length !== SHORT_ID_SIZE) throw new WireError(`${JSON.stringify(shortId)} is no short id`)
  list.raw(bytes)
}

function readShortId(list: ByteReader): string {
  return toHex(list.view(SHORT_ID_SIZE))
}

function addressesOf(bytes: Uint8Array | undefined): string[] {
  return listOf(bytes, MAX_ANNOUNCED_ADDRESSES, 'addresses', (list) => list.string(1, MAX_ADDRESS_SIZE, 'address'))
}
