import type { LinkRefusalCode } from '../../ports/index.ts'

/** Ways in which a link fails that never cross the wire. */
export type LinkFailureCode = LinkRefusalCode | 'TIMEOUT' | 'STALLED' | 'SILENT' | 'ABORTED'

/** Why a link was not made, or ended: a code for programs, words for people. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly code: LinkFailureCode
  /** True when the peer refused this node, false when this node refused the peer. */
  readonly byPeer: boolean
  /** Facts that the peer may be told too. */
  readonly detail: string

  constructor(code: LinkFailureCode, message: string, byPeer = false, detail = '') {
    super(message)
    this.code = code
    this.byPeer = byPeer
    this.detail = detail
  }
}

const MALFORMED_ADVICE = 'run the same release of aspen on both ends, and look for what stands between them'

const REFUSAL_TEXTS: Readonly<Record<LinkRefusalCode, string>> = {
  MALFORMED:
    'the bytes exchanged do not follow the link protocol: run a release of aspen on both ends, and look for what stands between them',
  VERSION_MISMATCH: 'the nodes have no version of the link protocol in common: run the same release on both',
  KEY_MISMATCH:
    'the node that answered has another key than the one that was dialled: check the address and the endpoint id; rejoin, recover and restore give a node a new key',
  SELF: 'both ends have the same key: the address is its own, or an identity file was copied',
  COOKIE_MISMATCH: 'the cookies differ: start both nodes with the same cookie',
  CLUSTER_MISMATCH:
    'the nodes belong to different clusters: forget the address (POST /forget-peer), or start one of them with an empty data directory',
  DUPLICATE: 'another connection between the two nodes is kept',
  OVERLOADED: 'too many connections: look for who opens them',
  STOPPING: 'the node is stopping: it can be dialled again when it has started',
  IDENTITY_IN_USE: 'two processes that run now have the same identity: stop one of them, and give it a data directory of its own',
  REFUSED: 'the reason is one of a later version: its log says which',
}

/** The error for a refusal, said by this node or by the peer. `detail` must be fit for the eyes of both. */
export function refusalError(code: LinkRefusalCode, byPeer: boolean, detail = ''): LinkError {
  const said = byPeer ? 'refused by the peer: ' : ''
  return new LinkError(code, `${said}${REFUSAL_TEXTS[code]}${detail === '' ? '' : ` (${detail})`}`, byPeer, detail)
}

/** The peer sent what the link protocol does not have; `what` says what. */
export function malformed(what: string): LinkError {
  return new LinkError('MALFORMED', `${what}: ${MALFORMED_ADVICE}`)
}

/** A failure in words that begin with its code, as reports and logs show it. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as Error & { code?: unknown }
  return typeof code === 'string' && !error.message.startsWith(code) ? `${code}: ${error.message}` : error.message
}
