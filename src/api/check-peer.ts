import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_RELAY_URL_SIZE } from '../limits.ts'
import { isRelayUrl } from './relay.ts'
import { checkNodeId } from './check-node-ids.ts'
import type { AddPeerRequest } from './cluster-controller.ts'
import type { PeerChoice } from './peers.ts'
import { checked, givenFields, givenItems, givenLength, givenText, invalid, kindOf } from './given.ts'

const ENDPOINT_ID = /^[0-9a-f]{64}$/

/** A public key as text. @throws AspenError INVALID_REQUEST */
export function checkEndpointId(endpointId: unknown): string {
  if (typeof endpointId === 'string' && ENDPOINT_ID.test(endpointId)) return endpointId
  const given = typeof endpointId === 'string' ? `${endpointId.length} characters of something else` : kindOf(endpointId)
  throw invalid(`endpoint_id must be 64 lower-case hexadecimal digits: it is ${given}`)
}

/** What is said of a peer, in a copy: the same for a node and for every face of one. @throws AspenError INVALID_REQUEST */
export function checkPeer(peer: unknown): AddPeerRequest {
  return checked('the peer', () => {
    const fields = givenFields(peer, 'the peer', ['nodeId', 'endpointId', 'addresses', 'relay'])
    const nodeId = checkNodeId(fields['nodeId'], 'node_id')
    const count = givenLength(fields['addresses'], 'addresses')
    if (count > MAX_MEMBER_ADDRESSES) {
      throw invalid(`the peer has ${count} addresses; at most ${MAX_MEMBER_ADDRESSES} are allowed`)
    }
    const addresses = givenItems(fields['addresses'], count, (one) => checkLength('an address', one, MAX_ADDRESS_SIZE))
    const { relay } = fields
    if (relay !== undefined && relay !== null) checkRelay(relay)
    const endpointId = checkEndpointId(fields['endpointId'])
    return { nodeId, endpointId, addresses, ...(relay === undefined ? {} : { relay: relay as string | null }) }
  })
}

function checkRelay(relay: unknown): void {
  const text = checkLength('the relay', relay, MAX_RELAY_URL_SIZE)
  if (!isRelayUrl(text)) throw invalid('the relay of the peer must be an http or https URL of a host, without a user')
}

function checkLength(what: string, value: unknown, max: number): string {
  const text = givenText(value, `${what} of the peer`)
  if (text.length <= max) return text
  throw invalid(`${what} of the peer has ${text.length} characters; at most ${max} are allowed`)
}

/** A copy of it. @throws AspenError INVALID_REQUEST */
export function checkPeerChoice(peer: unknown): PeerChoice {
  return checked('the peer', (): PeerChoice => {
    const { endpointId, nodeId } = givenFields(peer, 'the peer', ['endpointId', 'nodeId'])
    if ((endpointId === undefined) === (nodeId === undefined)) throw invalid('give either endpoint_id or node_id, and not both')
    return endpointId === undefined ? { nodeId: checkNodeId(nodeId, 'node_id') } : { endpointId: checkEndpointId(endpointId) }
  })
}

/** A peer without an address waits for a discovery that is not there. @throws AspenError INVALID_REQUEST */
export function checkPlace({ addresses, relay = null }: Pick<AddPeerRequest, 'addresses' | 'relay'>): void {
  if (addresses.length > 0 || relay !== null) return
  throw invalid('addresses is empty, and relay is too: give host:port of the peer, or the URL of its relay')
}
