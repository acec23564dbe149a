/**
 * What a node says of itself on a local network, as DNS-SD has it (RFC 6763): an instance of a service, where it is (SRV, A, AAAA) and what
 * it is (TXT). And back: anybody may have said it.
 */
import { decode, encode } from 'dns-packet'
import type { Answer, Packet, StringAnswer } from 'dns-packet'
import { formatAddress, isEndpointId, parseAddress } from '../../api/index.ts'
import { MAX_MEMBER_ADDRESSES } from '../../limits.ts'
import type { Candidate, SelfDescription } from '../../ports/index.ts'

/** Links between nodes are TCP, and QUIC where there is another path to the same key. */
export const SERVICE = '_aspen._tcp.local'
/** RFC 6762, section 10: of records that name a host. */
export const TTL_SECONDS = 120
/** A response, authoritative (RFC 6762, section 18). */
const RESPONSE_FLAGS = 0x8400
/** A label is 63 bytes at most, and a key as text is 64. */
const LABEL_SIZE = 40
/** What no message of ours is larger than. */
const MAX_PACKET_SIZE = 4_096
const MAX_RECORDS = 64
/** In every name of ours, of services (`_aspen`) and of hosts (`aspen-`). */
const NAME_PREFIX = 'aspen'
const TXT_VERSION = '1'

/** What is said on one interface. */
export interface Said {
  readonly self: SelfDescription
  /** 16 bits of what only those with the same cookie can know, as hex: a filter, and no proof. */
  readonly scope: string
}

/** Of another node. */
export interface Heard {
  readonly candidate: Candidate
  readonly scope: string
}

export function instanceOf(endpointId: string): string {
  return `${endpointId.slice(0, LABEL_SIZE)}.${SERVICE}`
}

function hostOf(endpointId: string): string {
  return `aspen-${endpointId.slice(0, LABEL_SIZE)}.local`
}

/** A response with everything that there is to say; with a time to live of 0, that it holds no more. */
export function encodeAnnouncement({ self, scope }: Said, ttl: number): Buffer {
  const instance = instanceOf(self.endpointId)
  const places = self.addresses.flatMap((address) => parseAddress(address) ?? [])
  const [first] = places
  const target = hostOf(self.endpointId)
  const txt = [`v=${TXT_VERSION}`, `id=${self.endpointId}`, `n=${self.nodeId}`, `s=${scope}`]
  if (self.clusterId !== null) txt.push(`c=${self.clusterId}`)
  const answers: Answer[] = [
    { type: 'PTR', name: SERVICE, ttl, data: instance },
    { type: 'SRV', name: instance, ttl, flush: true, data: { port: first?.port ?? 0, target } },
    { type: 'TXT', name: instance, ttl, flush: true, data: txt },
  ]
  for (const { host } of places) {
    const address: StringAnswer = { type: host.includes(':') ? 'AAAA' : 'A', name: target, ttl, flush: true, data: host }
    answers.push(address)
  }
  return encode({ type: 'response', flags: RESPONSE_FLAGS, answers })
}

/** Who else is there; those in `known` need not answer (RFC 6762, section 7.1). */
export function encodeQuery(known: readonly string[]): Buffer {
  const answers = known.map((endpointId): Answer => ({
    type: 'PTR',
    name: SERVICE,
    ttl: TTL_SECONDS,
    data: instanceOf(endpointId),
  }))
  return encode({ type: 'query', questions: [{ type: 'PTR', name: SERVICE }], answers })
}

/** Whether a packet may be about nodes: most that is said on a network is of other services, and is not looked into. */
export function isOfInterest(bytes: Buffer): boolean {
  return bytes.length <= MAX_PACKET_SIZE && bytes.includes(NAME_PREFIX)
}

/** Null for what is no packet, or none that is about this service. */
export function decodePacket(bytes: Buffer): Packet | null {
  if (!isOfInterest(bytes)) return null
  try {
    const packet = decode(bytes)
    return recordsOf(packet).length <= MAX_RECORDS ? packet : null
  } catch {
    return null
  }
}

/** Whether it asks for this node: it does not, if it knows it already. */
export function asksFor({ type, questions = [], answers = [] }: Packet, endpointId: string): boolean {
  if (type !== 'query') return false
  const instance = instanceOf(endpointId)
  const names = [SERVICE, instance, hostOf(endpointId)]
  if (!questions.some((question) => names.includes(question.name.toLowerCase()))) return false
  return !answers.some((known) => known.type === 'PTR' && known.data === instance && (known.ttl ?? 0) >= TTL_SECONDS / 2)
}

/** Whom a response speaks of, heard from this address. */
export function heardIn(packet: Packet, from: string): Heard[] {
  if (packet.type !== 'response') return []
  const records = recordsOf(packet)
  return records.flatMap((record) => {
    if (record.type !== 'TXT' || !record.name.endsWith(SERVICE) || record.ttl === 0) return []
    const facts = factsOf(record.data)
    const heard = readFacts(facts)
    if (heard === null || record.name !== instanceOf(heard.candidate.endpointId)) return []
    return [{ ...heard, candidate: { ...heard.candidate, addresses: placesOf(records, record.name, from) } }]
  })
}

function recordsOf({ answers = [], additionals = [] }: Packet): Answer[] {
  return [...answers, ...additionals]
}

function factsOf(data: unknown): ReadonlyMap<string, string> {
  const texts: unknown[] = Array.isArray(data) ? data : [data]
  return new Map(
    texts.flatMap((text) => {
      const [, name, value] = /^([a-z]{1,2})=(.*)$/s.exec(String(text)) ?? []
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function readFacts(facts: ReadonlyMap<string, string>): Heard | null {
  const endpointId = facts.get('id') ?? ''
  const nodeId = Number(facts.get('n'))
  const clusterId = facts.get('c') ?? null
  const isGood =
    facts.get('v') === TXT_VERSION &&
    isEndpointId(endpointId) &&
    Number.isSafeInteger(nodeId) &&
    nodeId > 0 &&
    (clusterId === null || /^[0-9a-f]{32}$/.test(clusterId))
  if (!isGood) return null
  return { candidate: { endpointId, nodeId, clusterId, addresses: [], relay: null }, scope: facts.get('s') ?? '' }
}

/** The address that it was heard from counts more than what it says, behind which there may be something else. */
function placesOf(records: readonly Answer[], instance: string, from: string): string[] {
  const service = records.find((record) => record.type === 'SRV' && record.name === instance)
  if (service?.type !== 'SRV') return []
  const { port, target } = service.data
  if (!(Number.isInteger(port) && port > 0)) return []
  const said = records.flatMap((record) =>
    (record.type === 'A' || record.type === 'AAAA') && record.name === target ? [record.data] : [],
  )
  const hosts = said.includes(from) ? [from, ...said] : said
  return [...new Set(hosts.map((host) => formatAddress(host, port)))].slice(0, MAX_MEMBER_ADDRESSES)
}
