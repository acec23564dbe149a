/** What it takes to dial a node, and no more: a client of a cluster carries nothing of what serves one. */
export { generateIdentity } from '../identity.ts'
export type { NodeIdentity } from '../identity.ts'
export type { Link, LinkOwner } from '../link.ts'
export { LinkDialer } from '../link-dialer.ts'
export type { LinkDialerOptions } from '../link-dialer.ts'
export { LinkError } from '../link-error.ts'
export { systemClock } from '../system-clock.ts'
