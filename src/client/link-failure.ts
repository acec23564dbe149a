/** Why a node could not be asked over a link, in the terms of the public errors. */
import { AspenError } from '../api/index.ts'
import type { ErrorCode } from '../api/index.ts'
import { LinkError } from '../net/direct/dial/index.ts'
import { ExchangeFailure } from './exchange.ts'
import type { FailureTraits } from './exchange.ts'
import type { LinkEndpoint } from './link-options.ts'

/** Refusals that stay until somebody changes a setting: what each of them is to the caller. */
const LASTING: Readonly<Partial<Record<LinkError['code'], ErrorCode>>> = {
  COOKIE_MISMATCH: 'UNAUTHORIZED',
  KEY_MISMATCH: 'NODE_UNKNOWN',
  SELF: 'NODE_UNKNOWN',
  CLUSTER_MISMATCH: 'CLUSTER_MISMATCH',
  VERSION_MISMATCH: 'NOT_IMPLEMENTED',
}

/** What is wrong, where the words for two nodes do not fit a client. */
const WORDS: Readonly<Partial<Record<LinkError['code'], string>>> = {
  COOKIE_MISMATCH: 'the cookies differ: give the client the cookie that the node was started with',
  VERSION_MISMATCH: 'the node does not speak aspen/client/1: run a release on it that does, or use HTTP',
}

export class LinkFailure extends ExchangeFailure {
  /** What the caller hears if no other node does better. */
  readonly code: ErrorCode
  /** Which refusal of a link, or which error of the system. */
  readonly reason: string

  constructor(message: string, sent: boolean, code: ErrorCode, reason: string, traits?: FailureTraits) {
    super(message, sent, traits)
    this.code = code
    this.reason = reason
  }
}

/** No link was made: nothing was sent. */
export function dialFailure(error: NodeJS.ErrnoException): LinkFailure {
  if (!(error instanceof LinkError)) return new LinkFailure(error.message, false, 'NO_LEADER', error.code ?? error.name)
  const lasting = LASTING[error.code]
  const code = lasting ?? (error.code === 'OVERLOADED' ? 'OVERLOADED' : 'NO_LEADER')
  return new LinkFailure(WORDS[error.code] ?? error.message, false, code, error.code, { lasting: lasting !== undefined })
}

/** A link ended. Whatever was handed to it may have arrived. */
export function endedFailure(error: NodeJS.ErrnoException | undefined, sent: boolean): LinkFailure {
  const message = error?.message ?? 'the node closed the link'
  return new LinkFailure(message, sent, sent ? 'OUTCOME_UNKNOWN' : 'NO_LEADER', error?.code ?? 'CLOSED')
}

export function timeoutFailure(waitedMs: number, sent: boolean): LinkFailure {
  const message = sent ? `no answer within ${waitedMs} ms` : `no room on a link within ${waitedMs} ms`
  return new LinkFailure(message, sent, sent ? 'OUTCOME_UNKNOWN' : 'NO_LEADER', 'TIMEOUT', { outOfTime: true })
}

/** The last word of a call that no node answered. */
export function linkError(failure: ExchangeFailure, what: string, { endpointId, address }: LinkEndpoint): AspenError {
  const { code, reason } = failure instanceof LinkFailure ? failure : { code: undefined, reason: failure.message }
  const details = { address, endpoint_id: endpointId, reason }
  if (failure.sent) {
    const unanswered = what === 'write' ? 'OUTCOME_UNKNOWN' : 'DEADLINE_EXCEEDED'
    return new AspenError(unanswered, `the ${what} was sent to ${address} and not answered: ${failure.message}`, details)
  }
  return new AspenError(code ?? 'NO_LEADER', `the ${what} reached no node; at ${address}: ${failure.message}`, details)
}
