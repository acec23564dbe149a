/**
 * What two nodes say to each other on a fresh connection before either trusts the other:
 *
 *     dialer   -> hello            which versions I speak, who I am, whom I want, my nonce
 *     acceptor -> hello
 *     dialer   -> proof, claims    of the cookie, over everything both hellos said
 *     acceptor -> proof, claims    only after the dialer's has been verified
 *
 * and a refusal in place of any of them. A record is one byte of type, two of length (big-endian), and a body.
 * Hellos, refusals and claims keep their form in every version: what later ones have to add stands in tagged fields at their end.
 * The two speak the highest version that both know. Proofs are over the very bytes that were said, so nobody between the two can
 * talk them down to an older one.
 */
import {
  ByteReader,
  ByteWriter,
  concatBytes,
  fromHex,
  readTaggedFields,
  toHex,
  utf8Decode,
  utf8Encode,
  WireError,
  writeTaggedFields,
} from '../lib/index.ts'
import type { TaggedField } from '../lib/index.ts'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_PROGRAM_VERSION_SIZE } from '../limits.ts'
import type { Claims, FoundedFrom, LinkRefusal, LinkRefusalCode } from '../ports/index.ts'
import { MAX_CLUSTER_ID_SIZE } from './wire-limits.ts'

/** Versions of the link protocol, both included. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** Those that this program speaks. Version 1 had no range in its hello, no channels and no groups. */
export const LINK_VERSIONS: VersionRange = { min: 2, max: 2 }
/** A bit for each thing that an end of a link may do or not, beside its version. Both must have it for it to be used. */
export const LINK_FEATURES = 0
/** The last version whose hello said no range. */
const LAST_WITHOUT_RANGE = 1
export const NONCE_SIZE = 32
export const INSTANCE_SIZE = 16
export const PROOF_SIZE = 32
const EPOCH_SIZE = 16
export const HANDSHAKE_HEADER_SIZE = 3

/** Why a link was refused or ended on purpose. The order is the wire's: append only. */
export const LINK_REFUSALS = [
  'MALFORMED',
  'VERSION_MISMATCH',
  'KEY_MISMATCH',
  'SELF',
  'COOKIE_MISMATCH',
  'CLUSTER_MISMATCH',
  'DUPLICATE',
  'OVERLOADED',
  'STOPPING',
  'REFUSED',
  'IDENTITY_IN_USE',
] as const satisfies readonly LinkRefusalCode[]

export interface Hello {
  readonly versions: VersionRange
  /** 32 bits. */
  readonly features: number
  /** Endpoint ids of the sender, and of whom it believes to be speaking to. */
  readonly from: string
  readonly to: string
  readonly nonce: Uint8Array
  /** Drawn at every start of a node: tells a restarted peer from one that lost a connection. */
  readonly instance: string
  /** Tagged fields of later versions, as they were said. */
  readonly more: Uint8Array
}

export interface Proof {
  readonly mac: Uint8Array
  /** Encoded claims, as they were said. */
  readonly said: Uint8Array
}

export type HandshakeRecord =
  | { readonly type: 'hello'; readonly hello: Hello }
  /** A hello from before there were ranges. Nothing else of it is read. */
  | { readonly type: 'other-version'; readonly versions: VersionRange }
  | { readonly type: 'proof'; readonly proof: Proof; readonly claims: Claims }
  | { readonly type: 'refusal'; readonly refusal: LinkRefusal }

/** A field of hellos. Even: whoever does not know it may go on without it. */
const REPLACES = 2

const MAGIC = utf8Encode('ASPN')
const MAX_DETAIL_SIZE = 512
const MAX_FEATURES = 2 ** 32 - 1
// Types on the wire, with the largest body of each. Nobody has proven anything before the proof: those are small.
const HELLO = { type: 1, maxBody: 1024 }
const PROOF = { type: 2, maxBody: 32 * 1024 }
const REFUSAL = { type: 3, maxBody: 1024 }
const RECORDS = [HELLO, PROOF, REFUSAL]

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter()
  writer.raw(MAGIC)
  writer.varint(hello.versions.min)
  writer.varint(hello.versions.max)
  writer.varint(hello.features)
  writer.hex32(hello.from, 'endpoint id')
  writer.hex32(hello.to, 'endpoint id')
  writer.raw(hello.nonce)
  writer.raw(fromHex(hello.instance))
  writer.raw(hello.more)
  return toRecord(HELLO.type, writer.finish())
}

/**
 * What tells a link from all others between the same two nodes. Both ends take it from the dialer's hello, and the proofs of both are over
 * that.
 */
export function epochOf(dialer: Hello): string {
  return toHex(dialer.nonce.subarray(0, EPOCH_SIZE))
}

/** The tagged fields of the hello of a dialer that holds a link to the other end already, and wants this one instead. */
export function encodeReplaced(epoch: string): Uint8Array {
  return field((writer) => writeTaggedFields(writer, [[REPLACES, fromHex(epoch)]]))
}

/** The epoch of the link that the dialer holds, and wants to be replaced; null when it says none. */
export function replacedBy({ more }: Hello): string | null {
  const epoch = readTaggedFields(new ByteReader(more, 'hello'), [REPLACES]).get(REPLACES)
  return epoch?.length === EPOCH_SIZE ? toHex(epoch) : null
}

export function encodeProof(proof: Proof): Uint8Array {
  return toRecord(PROOF.type, concatBytes([proof.mac, proof.said]))
}

export function encodeRefusal(refusal: LinkRefusal): Uint8Array {
  return toRecord(REFUSAL.type, encodeReason(refusal))
}

/** The body of a refusal, and of a goodbye frame that has a reason. Overlong details are cut. */
export function encodeReason(refusal: LinkRefusal): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(LINK_REFUSALS.indexOf(refusal.code))
  writer.string(refusal.detail.slice(0, MAX_DETAIL_SIZE / 4).toWellFormed(), 0, MAX_DETAIL_SIZE, 'detail')
  return writer.finish()
}

/** Throws {@link WireError}. A code of a later version reads as REFUSED, its detail is kept. */
export function decodeReason(bytes: Uint8Array): LinkRefusal {
  const reader = new ByteReader(bytes, 'link refusal')
  const code = LINK_REFUSALS[reader.varint()] ?? 'REFUSED'
  const detail = reader.string(0, MAX_DETAIL_SIZE, 'detail')
  readTaggedFields(reader, [])
  return { code, detail }
}

/** Fields of claims. Even: whoever does not know one may go on without it. Room for a relay, an endpoint, a role. */
const NODE_ID = 2
const CLUSTER_ID = 4
const ADDRESSES = 6
const LANGUAGE_VERSION = 8
const PROGRAM_VERSION = 10
const FOUNDED_FROM = 12
const CLAIM_TAGS = [NODE_ID, CLUSTER_ID, ADDRESSES, LANGUAGE_VERSION, PROGRAM_VERSION, FOUNDED_FROM]
/** The latest that a date can be. */
const MAX_DATE_MS = 8.64e15
/** Of those who do not say. */
const FIRST_LANGUAGE_VERSION = 1

export function encodeClaims(claims: Claims): Uint8Array {
  const fields: TaggedField[] = [[NODE_ID, field((writer) => writer.varint(claims.nodeId))]]
  const { clusterId } = claims
  if (clusterId !== null) {
    const bytes = utf8Encode(clusterId)
    if (bytes.length < 1 || bytes.length > MAX_CLUSTER_ID_SIZE) throw new WireError(`a cluster id of ${bytes.length} bytes`)
    fields.push([CLUSTER_ID, bytes])
  }
  fields.push([ADDRESSES, field((writer) => writeAddresses(writer, claims.addresses))])
  fields.push([LANGUAGE_VERSION, field((writer) => writer.varint(claims.languageVersion))])
  const { programVersion, foundedFrom } = claims
  if (programVersion !== undefined) fields.push([PROGRAM_VERSION, versionBytes(programVersion)])
  if (foundedFrom !== undefined) fields.push([FOUNDED_FROM, field((writer) => writeFoundedFrom(writer, foundedFrom))])
  return field((writer) => writeTaggedFields(writer, fields))
}

function versionBytes(version: string): Uint8Array {
  const bytes = utf8Encode(version)
  if (bytes.length < 1 || bytes.length > MAX_PROGRAM_VERSION_SIZE)
    throw new WireError(`a program version of ${bytes.length} bytes`)
  return bytes
}

/** Throws {@link WireError}. */
export function decodeClaims(bytes: Uint8Array): Claims {
  const fields = readTaggedFields(new ByteReader(bytes, 'claims'), CLAIM_TAGS)
  const read = <T>(tag: number, absent: T, decode: (reader: ByteReader) => T): T => {
    const value = fields.get(tag)
    if (value === undefined) return absent
    const reader = new ByteReader(value, `claims, field ${tag}`)
    const decoded = decode(reader)
    reader.expectEnd()
    return decoded
  }
  const programVersion = read<string | undefined>(PROGRAM_VERSION, undefined, readVersion)
  const foundedFrom = read<FoundedFrom | undefined>(FOUNDED_FROM, undefined, readFoundedFrom)
  return {
    ...(programVersion === undefined ? {} : { programVersion }),
    ...(foundedFrom === undefined ? {} : { foundedFrom }),
    nodeId: read(NODE_ID, 0, (reader) => reader.varint()),
    clusterId: read<string | null>(CLUSTER_ID, null, readClusterId),
    addresses: read<readonly string[]>(ADDRESSES, [], readAddresses),
    languageVersion: read(LANGUAGE_VERSION, FIRST_LANGUAGE_VERSION, (reader) => reader.varint()),
  }
}

function field(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return writer.finish()
}

function writeFoundedFrom(writer: ByteWriter, { clusterId, nodeId, foundedAt }: FoundedFrom): void {
  writer.string(clusterId, 1, MAX_CLUSTER_ID_SIZE, 'cluster id')
  writer.varint(nodeId)
  writer.varint(foundedAt)
}

function readFoundedFrom(reader: ByteReader): FoundedFrom {
  const clusterId = reader.string(1, MAX_CLUSTER_ID_SIZE, 'cluster id')
  return { clusterId, nodeId: reader.varint(), foundedAt: reader.varintWithin(0, MAX_DATE_MS, 'date') }
}

function writeAddresses(writer: ByteWriter, all: readonly string[]): void {
  const addresses = all.slice(0, MAX_MEMBER_ADDRESSES)
  writer.varint(addresses.length)
  for (const address of addresses) writer.string(address, 1, MAX_ADDRESS_SIZE, 'address')
}

function readAddresses(reader: ByteReader): string[] {
  const count = reader.count(MAX_MEMBER_ADDRESSES, 2, 'addresses')
  return Array.from({ length: count }, () => reader.string(1, MAX_ADDRESS_SIZE, 'address'))
}

function readClusterId(reader: ByteReader): string {
  const bytes = reader.rest()
  const id = bytes.length >= 1 && bytes.length <= MAX_CLUSTER_ID_SIZE ? utf8Decode(bytes) : undefined
  return id ?? reader.fail(`${bytes.length} bytes are no cluster id`)
}

function readVersion(reader: ByteReader): string {
  const bytes = reader.rest()
  const text = bytes.length >= 1 && bytes.length <= MAX_PROGRAM_VERSION_SIZE ? utf8Decode(bytes) : undefined
  return text ?? reader.fail(`${bytes.length} bytes are no version of a program`)
}

/** The highest version that both speak, or undefined. */
export function commonVersion(a: VersionRange, b: VersionRange): number | undefined {
  const highest = Math.min(a.max, b.max)
  return highest >= Math.max(a.min, b.min) ? highest : undefined
}

/**
 * The record that `bytes` begin with and its size, or undefined while it is not complete. Throws {@link WireError}
 * as soon as the bytes cannot become a record.
 */
export function decodeHandshake(bytes: Uint8Array): { readonly record: HandshakeRecord; readonly size: number } | undefined {
  const [type, high, low] = bytes
  if (type === undefined) return undefined
  const known = RECORDS.find((record) => record.type === type)
  if (known === undefined) throw new WireError(`malformed handshake: a record of unknown type ${type}`)
  if (high === undefined || low === undefined) return undefined
  const length = (high << 8) | low
  if (length > known.maxBody)
    throw new WireError(`malformed handshake: a record of ${length} bytes, ${known.maxBody} are allowed`)
  const size = HANDSHAKE_HEADER_SIZE + length
  if (bytes.length < size) return undefined
  return { record: decodeRecord(known.type, bytes.subarray(HANDSHAKE_HEADER_SIZE, size)), size }
}

/** What a proof is computed over. Every field has a fixed size or its length before it, so no two say the same bytes. */
export interface ProofInput {
  readonly role: 'dialer' | 'acceptor'
  readonly protocol: string
  readonly dialer: Hello
  readonly acceptor: Hello
  /** What both make of the two hellos. */
  readonly version: number
  readonly features: number
  /** Encoded claims, as they are said. */
  readonly said: Uint8Array
}

const PROOF_PURPOSE = 'aspen link proof'

export function encodeProofInput(input: ProofInput): Uint8Array {
  const writer = new ByteWriter(512)
  writer.string(PROOF_PURPOSE, 0, 255, 'purpose')
  writer.string(input.role, 0, 255, 'role')
  writer.string(input.protocol, 0, 255, 'protocol')
  writer.prefixed(encodeHello(input.dialer))
  writer.prefixed(encodeHello(input.acceptor))
  writer.varint(input.version)
  writer.varint(input.features)
  writer.prefixed(input.said)
  return writer.finish()
}

function decodeRecord(type: number, body: Uint8Array): HandshakeRecord {
  if (type === HELLO.type) return decodeHello(body)
  if (type === REFUSAL.type) return { type: 'refusal', refusal: decodeReason(body) }
  const reader = new ByteReader(body, 'link proof')
  const mac = reader.view(PROOF_SIZE)
  const said = reader.rest()
  return { type: 'proof', proof: { mac, said }, claims: decodeClaims(said) }
}

function decodeHello(body: Uint8Array): HandshakeRecord {
  const reader = new ByteReader(body, 'hello')
  for (const byte of MAGIC) {
    if (reader.u8() !== byte) reader.fail('it does not begin with ASPN')
  }
  const versions = readVersions(reader)
  if (versions.max <= LAST_WITHOUT_RANGE) return { type: 'other-version', versions }
  const features = reader.varintWithin(0, MAX_FEATURES, 'features')
  const from = reader.hex32()
  const to = reader.hex32()
  const nonce = reader.view(NONCE_SIZE)
  const instance = toHex(reader.view(INSTANCE_SIZE))
  const more = reader.rest()
  readTaggedFields(new ByteReader(more, 'hello'), [])
  return { type: 'hello', hello: { versions, features, from, to, nonce, instance, more } }
}

function readVersions(reader: ByteReader): VersionRange {
  const min = reader.varint()
  if (min <= LAST_WITHOUT_RANGE) return { min, max: min }
  return { min, max: reader.varintWithin(min, Number.MAX_SAFE_INTEGER, 'highest version') }
}

function toRecord(type: number, body: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(type, body.length >>> 8, body.length & 0xff), body])
}
