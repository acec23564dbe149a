import { Actor } from '../actor/index.ts'
import type { ActorStatus } from '../actor/index.ts'
import { AspenError } from '../api/index.ts'
import type { WriteResult } from '../api/index.ts'
import { unreachable } from '../lib/index.ts'
import { MAX_ADMIN_REQUESTS } from '../limits.ts'
import type { StoredSnapshot } from '../ports/index.ts'
import type { Member, Membership } from '../raft/index.ts'
import type { AdminRequest, Replica, Reply } from '../replica/index.ts'

/** What the RaftActor is asked. Deadlines are times of the node's clock. */
export type RaftActorMessage =
  | {
      readonly type: 'init'
      readonly voters: readonly number[]
      readonly clusterId: string
      readonly self: Member
      readonly deadline: number
      readonly reply: Reply<Membership>
    }
  | { readonly type: 'administer'; readonly request: AdminRequest; readonly deadline: number; readonly reply: Reply<Membership> }
  | { readonly type: 'write'; readonly envelope: Uint8Array; readonly deadline: number; readonly reply: Reply<WriteResult> }
  | { readonly type: 'read'; readonly deadline: number; readonly reply: Reply<void> }
  | { readonly type: 'snapshot'; readonly reply: Reply<StoredSnapshot> }

/**
 * The actor that owns the replica: every request passes its bounded mailbox. It hands a message over and goes on
 * to the next; answers come when they come, so that a write that waits for a quorum holds up nobody.
 */
export class RaftActor {
  readonly #actor: Actor<RaftActorMessage>

  constructor(replica: Replica, capacity: number) {
    this.#actor = new Actor({
      capacity,
      // The mailbox is emptied into the turn that carries out what was asked.
      defer: (run) => replica.beforeTurn(run),
      receive: (message) => receive(replica, message),
      // A replica whose requests cannot be handed over must not vote and lead on.
      onFault: (error) => replica.fail(error),
      dropped: (message) => message.reply(failedActor()),
    })
  }

  /** Hands a message over. A full mailbox is answered with OVERLOADED; one full of data has room for administration. */
  send(message: RaftActorMessage): void {
    if (this.#actor.send(message, isData(message) ? 0 : MAX_ADMIN_REQUESTS)) return
    const { depth, capacity, faulty } = this.#actor.status
    const refusal = faulty
      ? failedActor()
      : new AspenError('OVERLOADED', `${depth} of ${capacity} messages are waiting for the RaftActor; try again`, {
          queue: 'mailbox',
        })
    message.reply(refusal)
  }

  get status(): ActorStatus {
    return this.#actor.status
  }
}

function isData({ type }: RaftActorMessage): boolean {
  return type === 'write' || type === 'read'
}

function receive(replica: Replica, message: RaftActorMessage): void {
  switch (message.type) {
    case 'write':
      return replica.write(message.envelope, message.deadline, message.reply)
    case 'read':
      return replica.read(message.deadline, message.reply)
    case 'administer':
      return replica.administer(message.request, message.deadline, message.reply)
    case 'init':
      return replica.init(message.voters, message.clusterId, message.self, message.deadline, message.reply)
    case 'snapshot':
      return replica.takeSnapshot(message.reply)
    default:
      return unreachable(message)
  }
}

function failedActor(): AspenError {
  return new AspenError('POISONED', 'this node has failed and takes no more requests; ask another one')
}
