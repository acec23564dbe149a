import type { PeerMessage } from '../../wire/index.ts'

/**
 * The part in which a message is spoken. `campaign` and `lead`: by a candidate and by a leader, of itself. `elect` and
 * `follow`: the answers to those, which count towards a quorum. `ask`: to the leader, by anybody. `serve`: its answer to that.
 * `remind`: of what the receiver has said, by a member.
 */
export type MessagePart = 'campaign' | 'elect' | 'lead' | 'follow' | 'ask' | 'serve' | 'remind'

type RaftType = Extract<PeerMessage, { readonly type: 'raft' }>['message']['type']

const PARTS: Readonly<Record<Exclude<PeerMessage['type'], 'raft'> | RaftType, MessagePart>> = {
  vote: 'campaign',
  'vote-response': 'elect',
  append: 'lead',
  heartbeat: 'lead',
  snapshot: 'lead',
  'snapshot-chunk': 'lead',
  'timeout-now': 'lead',
  'append-response': 'follow',
  'heartbeat-response': 'follow',
  'snapshot-progress': 'follow',
  'state-digests': 'follow',
  'digest-verdict': 'lead',
  'snapshot-wanted': 'follow',
  'read-index': 'ask',
  forward: 'ask',
  'read-index-response': 'serve',
  'forward-reply': 'serve',
  reminder: 'remind',
}

export function partOf(message: PeerMessage): MessagePart {
  return PARTS[message.type === 'raft' ? message.message.type : message.type]
}
