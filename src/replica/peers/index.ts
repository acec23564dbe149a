export type { PeerHandlers } from './intake.ts'
export { bindMember } from './peer-knowledge.ts'
export type { PeerKnowledge } from './peer-knowledge.ts'
export { Peers } from './peers.ts'
