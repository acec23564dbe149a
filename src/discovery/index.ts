/** The means of finding peers that there are, beside the links. */
export { DnsDiscovery, openNameService, parseDnsName } from './dns/index.ts'
export { listInterfaces, MdnsDiscovery, mdnsScope, MulticastSockets } from './mdns/index.ts'
export { DhtPlace, PkarrDiscovery, RelayPlace, udpOn } from './pkarr/index.ts'
