import { BlockList, isIP } from 'node:net'
import { parseAddress } from '../../api/index.ts'

/** Nobody is there: unspecified, multicast, broadcast, reserved. */
const NOWHERE = new BlockList()
NOWHERE.addSubnet('0.0.0.0', 8, 'ipv4')
NOWHERE.addSubnet('224.0.0.0', 3, 'ipv4')
NOWHERE.addAddress('::', 'ipv6')
NOWHERE.addSubnet('ff00::', 8, 'ipv6')

/** What stays on one machine, and what stays on one cable: names lead there only whoever is there. */
const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')
const LINK_LOCAL = new BlockList()
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4')
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6')

/**
 * Whether DNS may send a node that listens at these addresses to this one. A name of somebody else's does not lead a node to what else runs
 * on its machine (DNS rebinding), nor to what the cloud tells machines at link-local addresses.
 */
export function mayLead(self: readonly string[], host: string): boolean {
  if (isIP(host) === 0 || has(NOWHERE, host)) return false
  return [LOOPBACK, LINK_LOCAL].every(
    (local) => !has(local, host) || self.some((one) => has(local, parseAddress(one)?.host ?? '')),
  )
}

function has(list: BlockList, host: string): boolean {
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
