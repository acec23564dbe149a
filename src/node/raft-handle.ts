/**
 * What those who ask the replica hold. It stays the same while incarnations come and go; between two of them it refuses. The last one
 * says itself why it serves no more.
 */
import type { ActorRef } from '../actor/index.ts'
import { AspenError } from '../api/index.ts'
import type { SnapshotReading, StateMachine } from '../ports/index.ts'
import type { NodeId, PeerProgress } from '../raft/index.ts'
import type { ReplicaView } from '../replica/index.ts'
import type { Incarnation, RaftFacts } from './incarnation.ts'
import type { RaftActorMessage, RaftMessages } from './raft-messages.ts'

export class RaftHandle {
  readonly #capacity: number
  #first: Incarnation | null
  #latest: Incarnation
  #present: Incarnation | null
  #actor: ActorRef<RaftMessages> | null = null
  /** What the stores of an incarnation said last when they were closed. */
  #closeError: Error | undefined
  /** Why there will be no other incarnation; null while there is one, or may be. */
  #failure: Error | null = null
  #stopped = false

  /** @param capacity of the mailbox */
  constructor(first: Incarnation, capacity: number) {
    this.#capacity = capacity
    this.#first = first
    this.#latest = first
    this.#present = first
  }

  /** The incarnation that was opened before there were actors, once. */
  takeFirst(): Incarnation | null {
    const first = this.#first
    this.#first = null
    return first
  }

  /** Whether the first life of the RaftActor has begun. */
  get hasBegun(): boolean {
    return this.#first === null
  }

  /** The incarnation that is asked; null while one is replaced. */
  get present(): Incarnation | null {
    return this.#present
  }

  set present(incarnation: Incarnation | null) {
    this.#latest = incarnation ?? this.#latest
    this.#present = incarnation
  }

  /** Who takes messages. */
  set actor(actor: ActorRef<RaftMessages>) {
    this.#actor = actor
  }

  /** Stores were closed, well or badly. */
  closed(error: Error | undefined): void {
    this.#closeError = error
  }

  get closeError(): Error | undefined {
    return this.#closeError
  }

  /** The node stops, and everything of it is closed. */
  stop(): void {
    this.#stopped = true
  }

  get isStopping(): boolean {
    return this.#stopped
  }

  /** Why there will be no other incarnation; null while there may be. */
  get failure(): Error | null {
    return this.#failure
  }

  /** There will be no other incarnation. */
  failed(error: Error): void {
    this.#failure = error
  }

  /** Of the last incarnation, while there is none. */
  get facts(): RaftFacts {
    const facts = this.#latest.facts
    // What ended the last one is over, unless nothing may follow.
    return this.#present !== null ? facts : { ...facts, view: { ...facts.view, poisoned: this.#failure } }
  }

  /** As in the view. */
  get leader(): NodeId | null {
    return this.#present === null ? this.facts.view.leader : this.#present.replica.leader
  }

  get view(): ReplicaView {
    return this.#present?.replica.view ?? this.facts.view
  }

  /** Whether a linked peer takes part in consensus; of none it is known while there is no incarnation. */
  takesPart(endpointId: string): boolean {
    return this.#present === null || this.#present.replica.takesPart(endpointId)
  }

  peer(id: NodeId): PeerProgress | undefined {
    return this.#present?.replica.peer(id)
  }

  /** Hands over a message that has its own time; false when it was not taken. */
  ask(message: RaftActorMessage): boolean {
    return this.#present !== null && this.#actor?.trySend(message.type, message as never) === true
  }

  /** Hands a message over, or answers it with why not. A mailbox full of data has room for everything else. */
  send(message: RaftActorMessage): void {
    if (this.#present === null || this.#actor === null) message.reply(this.refusal())
    else if (!this.ask(message)) message.reply(this.#full())
  }

  /** Looks into the state. One that cannot be read, damaged pages say, is no state to go on with. */
  readState<T>(read: (state: StateMachine) => T): T {
    const present = this.#present
    if (present === null) throw this.refusal()
    try {
      return read(present.stores.stateMachine)
    } catch (error) {
      present.replica.fail(error as Error)
      throw new AspenError('POISONED', 'the state of this node cannot be read: it takes no further part; ask another one')
    }
  }

  /** Opens a snapshot of the store for reading. @throws Error when it is gone, or the disk fails */
  openSnapshot(id: string): SnapshotReading {
    if (this.#present === null) throw this.refusal()
    return this.#present.stores.snapshots.open(id)
  }

  /** What whoever asks is told while there is nobody to ask. */
  refusal(): AspenError {
    if (this.#stopped) return new AspenError('STOPPING', 'this node was stopped; start it again, or ask another one')
    if (this.#failure !== null) return failedActor()
    return new AspenError('STOPPING', 'this node opens its data again; ask another one, or try again')
  }

  #full(): AspenError {
    const words = `${this.#capacity} messages are waiting for the RaftActor; try again`
    return new AspenError('OVERLOADED', words, { queue: 'mailbox' })
  }
}

/** What whoever asked is told whose message was taken, and will not be handled. */
export function failedActor(): AspenError {
  return new AspenError('POISONED', 'this node has failed and takes no more requests; ask another one')
}
