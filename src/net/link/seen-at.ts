import { formatAddress, parseAddress } from '../../api/index.ts'

/** Of one host, that a peer says to listen at. */
const MAX_PORTS = 4

/**
 * Where a link shows that its other end can be dialled: where it was, by whoever dialled it; by whoever was dialled, at the address that it was heard
 * from, at the ports that it says. A node behind NAT or in a container does not know its own address, and who hears from it does.
 */
export function seenAt(remote: string | null, claimed: readonly string[], outbound: boolean): readonly string[] {
  const seen = remote === null ? undefined : parseAddress(remote)
  if (remote === null || seen === undefined) return []
  if (outbound) return [remote]
  const ports = new Set(claimed.flatMap((address) => parseAddress(address)?.port ?? []))
  return [...ports].slice(0, MAX_PORTS).map((port) => formatAddress(hostOf(seen.host), port))
}

/** An IPv4 address as a socket of both families spells it is one of IPv4. */
function hostOf(host: string): string {
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host
}
