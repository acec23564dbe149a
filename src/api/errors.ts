/** What a code means to HTTP, and whether the same request may simply be sent again. */
interface CatalogueRow {
  readonly status: number
  /** True only when the request provably changed nothing and may succeed later. */
  readonly retryable: boolean
}

/** Every error a user can meet. Codes are stable; messages are for people. */
export const ERROR_CATALOGUE = {
  INVALID_REQUEST: { status: 400, retryable: false },
  INVALID_KEY: { status: 400, retryable: false },
  INVALID_TOKEN: { status: 400, retryable: false },
  UNAUTHORIZED: { status: 401, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  KEY_NOT_FOUND: { status: 404, retryable: false },
  NODE_UNKNOWN: { status: 404, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  ALREADY_INITIALIZED: { status: 409, retryable: false },
  NODE_AMBIGUOUS: { status: 409, retryable: false },
  CLUSTER_MISMATCH: { status: 409, retryable: false },
  MEMBERSHIP_IN_PROGRESS: { status: 409, retryable: true },
  /** The membership is not what the change was meant for. Nothing was changed; the details say what it is. */
  MEMBERSHIP_CHANGED: { status: 409, retryable: false },
  /** A learner does not become a voter by the rules of promotion. Nothing was changed; `reason` in the details is for programs. */
  PROMOTION_REFUSED: { status: 409, retryable: true },
  /** The voter that leadership was to be handed to cannot take it now. The leader leads on. */
  TRANSFER_REFUSED: { status: 409, retryable: true },
  LEARNER_NOT_READY: { status: 409, retryable: true },
  /** The sequence belongs to another command of this client, which took effect. This one was not applied. */
  SEQUENCE_REUSED: { status: 409, retryable: false },
  /** The client has got further; what became of this sequence is not remembered. This attempt was not applied. */
  SEQUENCE_PASSED: { status: 409, retryable: false },
  /** Nothing is remembered of the client, and this is not its first sequence. It was not applied. */
  SESSION_UNKNOWN: { status: 409, retryable: false },
  NOT_INITIALIZED: { status: 412, retryable: true },
  KEY_TOO_LARGE: { status: 413, retryable: false },
  VALUE_TOO_LARGE: { status: 413, retryable: false },
  BATCH_TOO_LARGE: { status: 413, retryable: false },
  COMMAND_TOO_LARGE: { status: 413, retryable: false },
  BODY_TOO_LARGE: { status: 413, retryable: false },
  /** The command took effect; what it found does not fit an answer, or was too large to be remembered for a repetition. */
  RESULT_TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  OVERLOADED: { status: 429, retryable: true },
  HEADERS_TOO_LARGE: { status: 431, retryable: false },
  INTERNAL: { status: 500, retryable: false },
  NOT_IMPLEMENTED: { status: 501, retryable: false },
  /** The command needs a later version of the cluster than all members have agreed on. Nothing was changed. */
  CLUSTER_VERSION: { status: 501, retryable: false },
  NO_LEADER: { status: 503, retryable: true },
  NOT_LEADER: { status: 503, retryable: true },
  NOT_APPLIED: { status: 503, retryable: true },
  STOPPING: { status: 503, retryable: true },
  POISONED: { status: 503, retryable: false },
  /** The node asked is no member of its cluster any more; nothing was changed. Others may serve. */
  REMOVED: { status: 503, retryable: false },
  /** Time was up before it was answered, and it changed nothing: a read, or a write that reached no leader. */
  DEADLINE_EXCEEDED: { status: 504, retryable: true },
  /** A write that was not answered: it may or may not take effect. Never of a read. */
  OUTCOME_UNKNOWN: { status: 504, retryable: false },
  /** A node inside a program did not start: what its data directory holds, or does not, cannot be used. */
  CANNOT_START: { status: 500, retryable: false },
  /** A node inside a program did not start: a port or an address cannot be had. */
  CANNOT_LISTEN: { status: 500, retryable: false },
  QUOTA_EXCEEDED: { status: 507, retryable: false },
  /** A volume is full, or so nearly that growth is refused. Nothing was changed. */
  DISK_FULL: { status: 507, retryable: false },
} as const satisfies Record<string, CatalogueRow>

export type ErrorCode = keyof typeof ERROR_CATALOGUE

/** Facts beside the message, as JSON; never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** The one error type of the public interfaces. */
export class AspenError extends Error {
  override readonly name = 'AspenError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.details = details
  }

  /** The HTTP status of this code. */
  get status(): number {
    return ERROR_CATALOGUE[this.code].status
  }

  /** True only when the request provably changed nothing and may be sent again. */
  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable
  }
}
