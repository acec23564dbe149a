/** The channels that links between nodes have. Numbers are the wire's: they are never given twice. */
import { MAX_LINK_QUEUE_BYTES } from '../limits.ts'
import type { ChannelKind } from './transport.ts'

/** Consensus, with the requests that go to the leader and the snapshots of those who are far behind. */
export const RAFT_CHANNEL: ChannelKind = { id: 0, name: 'raft', topLane: 'priority', maxQueueBytes: MAX_LINK_QUEUE_BYTES }
