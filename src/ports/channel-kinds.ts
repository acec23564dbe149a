/** The channels that links between nodes have. Numbers are the wire's: they are never given twice. */
import {
  MAX_ACTORS_QUEUE_BYTES,
  MAX_ATTENDANCE_QUEUE_BYTES,
  MAX_GOSSIP_QUEUE_BYTES,
  MAX_LINK_QUEUE_BYTES,
  MAX_PEERS_QUEUE_BYTES,
} from '../limits.ts'
import type { ChannelKind } from './transport.ts'

/** Consensus, with the requests that go to the leader and the snapshots of those who are far behind. */
export const RAFT_CHANNEL: ChannelKind = { id: 0, name: 'raft', topLane: 'priority', maxQueueBytes: MAX_LINK_QUEUE_BYTES }

/** What nodes tell each other of the others: where they can be dialled, and who is no member any more. */
export const PEERS_CHANNEL: ChannelKind = { id: 1, name: 'peers', topLane: 'normal', maxQueueBytes: MAX_PEERS_QUEUE_BYTES }

/** What actors say to those of other nodes. It takes what consensus leaves: however much there is of it, no heartbeat or append waits for it. */
export const ACTORS_CHANNEL: ChannelKind = { id: 2, name: 'actors', topLane: 'bulk', maxQueueBytes: MAX_ACTORS_QUEUE_BYTES }

/** What nodes announce of themselves, signed, and pass on of others. */
export const GOSSIP_CHANNEL: ChannelKind = { id: 3, name: 'gossip', topLane: 'normal', maxQueueBytes: MAX_GOSSIP_QUEUE_BYTES }

/** Who takes part in the other channels; the transport's own. */
export const ATTENDANCE_CHANNEL: ChannelKind = {
  id: 63,
  name: 'attendance',
  topLane: 'priority',
  maxQueueBytes: MAX_ATTENDANCE_QUEUE_BYTES,
}
