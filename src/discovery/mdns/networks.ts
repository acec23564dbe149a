import { BlockList, isIP } from 'node:net'
import { parseAddress } from '../../api/index.ts'
import type { Interface } from './multicast.ts'

/**
 * The networks that the interfaces in use are on. The system hands over what was said on any interface of this machine, also on those that
 * other programs listen on; and who says something may say any address. Neither is to lead a node away from where it listens.
 */
export class Networks {
  readonly #networks: readonly { readonly interface: Interface; readonly addresses: BlockList }[]

  constructor(interfaces: readonly Interface[]) {
    this.#networks = interfaces.map((one) => ({ interface: one, addresses: blockListOf(one.networks) }))
  }

  /** The interfaces over which a neighbour with this address can have said something; none for who is no neighbour (RFC 6762, section 11). */
  towards(host: string): Interface[] {
    return this.#networks.filter(({ addresses }) => contains(addresses, host)).map((network) => network.interface)
  }

  /** Those of `places`, each `host:port`, that are on one network with who is at `host`. */
  beside(host: string, places: readonly string[]): string[] {
    const near = this.#networks.filter(({ addresses }) => contains(addresses, host))
    return places.filter((place) => near.some(({ addresses }) => contains(addresses, parseAddress(place)?.host ?? '')))
  }
}

function contains(addresses: BlockList, host: string): boolean {
  const family = isIP(host)
  return family !== 0 && addresses.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [host = '', bits] = network.split('/')
    list.addSubnet(host, Number(bits), isIP(host) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
