/** Links over TLS 1.3 on TCP. */
export { DEFAULT_KEEP_ALIVE_MS, DirectTransport, RAFT_PROTOCOL } from './direct-transport.ts'
export type { DirectTransportOptions } from './direct-transport.ts'
export { LinkDialer } from './link-dialer.ts'
export type { LinkDialerOptions } from './link-dialer.ts'
