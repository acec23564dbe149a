/** Connections over TLS 1.3 on TCP. */
export { DirectCarrier } from './direct-carrier.ts'
export type { DirectCarrierOptions } from './direct-carrier.ts'
export { WHO_LISTENS_PROTOCOL, whoListens } from './who-listens.ts'
export { LinkDialer } from './link-dialer.ts'
export type { LinkDialerOptions } from './link-dialer.ts'
