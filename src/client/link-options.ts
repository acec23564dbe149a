/** What a client over links is told, checked. */
import { KeyObject } from 'node:crypto'
import {
  AspenError,
  checked,
  checkTimeout,
  givenFields,
  givenItems,
  givenLength,
  givenText,
  isEndpointId,
  parseAddress,
} from '../api/index.ts'
import type { NodeIdentity } from '../net/direct/dial/index.ts'

/** One node: the key it must prove, and where it is dialled. */
export interface LinkEndpoint {
  /** 64 lower-case hexadecimal digits, as `/node-info` and the node's log say. */
  readonly endpointId: string
  /** `host:port` of the node's links: its `ractor_port`, not its HTTP port. */
  readonly address: string
}

export interface LinkClientOptions {
  /** Any nodes of one cluster. */
  readonly endpoints: readonly LinkEndpoint[]
  /** The secret that the nodes share. */
  readonly cookie: string
  /** Milliseconds a call may take unless it says otherwise; 5000 when absent. */
  readonly timeoutMs?: number
  /** The key of this client; one drawn for it alone when absent. It gives no rights. */
  readonly identity?: NodeIdentity
  /** Requests to one node at a time, 1 to 1000; further ones wait here. 1000 when absent. */
  readonly maxInFlight?: number
  /** Milliseconds between two looks at whether a node is alive; it is given up after more than three silent ones. 1000 when absent. */
  readonly keepAliveMs?: number
  /** The cost of the key that stands for the cookie; a power of two. That of the nodes, which is the default. */
  readonly scryptCost?: number
}

const OPTIONS = ['endpoints', 'cookie', 'timeoutMs', 'identity', 'maxInFlight', 'keepAliveMs', 'scryptCost']
const MAX_ENDPOINTS = 1_000
const MAX_KEEP_ALIVE_MS = 60_000
/** 2^20 takes a gigabyte. */
const MAX_SCRYPT_COST = 2 ** 20

/** The options in a copy. @throws AspenError INVALID_REQUEST */
export function checkLinkOptions(options: unknown, mostInFlight: number): LinkClientOptions {
  return checked('the options', () => {
    const given = givenFields(options, 'the options', OPTIONS)
    const { timeoutMs, identity, maxInFlight, keepAliveMs, scryptCost } = given
    const endpoints = checkEndpoints(given['endpoints'])
    const cookie = givenText(given['cookie'], 'the cookie')
    if (cookie === '') throw invalid('the cookie is empty: give the one that the nodes were started with')
    return {
      endpoints,
      cookie,
      ...(timeoutMs === undefined ? {} : { timeoutMs: checkTimeout(timeoutMs) }),
      ...(identity === undefined ? {} : { identity: checkIdentity(identity) }),
      ...(maxInFlight === undefined ? {} : { maxInFlight: checkWhole(maxInFlight, 'maxInFlight', mostInFlight) }),
      ...(keepAliveMs === undefined ? {} : { keepAliveMs: checkWhole(keepAliveMs, 'keepAliveMs', MAX_KEEP_ALIVE_MS) }),
      ...(scryptCost === undefined ? {} : { scryptCost: checkScryptCost(scryptCost) }),
    }
  })
}

function checkEndpoints(list: unknown): readonly LinkEndpoint[] {
  const length = givenLength(list, 'the list of endpoints')
  if (length === 0) throw invalid('give the endpoint id and the address of at least one node')
  if (length > MAX_ENDPOINTS) throw invalid(`there are ${length} endpoints; at most ${MAX_ENDPOINTS} are allowed`)
  return givenItems(list, length, checkEndpoint)
}

function checkEndpoint(endpoint: unknown): LinkEndpoint {
  const fields = givenFields(endpoint, 'an endpoint', ['endpointId', 'address'])
  const endpointId = givenText(fields['endpointId'], 'the endpoint id')
  const address = givenText(fields['address'], 'the address of an endpoint')
  if (!isEndpointId(endpointId)) {
    throw invalid(`${JSON.stringify(endpointId)} is no endpoint id: 64 lower-case hexadecimal digits, as /node-info says`)
  }
  if (parseAddress(address) !== undefined) return { endpointId, address }
  throw invalid(`${JSON.stringify(address)} is not the address of a node: write host:port, the port being its ractor_port`)
}

function checkIdentity(identity: unknown): NodeIdentity {
  const { endpointId, privateKey } = identity as Partial<NodeIdentity>
  if (typeof endpointId === 'string' && isEndpointId(endpointId) && privateKey instanceof KeyObject)
    return identity as NodeIdentity
  throw invalid('identity is not one that generateIdentity made')
}

function checkScryptCost(cost: unknown): number {
  const whole = checkWhole(cost, 'scryptCost', MAX_SCRYPT_COST)
  if (whole > 1 && Number.isInteger(Math.log2(whole))) return whole
  throw invalid(`scryptCost is ${whole}: it must be a power of two`)
}

function checkWhole(value: unknown, name: string, max: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max) return value as number
  throw invalid(`${name} is ${typeof value === 'number' ? value : typeof value}: it must be a whole number from 1 to ${max}`)
}

function invalid(message: string): AspenError {
  return new AspenError('INVALID_REQUEST', message)
}
