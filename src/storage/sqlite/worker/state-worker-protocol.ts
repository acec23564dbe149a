/** What the state machine and its worker say to each other. The worker does one request after the other. */
import type { StoredSnapshot } from '../../../ports/index.ts'
import { asError, StateError } from '../../state/index.ts'
import type { StateErrorCode } from '../../state/index.ts'

/** Given to the worker when it starts. */
export interface WorkerSetup {
  readonly directory: string
  readonly generation: number
}

export interface CheckpointOutcome {
  /** Whether everything up to `appliedIndex` would survive a crash of the machine. */
  readonly complete: boolean
  readonly appliedIndex: number
  /** Bytes of the write-ahead log where it could not be moved whole; 0 where it could. */
  readonly heldBytes: number
}

/** Sums of the hashes of all rows. */
export interface AuditOutcome {
  /** While they were written. */
  readonly kept: number
  readonly found: number
}

/** Requests with what they answer. */
export interface WorkerOperations {
  checkpoint: { request: Record<never, never>; outcome: CheckpointOutcome }
  /** Writes and syncs a snapshot into the file at `path`. */
  snapshot: { request: { readonly path: string; readonly clusterId: string }; outcome: StoredSnapshot }
  /** Counts all rows anew. */
  audit: { request: Record<never, never>; outcome: AuditOutcome }
  /** Builds the next generation from the snapshot at `path` and puts it into place. */
  restore: { request: { readonly path: string; readonly snapshotId: string }; outcome: { readonly generation: number } }
  /** Removes generations before the newest, which the state machine no longer uses. */
  retire: { request: Record<never, never>; outcome: undefined }
  close: { request: Record<never, never>; outcome: undefined }
}

export type WorkerRequest = {
  [T in keyof WorkerOperations]: { readonly id: number; readonly type: T } & WorkerOperations[T]['request']
}[keyof WorkerOperations]

export type WorkerResponse =
  | { readonly id: number; readonly ok: true; readonly outcome: unknown }
  | { readonly id: number; readonly ok: false; readonly error: EncodedError }

/** Structured cloning drops the class and the fields of an error. */
export interface EncodedError {
  readonly message: string
  readonly stack: string
  readonly code?: StateErrorCode
  readonly file?: string
}

export function encodeError(caught: unknown): EncodedError {
  const error = asError(caught)
  const { message, stack = '' } = error
  return error instanceof StateError ? { message, stack, code: error.code, file: error.file } : { message, stack }
}

export function decodeError({ message, stack, code, file }: EncodedError): Error {
  const error = code !== undefined && file !== undefined ? new StateError(code, file, message) : new Error(message)
  error.stack = stack
  return error
}
