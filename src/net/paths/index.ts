/** One active path for each peer, over the carriers that there are. */
export { DirectTransport } from './direct-transport.ts'
export type { DirectTransportOptions } from './direct-transport.ts'
export { IrohTransport } from './iroh-transport.ts'
export type { IrohTransportOptions } from './iroh-transport.ts'
export { openTransport } from './node-transport.ts'
export type { PathChoice } from './node-transport.ts'
export { DEFAULT_KEEP_ALIVE_MS, PathsTransport, RAFT_PROTOCOL } from './paths-transport.ts'
export type { PathsTransportOptions } from './paths-transport.ts'
