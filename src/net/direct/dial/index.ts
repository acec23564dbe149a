/** What it takes to dial a node, and no more: a client of a cluster carries nothing of what serves one. */
export { generateIdentity, LinkError, systemClock } from '../../link/index.ts'
export type { Link, LinkOwner, NodeIdentity } from '../../link/index.ts'
export { LinkDialer } from '../link-dialer.ts'
export type { LinkDialerOptions } from '../link-dialer.ts'
