/**
 * What nodes tell each other of the others, beside consensus: where those can be dialled that a node is linked with or was told of
 * by a person, and that the receiver is no member any more. A message is tagged fields, and so is each peer in it: later versions add to both.
 */
import { ByteReader, readTaggedFields, WireError, writeTaggedFields } from '../lib/index.ts'
import type { TaggedField } from '../lib/index.ts'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES } from '../limits.ts'
import { bytesOf, listOf, valueOf, wholeOf } from './field-values.ts'

/** A peer, as somebody knows it at first hand. */
export interface PeerFact {
  readonly endpointId: string
  readonly nodeId: number
  readonly addresses: readonly string[]
}

export interface PeerNews {
  readonly facts: readonly PeerFact[]
  /** Where the committed configuration stands in the log of which the receiver is no member; null when nothing is said of that. */
  readonly absentSince: number | null
}

/** Peers in one message. */
export const MAX_NEWS_FACTS = 16

// Fields of a message and of a peer. Even: whoever does not know one may go on without it.
const FACT_LIST = 2
const ABSENT_SINCE = 4
const ENDPOINT_ID = 2
const NODE_ID = 4
const ADDRESSES = 6
/** A peer's fields take less than this. */
const MAX_FACT_SIZE = 2 * MAX_MEMBER_ADDRESSES * MAX_ADDRESS_SIZE

/** @throws WireError for what has no encoding */
export function encodePeerNews({ facts, absentSince }: PeerNews): Uint8Array {
  if (facts.length > MAX_NEWS_FACTS) throw new WireError(`${facts.length} peers in one message`)
  const fields: TaggedField[] = []
  if (facts.length > 0) fields.push([FACT_LIST, bytesOf((list) => facts.forEach((fact) => list.prefixed(encodeFact(fact))))])
  if (absentSince !== null) fields.push([ABSENT_SINCE, bytesOf((field) => field.varint(absentSince))])
  return bytesOf((message) => writeTaggedFields(message, fields))
}

/** @throws WireError for what is no such message */
export function decodePeerNews(bytes: Uint8Array): PeerNews {
  const fields = readTaggedFields(new ByteReader(bytes, 'news of peers'), [FACT_LIST, ABSENT_SINCE])
  const absence = fields.get(ABSENT_SINCE)
  return {
    facts: decodeFacts(fields.get(FACT_LIST) ?? new Uint8Array(0)),
    absentSince: absence === undefined ? null : wholeOf(absence, 1, 'place of a configuration'),
  }
}

function encodeFact({ endpointId, nodeId, addresses }: PeerFact): Uint8Array {
  if (addresses.length > MAX_MEMBER_ADDRESSES) throw new WireError(`a peer with ${addresses.length} addresses`)
  return bytesOf((fact) =>
    writeTaggedFields(fact, [
      [ENDPOINT_ID, bytesOf((field) => field.hex32(endpointId, 'endpoint id'))],
      [NODE_ID, bytesOf((field) => field.varint(nodeId))],
      [
        ADDRESSES,
        bytesOf((field) => {
          for (const address of addresses) field.string(address, 1, MAX_ADDRESS_SIZE, 'address')
        }),
      ],
    ]),
  )
}

function decodeFacts(bytes: Uint8Array): PeerFact[] {
  const list = new ByteReader(bytes, 'list of peers')
  const facts: PeerFact[] = []
  while (list.remaining > 0) {
    if (facts.length === MAX_NEWS_FACTS) list.fail(`more than ${MAX_NEWS_FACTS} peers`)
    facts.push(decodeFact(list.prefixed(1, MAX_FACT_SIZE, 'peer')))
  }
  return facts
}

function decodeFact(bytes: Uint8Array): PeerFact {
  const fields = readTaggedFields(new ByteReader(bytes, 'peer'), [ENDPOINT_ID, NODE_ID, ADDRESSES])
  return {
    endpointId: valueOf(fields.get(ENDPOINT_ID), 'endpoint id', (field) => field.hex32()),
    nodeId: wholeOf(fields.get(NODE_ID), 1, 'node id'),
    addresses: listOf(fields.get(ADDRESSES), MAX_MEMBER_ADDRESSES, 'addresses', (list) =>
      list.string(1, MAX_ADDRESS_SIZE, 'address'),
    ),
  }
}
