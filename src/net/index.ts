export { LinkDialer, WHO_LISTENS_PROTOCOL, whoListens } from './direct/index.ts'
export type { LinkDialerOptions } from './direct/index.ts'
export { DEFAULT_KEEP_ALIVE_MS, DirectTransport, IrohTransport, openTransport, RAFT_PROTOCOL } from './paths/index.ts'
export type { DirectTransportOptions, PathChoice } from './paths/index.ts'
export { BindError } from './iroh/index.ts'
export {
  createResolver,
  deriveCookieKey,
  generateIdentity,
  identityFromSeed,
  keepAliveMsFor,
  LinkError,
  SEED_SIZE,
  signaturesOf,
  surface,
  systemClock,
} from './link/index.ts'
export type { Link, LinkOwner, NodeIdentity } from './link/index.ts'
