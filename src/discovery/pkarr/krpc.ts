/** What nodes of the DHT say to each other: KRPC (BEP 5), with what BEP 44 adds to store signed items. Only what a client of it needs. */
import { fromHex, toHex } from '../../lib/index.ts'
import type { SignedRecord } from './signed-record.ts'
import { decodeBencode, encodeBencode } from './bencode.ts'
import type { Bencoded, BencodedDictionary } from './bencode.ts'
import type { Contact } from './udp.ts'

export const ID_SIZE = 20
const KEY_SIZE = 32
const COMPACT_SIZE = 26
/** Of one answer (BEP 5). */
const MAX_NODES = 8
const MAX_TOKEN_SIZE = 64
/** No packet is read that is larger: an item has a thousand bytes, and what stands beside it a few hundred. */
const MAX_PACKET_SIZE = 2_048
/** BEP 44: somebody has put another item meanwhile, or a newer one is there. */
const CONFLICT_CODES: ReadonlySet<number> = new Set([301, 302])

export interface Node extends Contact {
  readonly id: Uint8Array
}

/** What another says to a question; whatever makes no sense is not in it. */
export interface Answer {
  readonly id: Uint8Array
  readonly nodes: readonly Node[]
  /** What a put must have with it. */
  readonly token: Uint8Array | null
  /** With its key as hex. Nobody has checked it. */
  readonly item: { readonly endpointId: string; readonly record: SignedRecord } | null
}

export type Reply =
  | { readonly kind: 'answer'; readonly transaction: string; readonly answer: Answer }
  | { readonly kind: 'error'; readonly transaction: string; readonly words: string; readonly isConflict: boolean }

export interface Asking {
  /** Hex. */
  readonly transaction: string
  /** Of this node. */
  readonly id: Uint8Array
}

export function encodeGet({ transaction, id }: Asking, target: Uint8Array): Buffer {
  return encodeQuery(transaction, 'get', [
    ['id', id],
    ['target', target],
  ])
}

export interface Put {
  readonly endpointId: string
  readonly record: SignedRecord
  readonly token: Uint8Array
}

export function encodePut({ transaction, id }: Asking, { endpointId, record, token }: Put): Buffer {
  return encodeQuery(transaction, 'put', [
    ['id', id],
    ['k', fromHex(endpointId)],
    ['seq', record.sequence],
    ['sig', record.signature],
    ['token', token],
    ['v', record.value],
  ])
}

/** Read-only (BEP 43): others keep no note of this node, and ask it nothing. */
function encodeQuery(transaction: string, name: string, facts: readonly (readonly [string, Bencoded])[]): Buffer {
  const message: [string, Bencoded][] = [
    ['t', fromHex(transaction)],
    ['y', latin1('q')],
    ['q', latin1(name)],
    ['a', new Map(facts)],
    ['ro', 1],
  ]
  return encodeBencode(new Map(message))
}

/** Null for what is no answer to anything. */
export function decodeReply(bytes: Buffer): Reply | null {
  if (bytes.length > MAX_PACKET_SIZE) return null
  let message: Bencoded
  try {
    message = decodeBencode(bytes)
  } catch {
    return null
  }
  if (!(message instanceof Map)) return null
  const facts = message as BencodedDictionary
  const transaction = toHex(bytesAt(facts, 't') ?? new Uint8Array(0))
  const kind = textOf(facts.get('y'))
  if (kind === 'e') return errorOf(transaction, facts.get('e'))
  const said = facts.get('r')
  if (kind !== 'r' || !(said instanceof Map)) return null
  const answer = answerOf(said as BencodedDictionary)
  return answer === null ? null : { kind: 'answer', transaction, answer }
}

function errorOf(transaction: string, said: Bencoded | undefined): Reply {
  const [code, words] = Array.isArray(said) ? (said as readonly Bencoded[]) : []
  const number = typeof code === 'number' ? code : 0
  const text =
    textOf(words)
      ?.replace(/[^ -~]/g, '?')
      .slice(0, 100) ?? ''
  return { kind: 'error', transaction, words: `${number} ${text}`.trim(), isConflict: CONFLICT_CODES.has(number) }
}

function answerOf(said: BencodedDictionary): Answer | null {
  const id = bytesAt(said, 'id')
  if (id?.length !== ID_SIZE) return null
  const token = bytesAt(said, 'token')
  return {
    id,
    nodes: nodesOf(bytesAt(said, 'nodes')),
    token: token !== undefined && token.length > 0 && token.length <= MAX_TOKEN_SIZE ? token : null,
    item: itemOf(said),
  }
}

function itemOf(said: BencodedDictionary): Answer['item'] {
  const [key, value, signature] = ['k', 'v', 'sig'].map((name) => bytesAt(said, name))
  const sequence = said.get('seq')
  if (key?.length !== KEY_SIZE || value === undefined || signature === undefined || typeof sequence !== 'number') return null
  return { endpointId: toHex(key), record: { sequence, value, signature } }
}

/** Of IPv4: 20 bytes of id, 4 of address, 2 of port each. */
function nodesOf(bytes: Uint8Array | undefined): Node[] {
  if (bytes === undefined || bytes.length % COMPACT_SIZE !== 0) return []
  const nodes: Node[] = []
  for (let at = 0; at < bytes.length && nodes.length < MAX_NODES; at += COMPACT_SIZE) {
    const [a, b, c, d, high = 0, low = 0] = bytes.subarray(at + ID_SIZE, at + COMPACT_SIZE)
    const port = high * 256 + low
    if (port > 0) nodes.push({ id: bytes.subarray(at, at + ID_SIZE), host: `${a}.${b}.${c}.${d}`, port })
  }
  return nodes
}

function bytesAt(facts: BencodedDictionary, name: string): Uint8Array | undefined {
  const value = facts.get(name)
  return value instanceof Uint8Array ? value : undefined
}

function textOf(value: Bencoded | undefined): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
