/** What the RaftActor is asked. Deadlines are times of the node's clock; each is answered through its `reply`, once. */
import type { WriteResult } from '../api/index.ts'
import type { StoredSnapshot } from '../ports/index.ts'
import type { Member } from '../raft/index.ts'
import type { AdminRequest, Reply } from '../replica/index.ts'
import type { Configuration } from '../wire/index.ts'

/** Founds a cluster. */
interface Init {
  readonly type: 'Init'
  readonly voters: readonly number[]
  readonly clusterId: string
  readonly self: Member
  readonly deadline: number
  readonly reply: Reply<Configuration>
}

interface Administer<Type extends string> {
  readonly type: Type
  readonly request: AdminRequest
  readonly deadline: number
  readonly reply: Reply<Configuration>
}

/** A command in its envelope. */
interface Write {
  readonly type: 'Write'
  readonly envelope: Uint8Array
  readonly deadline: number
  readonly reply: Reply<WriteResult>
}

/** Answered when the state may be read linearizably. */
interface Read {
  readonly type: 'Read'
  readonly deadline: number
  readonly reply: Reply<void>
}

interface TriggerSnapshot {
  readonly type: 'TriggerSnapshot'
  readonly reply: Reply<StoredSnapshot>
}

/** Which configuration is in force here. */
interface CurrentState {
  readonly type: 'CurrentState'
  readonly reply: Reply<Configuration>
}

/** Answered when its turn comes. */
interface HealthCheck {
  readonly type: 'HealthCheck'
  readonly reply: Reply<void>
}

export type RaftActorMessage =
  | Init
  | Administer<'AddLearner'>
  | Administer<'ChangeMembership'>
  | Administer<'PromoteLearner'>
  | Administer<'RaiseVersion'>
  | Administer<'TransferLeadership'>
  | Write
  | Read
  | TriggerSnapshot
  | CurrentState
  | HealthCheck

/** The RaftActor as others see it: a message of each type. */
export type RaftMessages = {
  [Type in RaftActorMessage['type']]: (message: Extract<RaftActorMessage, { readonly type: Type }>) => void
}

const ADMIN_MESSAGES = {
  'add-learner': 'AddLearner',
  'change-membership': 'ChangeMembership',
  'promote-learner': 'PromoteLearner',
  'raise-version': 'RaiseVersion',
  'transfer-leadership': 'TransferLeadership',
} as const

/** The message for an administrative request. */
export function administration(request: AdminRequest, deadline: number, reply: Reply<Configuration>): RaftActorMessage {
  return { type: ADMIN_MESSAGES[request.op], request, deadline, reply }
}

/** All but data: a crowd of reads and writes must not keep them out. */
export const MANAGEMENT: readonly RaftActorMessage['type'][] = [
  'Init',
  'AddLearner',
  'ChangeMembership',
  'PromoteLearner',
  'RaiseVersion',
  'TransferLeadership',
  'TriggerSnapshot',
  'CurrentState',
  'HealthCheck',
]
