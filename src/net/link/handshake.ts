/**
 * The handshake on a connection whose TLS has proven both keys. It proves the cookie to each other and compares
 * clusters. The dialer proves first: a stranger who dials learns nothing that depends on the cookie, and a
 * stranger who is dialled by mistake gets a MAC under scrypt, as costly to guess at as scrypt is.
 */
import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { Claims } from '../../ports/index.ts'
import {
  commonVersion,
  encodeClaims,
  encodeHello,
  encodeProof,
  encodeProofInput,
  encodeReplaced,
  epochOf,
  LINK_FEATURES,
  LINK_VERSIONS,
  NONCE_SIZE,
  replacedBy,
} from '../../wire/index.ts'
import type { Hello, ProofInput, VersionRange } from '../../wire/index.ts'
import type { HandshakeStream } from './handshake-stream.ts'
import type { LinkError } from './link-error.ts'
import { malformed, refusalError } from './link-error.ts'

/** RFC 7914 parameters: about 80 ms and 32 MB, once at start. */
export const DEFAULT_SCRYPT_COST: number = 2 ** 15
const SCRYPT_BLOCK_SIZE = 8
const MIB = 1024 * 1024
const COOKIE_KEY_SIZE = 32
// Both ends must arrive at the same key without having spoken, so the salt is fixed.
const COOKIE_SALT = 'aspen cookie'

/** A process has one cookie, or few, and as many links and clients as it likes: each cookie's key is derived once. */
const MAX_DERIVED_KEYS = 8
const derivedKeys = new Map<string, Promise<Uint8Array>>()

/** The key that stands for the cookie in proofs, as a copy of the caller's own. */
export async function deriveCookieKey(cookie: string, cost: number = DEFAULT_SCRYPT_COST): Promise<Uint8Array> {
  const name = `${cost}/${createHash('sha256').update(cookie).digest('hex')}`
  let key = derivedKeys.get(name)
  if (key === undefined) {
    key = runScrypt(cookie, cost)
    derivedKeys.set(name, key)
    key.catch(() => derivedKeys.delete(name))
    const [oldest = ''] = derivedKeys.keys()
    if (derivedKeys.size > MAX_DERIVED_KEYS) derivedKeys.delete(oldest)
  }
  return Uint8Array.from(await key)
}

function runScrypt(cookie: string, cost: number): Promise<Uint8Array> {
  const options = { N: cost, r: SCRYPT_BLOCK_SIZE, p: 1, maxmem: MIB + 256 * cost * SCRYPT_BLOCK_SIZE }
  return new Promise((resolve, reject) => {
    scrypt(cookie, COOKIE_SALT, COOKIE_KEY_SIZE, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

/** What this node brings into every handshake. */
export interface HandshakeSelf {
  readonly endpointId: string
  readonly instance: string
  readonly protocol: string
  readonly cookieKey: Uint8Array
  /** Those of this program when absent. */
  readonly versions?: VersionRange
  readonly features?: number
  /** Asked when they are about to be sent or compared: they change while handshakes are under way. */
  readonly claims: () => Claims
  /** The epoch of the link that the peer is to replace by this one; none when absent. */
  readonly replaces?: string
}

/** What the two ends of a link have agreed on. */
export interface Terms {
  /** Of the link protocol: the highest that both speak. */
  readonly version: number
  /** The bits that both have. */
  readonly features: number
  /** Of this link alone, and the same at both ends. */
  readonly epoch: string
}

/** A peer that has proven everything. */
export interface ProvenPeer extends Terms {
  readonly endpointId: string
  readonly instance: string
  readonly claims: Claims
  /** What this node said of itself, which may have changed since. */
  readonly saidClaims: Claims
}

/** The dialer's side. `beforeProof` is called right before the proof leaves. */
export async function dialHandshake(
  stream: HandshakeStream,
  self: HandshakeSelf,
  peerId: string,
  beforeProof: () => void,
): Promise<ProvenPeer> {
  const dialer = createHello(self, peerId)
  stream.write(encodeHello(dialer))
  const acceptor = await expectHello(stream, self, peerId)
  const terms = { ...agree(dialer, acceptor), epoch: epochOf(dialer) }
  const saidClaims = self.claims()
  const transcript = { protocol: self.protocol, dialer, acceptor, ...terms }
  beforeProof()
  stream.write(prove(self, { ...transcript, role: 'dialer' }, saidClaims))
  const claims = await expectProof(stream, self, { ...transcript, role: 'acceptor' })
  return { endpointId: peerId, instance: acceptor.instance, claims, saidClaims, ...terms }
}

/** The acceptor's side once the dialer has proven itself: to be answered by `accept`, or refused, without delay. */
export interface ProvenDialer {
  readonly endpointId: string
  readonly instance: string
  readonly claims: Claims
  /** The epoch of the link that the dialer holds and wants replaced; null when it holds none. */
  readonly replaces: string | null
  /** Sends this node's proof: from here on the dialer holds a link. */
  accept(): ProvenPeer
}

/** The acceptor's side. */
export async function acceptHandshake(stream: HandshakeStream, self: HandshakeSelf, peerId: string): Promise<ProvenDialer> {
  const dialer = await expectHello(stream, self, peerId)
  const acceptor = createHello(self, peerId)
  stream.write(encodeHello(acceptor))
  const terms = { ...agree(acceptor, dialer), epoch: epochOf(dialer) }
  const transcript = { protocol: self.protocol, dialer, acceptor, ...terms }
  const claims = await expectProof(stream, self, { ...transcript, role: 'dialer' })
  const { instance } = dialer
  return {
    endpointId: peerId,
    instance,
    claims,
    replaces: replacedBy(dialer),
    accept: () => {
      const saidClaims = self.claims()
      stream.write(prove(self, { ...transcript, role: 'acceptor' }, saidClaims))
      return { endpointId: peerId, instance, claims, saidClaims, ...terms }
    },
  }
}

/** Which clusters two nodes are of, and what the one has to do with the other, for both to read. */
export function clustersInWords(own: Claims, theirs: Claims): string {
  const later = [own, theirs].find((claims, i) => claims.foundedFrom?.clusterId === [theirs, own][i]?.clusterId)
  if (later?.foundedFrom === undefined) return `${own.clusterId} and ${theirs.clusterId}`
  const { nodeId, foundedAt, clusterId } = later.foundedFrom
  return `${later.clusterId} was founded anew from ${clusterId} by node ${nodeId} at ${new Date(foundedAt).toISOString()}`
}

/** A cluster is its id: two nodes that both have one must have the same. */
export function clustersDiffer(a: Claims, b: Claims): boolean {
  return a.clusterId !== null && b.clusterId !== null && a.clusterId !== b.clusterId
}

function createHello(self: HandshakeSelf, peerId: string): Hello {
  const { endpointId, instance, versions = LINK_VERSIONS, features = LINK_FEATURES, replaces } = self
  const nonce = randomBytes(NONCE_SIZE)
  return {
    versions,
    features,
    from: endpointId,
    to: peerId,
    nonce,
    instance,
    more: replaces === undefined ? new Uint8Array(0) : encodeReplaced(replaces),
  }
}

/** What both ends make of the two hellos. @throws LinkError VERSION_MISMATCH, which names both ranges */
function agree(own: Hello, theirs: Hello): Omit<Terms, 'epoch'> {
  const version = commonVersion(own.versions, theirs.versions)
  if (version === undefined) throw versionsDiffer(own.versions, theirs.versions)
  return { version, features: (own.features & theirs.features) >>> 0 }
}

function versionsDiffer(own: VersionRange, theirs: VersionRange): LinkError {
  return refusalError('VERSION_MISMATCH', false, `${spoken(own)} and ${spoken(theirs)}`)
}

function spoken({ min, max }: VersionRange): string {
  return min === max ? `version ${min}` : `versions ${min} to ${max}`
}

async function expectHello(stream: HandshakeStream, self: HandshakeSelf, peerId: string): Promise<Hello> {
  const record = await stream.next()
  if (record.type === 'other-version') throw versionsDiffer(self.versions ?? LINK_VERSIONS, record.versions)
  if (record.type !== 'hello') throw malformed(`the peer sent a ${record.type} where a hello belongs`)
  const { hello } = record
  if (hello.from === self.endpointId) throw refusalError('SELF', false)
  // TLS has proven who the peer is; the hello must be by the same peer, and meant for this node.
  if (hello.from !== peerId || hello.to !== self.endpointId) throw refusalError('KEY_MISMATCH', false)
  return hello
}

async function expectProof(stream: HandshakeStream, self: HandshakeSelf, input: Omit<ProofInput, 'said'>): Promise<Claims> {
  const record = await stream.next()
  if (record.type !== 'proof') throw malformed(`the peer sent a ${record.type} where a proof belongs`)
  const { proof, claims } = record
  if (!timingSafeEqual(proof.mac, computeMac(self, { ...input, said: proof.said }))) throw refusalError('COOKIE_MISMATCH', false)
  const own = self.claims()
  if (clustersDiffer(own, claims)) {
    throw refusalError('CLUSTER_MISMATCH', false, clustersInWords(own, claims))
  }
  return claims
}

function prove(self: HandshakeSelf, input: Omit<ProofInput, 'said'>, claims: Claims): Uint8Array {
  const said = encodeClaims(claims)
  return encodeProof({ mac: computeMac(self, { ...input, said }), said })
}

function computeMac(self: HandshakeSelf, input: ProofInput): Uint8Array {
  return createHmac('sha256', self.cookieKey).update(encodeProofInput(input)).digest()
}
