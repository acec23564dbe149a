import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_RELAY_URL_SIZE } from '../limits.ts'
import type { AddPeerRequest } from './cluster-controller.ts'
import { AspenError } from './errors.ts'

/** How much may be said of a peer: the same for a node and for every face of one. @throws AspenError INVALID_REQUEST */
export function checkPeerSize({ addresses, relay = null }: AddPeerRequest): void {
  if (addresses.length > MAX_MEMBER_ADDRESSES) {
    const message = `the peer has ${addresses.length} addresses; at most ${MAX_MEMBER_ADDRESSES} are allowed`
    throw new AspenError('INVALID_REQUEST', message)
  }
  checkLength('an address', Math.max(0, ...addresses.map((address) => address.length)), MAX_ADDRESS_SIZE)
  checkLength('the relay', relay?.length ?? 0, MAX_RELAY_URL_SIZE)
}

function checkLength(what: string, length: number, max: number): void {
  if (length <= max) return
  throw new AspenError('INVALID_REQUEST', `${what} of the peer has ${length} characters; at most ${max} are allowed`)
}
