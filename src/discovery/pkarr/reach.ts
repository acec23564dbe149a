import { BlockList } from 'node:net'

/** Addresses that nobody on the internet has (RFC 6890), in IPv4. */
const LOCAL = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  LOCAL.addSubnet(net, bits, 'ipv4')

/** Whether somebody at one address may send this node to the other: not from the internet into the network that it is in. */
export function mayLead(from: string, to: string): boolean {
  return LOCAL.check(from) || !LOCAL.check(to)
}
