export type { Self } from './announcer.ts'
export { GossipDiscovery } from './gossip-discovery.ts'
export type { GossipHost, GossipOptions, GossipReport } from './gossip-discovery.ts'
