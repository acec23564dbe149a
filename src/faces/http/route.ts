/** What a route is made of, and the groups of errors that routes share. */
import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  ActorAdmin,
  BackupSource,
  ClusterController,
  ErrorCode,
  KeyValueStore,
  MemberAdmin,
  PeerAdmin,
  Scope,
  StatusSource,
} from '../../api/index.ts'
import type { AnswerBudget } from './answer-budget.ts'
import type { PrometheusMetrics } from './metrics.ts'
import type { Schema } from './schema.ts'

/** What the routes are served from. */
export interface RouteContext {
  readonly store: KeyValueStore
  readonly controller: ClusterController
  readonly status: StatusSource
  /** Null where there are no actors to restart. */
  readonly actors: ActorAdmin | null
  /** Null where there are no members but one. */
  readonly members: MemberAdmin | null
  /** Null where there is no peer book. */
  readonly peers: PeerAdmin | null
  /** Null where there is nothing to keep. */
  readonly backups: BackupSource | null
  readonly metrics: PrometheusMetrics
  /** Room for answers that are not small. */
  readonly answers: AnswerBudget
  /** Whether the server has begun to close. */
  stopping(): boolean
  /** Whether whoever sends this may ask for more than a probe does. */
  trusts(request: IncomingMessage): boolean
}

export interface RouteAnswer {
  readonly description: string
  readonly schema: Schema
  /** application/json when absent. */
  readonly contentType?: string
}

export interface Route {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly operation: string
  readonly summary: string
  readonly body?: Schema
  /** What may stand behind the path. */
  readonly query?: Readonly<Record<string, Schema>>
  /** A body that is larger is refused before it is read; MAX_HTTP_BODY_SIZE when absent. */
  readonly maxBodyBytes?: number
  /** By status. */
  readonly answers: Readonly<Record<number, RouteAnswer>>
  readonly errors: readonly ErrorCode[]
  /** What a token must allow; `open`: answered without one. */
  readonly scope: Scope | 'open'
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => void
}

const ANY_ERRORS: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'UNAUTHORIZED',
  'FORBIDDEN',
  'HEADERS_TOO_LARGE',
  'STOPPING',
  'INTERNAL',
]
const BODY_ERRORS: readonly ErrorCode[] = ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
const SERVICE_ERRORS: readonly ErrorCode[] = ['POISONED', 'OVERLOADED']
const READ_ERRORS: readonly ErrorCode[] = ['NOT_INITIALIZED', 'NO_LEADER', 'DEADLINE_EXCEEDED', 'REMOVED', ...SERVICE_ERRORS]
const QUORUM_ERRORS: readonly ErrorCode[] = [...READ_ERRORS, 'NOT_LEADER', 'NOT_APPLIED', 'OUTCOME_UNKNOWN']

/** For a GET that asks the node itself. */
export function statusErrors(): readonly ErrorCode[] {
  return [...ANY_ERRORS, ...SERVICE_ERRORS]
}

/** For a POST that one node can answer alone. */
export function localErrors(...own: readonly ErrorCode[]): readonly ErrorCode[] {
  return [...ANY_ERRORS, ...BODY_ERRORS, ...SERVICE_ERRORS, 'DEADLINE_EXCEEDED', ...own]
}

/** For a POST that reads: it changes nothing, so its outcome is never unknown. */
export function readErrors(...own: readonly ErrorCode[]): readonly ErrorCode[] {
  return [...ANY_ERRORS, ...BODY_ERRORS, ...READ_ERRORS, ...own]
}

/** For a POST that needs a leader and may change something. */
export function quorumErrors(...own: readonly ErrorCode[]): readonly ErrorCode[] {
  return [...ANY_ERRORS, ...BODY_ERRORS, ...QUORUM_ERRORS, ...own]
}

/**
 * Answers with what the promise brings. Cheaper than an async handler, and every failure reaches the error handler,
 * also one of `answer` itself.
 */
export function settle<T>(promise: Promise<T>, reply: FastifyReply, answer: (value: T) => void): void {
  promise.then(
    (value) => {
      try {
        answer(value)
      } catch (error) {
        reply.send(error)
      }
    },
    (error: unknown) => {
      reply.send(error)
    },
  )
}
