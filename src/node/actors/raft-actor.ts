/**
 * RaftActor: owns the replica, in one incarnation after the other. Every request passes its bounded mailbox; it hands a message over and goes on to
 * the next, and answers come when they come, so that a write that waits for a quorum holds up nobody.
 *
 * Invariants: an incarnation is opened when every write and sync of the one before has settled; who still waits when one ends is told that
 * the outcome is unknown; after a fault that must not be restarted past there is no other.
 */
import { defineActor, Soon } from '../../actor/index.ts'
import type { ActorContext } from '../../actor/index.ts'
import { AspenError } from '../../api/index.ts'
import { SETTLE_TIMEOUT_MS } from '../../limits.ts'
import type { AdminRequest, Reply } from '../../replica/index.ts'
import { faultOf, isRestartable, UnsettledError } from '../fault.ts'
import { Incarnation } from '../incarnation.ts'
import type { ReplicaEvents } from '../incarnation.ts'
import type { NodePorts, NodeSettings } from '../node-ports.ts'
import type { RaftHandle } from '../raft-handle.ts'
import type { RaftActorMessage, RaftMessages } from '../raft-messages.ts'

export interface RaftActorParts {
  readonly ports: NodePorts
  readonly settings: NodeSettings
  readonly events: ReplicaEvents
  readonly handle: RaftHandle
  /** Another incarnation serves. */
  readonly begun: () => void
}

export const raftActor = defineActor<RaftMessages, RaftActorParts>({
  start: (context, parts) => {
    if (parts.handle.failure !== null) throw parts.handle.failure
    // The first one was opened before there were actors: a node that cannot open its data does not start.
    const first = parts.handle.takeFirst()
    if (first !== null) return begin(context, parts, first)
    const begun = new Soon<RaftMessages>()
    Incarnation.open(parts, (error, incarnation) => {
      if (incarnation === undefined) begun.refuse(error ?? new Error('the replica was not opened'))
      else begun.answer(begin(context, parts, incarnation))
    })
    return begun
  },
  stop: (handlers) => (handlers as RaftLife).end(),
})

function begin(context: ActorContext, parts: RaftActorParts, incarnation: Incarnation): RaftLife {
  const { ports, handle } = parts
  const { replica } = incarnation
  // The mailbox is emptied into the turn that carries out what was asked.
  context.handleIn((run) => replica.beforeTurn(run))
  incarnation.onFault((error) => {
    const fault = faultOf(error)
    if (isRestartable(fault)) return context.fail(error)
    // Not by hand either.
    handle.failed(error)
    ports.onFault(fault)
  })
  handle.present = incarnation
  replica.start()
  parts.begun()
  return new RaftLife(parts, incarnation)
}

class RaftLife implements RaftMessages {
  readonly #parts: RaftActorParts
  readonly #incarnation: Incarnation

  constructor(parts: RaftActorParts, incarnation: Incarnation) {
    this.#parts = parts
    this.#incarnation = incarnation
  }

  Init(message: Extract<RaftActorMessage, { type: 'Init' }>): void {
    const { voters, clusterId, self, deadline, reply } = message
    this.#guard(reply, () => this.#incarnation.replica.init(voters, clusterId, self, deadline, reply))
  }

  AddLearner(message: Extract<RaftActorMessage, { type: 'AddLearner' }>): void {
    this.#administer(message)
  }

  ChangeMembership(message: Extract<RaftActorMessage, { type: 'ChangeMembership' }>): void {
    this.#administer(message)
  }

  RaiseVersion(message: Extract<RaftActorMessage, { type: 'RaiseVersion' }>): void {
    this.#administer(message)
  }

  PromoteLearner(message: Extract<RaftActorMessage, { type: 'PromoteLearner' }>): void {
    this.#administer(message)
  }

  TransferLeadership(message: Extract<RaftActorMessage, { type: 'TransferLeadership' }>): void {
    this.#administer(message)
  }

  Write({ envelope, deadline, reply }: Extract<RaftActorMessage, { type: 'Write' }>): void {
    this.#guard(reply, () => this.#incarnation.replica.write(envelope, deadline, reply))
  }

  Read({ deadline, reply }: Extract<RaftActorMessage, { type: 'Read' }>): void {
    this.#guard(reply, () => this.#incarnation.replica.read(deadline, reply))
  }

  TriggerSnapshot({ reply }: Extract<RaftActorMessage, { type: 'TriggerSnapshot' }>): void {
    this.#guard(reply, () => this.#incarnation.replica.takeSnapshot(reply))
  }

  CurrentState({ reply }: Extract<RaftActorMessage, { type: 'CurrentState' }>): void {
    const { membership, membershipIndex } = this.#incarnation.replica.view
    reply(undefined, { membership, index: membershipIndex })
  }

  HealthCheck({ reply }: Extract<RaftActorMessage, { type: 'HealthCheck' }>): void {
    reply(undefined)
  }

  #administer({ request, deadline, reply }: Extract<RaftActorMessage, { readonly request: AdminRequest }>): void {
    this.#guard(reply, () => this.#incarnation.replica.administer(request, deadline, reply))
  }

  /** A replica whose requests cannot be handed over must not vote and lead on. */
  #guard<T>(reply: Reply<T>, run: () => void): void {
    try {
      run()
    } catch (error) {
      reply(new AspenError('POISONED', 'this node has failed and takes no more requests; ask another one'))
      this.#incarnation.replica.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Nothing of it acts on the next one: when this is answered, all that it had under way has settled. */
  end(): Soon<void> {
    const { ports, handle } = this.#parts
    const ended = new Soon<void>()
    const late = ports.clock.setTimer(SETTLE_TIMEOUT_MS, () => {
      const words = `what was being written had not settled after ${SETTLE_TIMEOUT_MS / 1_000} s: the data may not be opened again while it may still change. Look at the disk, and start the node again`
      this.#unsettled(new UnsettledError(words))
    })
    handle.present = null
    this.#incarnation.close((error) => {
      late.cancel()
      handle.closed(error)
      if (error !== undefined) this.#unsettled(new UnsettledError(`the data could not be closed: ${error.message}`, error))
      ended.answer()
    })
    return ended
  }

  /** It is no failure of the actor any more, but of what it stands on. */
  #unsettled(error: UnsettledError): void {
    const { ports, handle } = this.#parts
    // While the node stops, its own end says so.
    if (handle.isStopping || handle.failure !== null) return
    handle.failed(error)
    ports.onFault(faultOf(error))
  }
}
