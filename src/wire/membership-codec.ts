import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_PEERS, MAX_VOTERS } from '../limits.ts'
import type { Member, Membership } from '../raft/index.ts'
import { ByteReader, ByteWriter, WireError } from '../lib/index.ts'

const VERSION = 1
/** Stands where a membership has its version: its place in the log comes first. */
const PLACED = 2

/**
 * A cluster configuration as bytes: version, the three lists of ids, then key and addresses of everyone named, in
 * order of id. Ids are written as distances, so that a list which is not sorted or has duplicates has no encoding.
 * @throws WireError when the membership breaks what its type promises
 */
export function encodeMembership(membership: Membership): Uint8Array {
  const writer = new ByteWriter(64 * (1 + membership.members.length))
  writeMembership(writer, membership)
  return writer.finish()
}

/** @throws WireError */
export function decodeMembership(bytes: Uint8Array): Membership {
  const reader = new ByteReader(bytes, 'membership')
  const membership = readMembership(reader)
  reader.expectEnd()
  return membership
}

/** A configuration, and where it stands in the log; null when whoever told it did not say. */
export interface Configuration {
  readonly membership: Membership
  readonly index: number | null
}

/** @throws WireError */
export function encodeConfiguration({ membership, index }: Configuration): Uint8Array {
  if (index === null) return encodeMembership(membership)
  const writer = new ByteWriter(64 * (1 + membership.members.length))
  writer.u8(PLACED)
  writer.varint(index)
  writeMembership(writer, membership)
  return writer.finish()
}

/** Takes one without its place too, as earlier programs tell it. @throws WireError */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  if (bytes[0] !== PLACED) return { membership: decodeMembership(bytes), index: null }
  const reader = new ByteReader(bytes, 'configuration')
  reader.u8()
  const index = reader.varint()
  const membership = readMembership(reader)
  reader.expectEnd()
  return { membership, index }
}

export function writeMembership(writer: ByteWriter, membership: Membership): void {
  const problem = membershipProblem(membership)
  if (problem !== undefined) throw new WireError(`invalid membership: ${problem}`)
  writer.u8(VERSION)
  writeIds(writer, membership.voters, MAX_VOTERS, 'voters')
  writeIds(writer, membership.outgoing, MAX_VOTERS, 'outgoing voters')
  writeIds(writer, membership.learners, MAX_PEERS, 'learners')
  for (const member of membership.members) writeMember(writer, member)
}

export function readMembership(reader: ByteReader): Membership {
  const version = reader.u8()
  if (version !== VERSION) reader.fail(`version ${version} of memberships is not known here`)
  const voters = readIds(reader, MAX_VOTERS, 'voters')
  const outgoing = readIds(reader, MAX_VOTERS, 'outgoing voters')
  const learners = readIds(reader, MAX_PEERS, 'learners')
  const members = namedIds(voters, outgoing, learners).map((id) => readMember(reader, id))
  const membership = { voters, outgoing, learners, members }
  const problem = membershipProblem(membership)
  if (problem !== undefined) reader.fail(problem)
  return membership
}

/** Everyone in the three lists, sorted, once each. */
function namedIds(voters: readonly number[], outgoing: readonly number[], learners: readonly number[]): number[] {
  return [...new Set([...voters, ...outgoing, ...learners])].sort((a, b) => a - b)
}

/** What no list of ids can show by itself. An empty quorum would agree to everything; a key counted twice is two votes. */
function membershipProblem({ voters, outgoing, learners, members }: Membership): string | undefined {
  if (voters.length === 0) return 'it has no voters'
  const voting = new Set(voters)
  const both = learners.find((id) => voting.has(id))
  if (both !== undefined) return `${both} is a voter and a learner`
  const named = namedIds(voters, outgoing, learners)
  if (named.length !== members.length || named.some((id, i) => members[i]?.id !== id)) {
    return `its members are ${members.map((m) => m.id).join(', ')}, but it names ${named.join(', ')}`
  }
  const keys = new Set<string>()
  for (const { id, endpointId } of members) {
    if (keys.has(endpointId)) return `member ${id} has the endpoint id of another member, ${endpointId}`
    keys.add(endpointId)
  }
  return undefined
}

function writeIds(writer: ByteWriter, ids: readonly number[], max: number, name: string): void {
  if (ids.length > max) throw new WireError(`invalid membership: it has ${ids.length} ${name}, at most ${max} are allowed`)
  writer.varint(ids.length)
  let previous = 0
  for (const id of ids) {
    if (!(id > previous))
      throw new WireError(`invalid membership: its ${name}, ${ids.join(', ')}, are not positive and ascending`)
    writer.varint(id - previous)
    previous = id
  }
}

function readIds(reader: ByteReader, max: number, name: string): number[] {
  const count = reader.count(max, 1, name)
  const ids: number[] = []
  let previous = 0
  for (let i = 0; i < count; i++) {
    previous += reader.varintWithin(1, Number.MAX_SAFE_INTEGER - previous, `distance between two ${name}`)
    ids.push(previous)
  }
  return ids
}

function writeMember(writer: ByteWriter, { id, endpointId, addresses }: Member): void {
  writer.hex32(endpointId, `endpoint id of member ${id}`)
  if (addresses.length > MAX_MEMBER_ADDRESSES) {
    throw new WireError(`member ${id} has ${addresses.length} addresses, at most ${MAX_MEMBER_ADDRESSES} are allowed`)
  }
  writer.varint(addresses.length)
  for (const address of addresses) writer.string(address, 1, MAX_ADDRESS_SIZE, 'address of a member')
}

function readMember(reader: ByteReader, id: number): Member {
  const endpointId = reader.hex32()
  const count = reader.count(MAX_MEMBER_ADDRESSES, 2, 'addresses')
  const addresses: string[] = []
  for (let i = 0; i < count; i++) addresses.push(reader.string(1, MAX_ADDRESS_SIZE, 'address of a member'))
  return { id, endpointId, addresses }
}
