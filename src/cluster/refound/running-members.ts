/** Which members of a cluster run, as far as can be seen without being one of them. */
import { join } from 'node:path'
import { parseAddress } from '../../api/index.ts'
import type { AddPeerRequest } from '../../api/index.ts'
import { RAFT_PROTOCOL, whoListens } from '../../net/index.ts'
import type { Member } from '../../raft/index.ts'
import { PeerBookFile } from '../stores/index.ts'

/** For one address to prove a key. */
const ANSWER_MS = 3_000
/** Of one member. */
const MAX_ADDRESSES = 16

export interface RunningMember {
  readonly id: number
  readonly address: string
}

/**
 * Those whose key is proven at an address that the configuration, the peer book in `directory` or `peers`, those of the settings, name. Paths through
 * relays are not looked at.
 */
export async function runningMembers(
  directory: string,
  members: readonly Member[],
  peers: readonly Pick<AddPeerRequest, 'endpointId' | 'addresses'>[],
): Promise<readonly RunningMember[]> {
  const known = addressesInBook(directory)
  const given = (id: string): string[] => peers.flatMap(({ endpointId, addresses }) => (endpointId === id ? addresses : []))
  const found = await Promise.all(
    members.map(async ({ id, endpointId, addresses }): Promise<RunningMember[]> => {
      const all = [...new Set([...addresses, ...(known.get(endpointId) ?? []), ...given(endpointId)])].slice(0, MAX_ADDRESSES)
      const proven = await Promise.all(all.map(async (address) => await isAt(address, endpointId)))
      const address = all[proven.indexOf(true)]
      return address === undefined ? [] : [{ id, address }]
    }),
  )
  return found.flat()
}

async function isAt(text: string, endpointId: string): Promise<boolean> {
  const address = parseAddress(text)
  return address !== undefined && (await whoListens(address, RAFT_PROTOCOL, ANSWER_MS)) === endpointId
}

/** A book that cannot be read says nothing: it holds hints. */
function addressesInBook(directory: string): ReadonlyMap<string, readonly string[]> {
  try {
    const entries = new PeerBookFile(join(directory, 'peers.json'), () => undefined).load(0)
    return new Map(entries.map(({ endpointId, hints }) => [endpointId, [...hints.values()].flatMap((hint) => hint.addresses)]))
  } catch {
    return new Map()
  }
}
