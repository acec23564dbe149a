/** Validated writes: keys and values as bytes. Everything below the faces sees these only. */
import type { ClientSequence } from '../api/index.ts'

export interface SetOperation {
  readonly type: 'set'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface DeleteOperation {
  readonly type: 'delete'
  readonly key: Uint8Array
}

export interface GetOperation {
  readonly type: 'get'
  readonly key: Uint8Array
}

export type Operation = SetOperation | DeleteOperation | GetOperation

export interface ValueCondition {
  readonly type: 'value'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface ModRevisionCondition {
  readonly type: 'mod-revision'
  readonly key: Uint8Array
  readonly modRevision: number
}

export interface AbsentCondition {
  readonly type: 'absent'
  readonly key: Uint8Array
  readonly absent: boolean
}

export type Condition = ValueCondition | ModRevisionCondition | AbsentCondition

/**
 * A validated write. The four plain commands are lists of operations that answer nothing; only a transaction has
 * conditions, and operations that answer.
 */
export type Command =
  | { readonly type: 'batch'; readonly operations: readonly Operation[] }
  | {
      readonly type: 'txn'
      readonly compare: readonly Condition[]
      readonly then: readonly Operation[]
      readonly else: readonly Operation[]
    }

/** A command on its way to the log. */
export interface NewEnvelope {
  readonly origin: ClientSequence | null
  readonly command: Command
  /** Whether the answer carries the revision, and so waits until the command is applied. False when absent. */
  readonly wantsRevision?: boolean
}

/** What a log entry of kind 'command' carries. */
export interface Envelope extends NewEnvelope {
  readonly wantsRevision: boolean
  /** Milliseconds that passed for its leader since the command before it; 0 before a leader has stamped it. */
  readonly elapsedMs: number
}
