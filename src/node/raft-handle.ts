/**
 * What those who ask the replica hold. It stays the same while incarnations come and go; between two of them it refuses. The last one
 * says itself why it serves no more.
 */
import { AspenError } from '../api/index.ts'
import type { StateMachine } from '../ports/index.ts'
import type { NodeId, PeerProgress } from '../raft/index.ts'
import type { ReplicaView } from '../replica/index.ts'
import type { Incarnation, RaftFacts } from './incarnation.ts'
import type { RaftActorMessage } from './raft-actor.ts'

export class RaftHandle {
  #latest: Incarnation
  #present: Incarnation | null

  constructor(first: Incarnation) {
    this.#latest = first
    this.#present = first
  }

  /** The incarnation that is asked; null while one is replaced. */
  get present(): Incarnation | null {
    return this.#present
  }

  set present(incarnation: Incarnation | null) {
    this.#latest = incarnation ?? this.#latest
    this.#present = incarnation
  }

  /** Of the last incarnation, while there is none. */
  get facts(): RaftFacts {
    return this.#latest.facts
  }

  /** As in the view. */
  get leader(): NodeId | null {
    return this.#present === null ? this.facts.view.leader : this.#present.replica.leader
  }

  get view(): ReplicaView {
    return this.#present?.replica.view ?? this.facts.view
  }

  peer(id: NodeId): PeerProgress | undefined {
    return this.#present?.replica.peer(id)
  }

  send(message: RaftActorMessage): void {
    if (this.#present === null) message.reply(nobodyServes())
    else this.#present.actor.send(message)
  }

  /** Looks into the state. One that cannot be read, damaged pages say, is no state to go on with. */
  readState<T>(read: (state: StateMachine) => T): T {
    const present = this.#present
    if (present === null) throw nobodyServes()
    try {
      return read(present.stores.stateMachine)
    } catch (error) {
      present.replica.fail(error as Error)
      throw new AspenError('POISONED', 'the state of this node cannot be read: it takes no further part; ask another one')
    }
  }
}

function nobodyServes(): AspenError {
  return new AspenError('STOPPING', 'this node opens its data again; ask another one, or try again')
}
