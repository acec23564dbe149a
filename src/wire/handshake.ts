/**
 * What two nodes say to each other on a fresh connection before either trusts the other:
 *
 *     dialer   -> hello            who I am, whom I want, my nonce
 *     acceptor -> hello
 *     dialer   -> proof, claims    of the cookie, over everything both hellos said
 *     acceptor -> proof, claims    only after the dialer's has been verified
 *
 * and a refusal in place of any of them. A record is one byte of type, two of length (big-endian), and a body.
 * The first bytes of a hello, and refusals, keep their form in every version, so that versions can name each other.
 */
import { ByteReader, ByteWriter, concatBytes, fromHex, toHex, utf8Encode, WireError } from '../lib/index.ts'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES } from '../limits.ts'
import type { Claims, LinkRefusal, LinkRefusalCode } from '../ports/index.ts'
import { MAX_CLUSTER_ID_SIZE } from './wire-limits.ts'

export const LINK_VERSION = 1
export const NONCE_SIZE = 32
export const INSTANCE_SIZE = 16
export const PROOF_SIZE = 32
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
] as const satisfies readonly LinkRefusalCode[]

export interface Hello {
  readonly version: number
  /** Endpoint ids of the sender, and of whom it believes to be speaking to. */
  readonly from: string
  readonly to: string
  readonly nonce: Uint8Array
  /** Drawn at every start of a node: tells a restarted peer from one that lost a connection. */
  readonly instance: string
}

export interface Proof {
  readonly mac: Uint8Array
  readonly claims: Claims
}

export type HandshakeRecord =
  | { readonly type: 'hello'; readonly hello: Hello }
  /** A hello of another version, of which only the version can be read. */
  | { readonly type: 'other-version'; readonly version: number }
  | { readonly type: 'proof'; readonly proof: Proof }
  | { readonly type: 'refusal'; readonly refusal: LinkRefusal }

const MAGIC = utf8Encode('ASPN')
const MAX_DETAIL_SIZE = 512
// Types on the wire, with the largest body of each. Nobody has proven anything before the proof: those are small.
const HELLO = { type: 1, maxBody: 1024 }
const PROOF = { type: 2, maxBody: 32 * 1024 }
const REFUSAL = { type: 3, maxBody: 1024 }
const RECORDS = [HELLO, PROOF, REFUSAL]

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter()
  writer.raw(MAGIC)
  writer.varint(hello.version)
  writer.hex32(hello.from, 'endpoint id')
  writer.hex32(hello.to, 'endpoint id')
  writer.raw(hello.nonce)
  writer.raw(fromHex(hello.instance))
  return toRecord(HELLO.type, writer.finish())
}

export function encodeProof(proof: Proof): Uint8Array {
  return toRecord(PROOF.type, concatBytes([proof.mac, encodeClaims(proof.claims)]))
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

/** Throws {@link WireError}. A code of a later version reads as MALFORMED, its detail is kept. */
export function decodeReason(bytes: Uint8Array): LinkRefusal {
  const reader = new ByteReader(bytes, 'link refusal')
  const code = LINK_REFUSALS[reader.varint()] ?? 'MALFORMED'
  const detail = reader.string(0, MAX_DETAIL_SIZE, 'detail')
  reader.expectEnd()
  return { code, detail }
}

export function encodeClaims(claims: Claims): Uint8Array {
  const writer = new ByteWriter()
  writer.varint(claims.nodeId)
  writer.string(claims.clusterId ?? '', 0, MAX_CLUSTER_ID_SIZE, 'cluster id')
  const addresses = claims.addresses.slice(0, MAX_MEMBER_ADDRESSES)
  writer.varint(addresses.length)
  for (const address of addresses) writer.string(address, 1, MAX_ADDRESS_SIZE, 'address')
  return writer.finish()
}

/** Throws {@link WireError}. */
export function decodeClaims(bytes: Uint8Array): Claims {
  const reader = new ByteReader(bytes, 'claims')
  const nodeId = reader.varint()
  const clusterId = reader.string(0, MAX_CLUSTER_ID_SIZE, 'cluster id')
  const count = reader.count(MAX_MEMBER_ADDRESSES, 2, 'addresses')
  const addresses: string[] = []
  for (let i = 0; i < count; i++) addresses.push(reader.string(1, MAX_ADDRESS_SIZE, 'address'))
  reader.expectEnd()
  return { nodeId, clusterId: clusterId === '' ? null : clusterId, addresses }
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
  readonly claims: Claims
}

const PROOF_PURPOSE = 'aspen link proof'

export function encodeProofInput(input: ProofInput): Uint8Array {
  const writer = new ByteWriter(512)
  writer.string(PROOF_PURPOSE, 0, 255, 'purpose')
  writer.string(input.role, 0, 255, 'role')
  writer.string(input.protocol, 0, 255, 'protocol')
  writer.prefixed(encodeHello(input.dialer))
  writer.prefixed(encodeHello(input.acceptor))
  writer.prefixed(encodeClaims(input.claims))
  return writer.finish()
}

function decodeRecord(type: number, body: Uint8Array): HandshakeRecord {
  if (type === HELLO.type) return decodeHello(body)
  if (type === REFUSAL.type) return { type: 'refusal', refusal: decodeReason(body) }
  const reader = new ByteReader(body, 'link proof')
  const mac = reader.view(PROOF_SIZE)
  return { type: 'proof', proof: { mac, claims: decodeClaims(reader.rest()) } }
}

function decodeHello(body: Uint8Array): HandshakeRecord {
  const reader = new ByteReader(body, 'hello')
  for (const byte of MAGIC) {
    if (reader.u8() !== byte) reader.fail('it does not begin with ASPN')
  }
  const version = reader.varint()
  if (version !== LINK_VERSION) return { type: 'other-version', version }
  const from = reader.hex32()
  const to = reader.hex32()
  const nonce = reader.view(NONCE_SIZE)
  const instance = toHex(reader.view(INSTANCE_SIZE))
  reader.expectEnd()
  return { type: 'hello', hello: { version, from, to, nonce, instance } }
}

function toRecord(type: number, body: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(type, body.length >>> 8, body.length & 0xff), body])
}
