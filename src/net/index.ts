export { DEFAULT_KEEP_ALIVE_MS, DirectTransport, LinkDialer, RAFT_PROTOCOL } from './direct/index.ts'
export type { DirectTransportOptions, LinkDialerOptions } from './direct/index.ts'
export { generateIdentity, identityFromSeed, keepAliveMsFor, LinkError, SEED_SIZE, surface, systemClock } from './link/index.ts'
export type { Link, LinkOwner, NodeIdentity } from './link/index.ts'
