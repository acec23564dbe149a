import {
  AspenError,
  checkClusterVersion,
  checkEndpointId,
  checkMembership,
  checkNodeId,
  checkPromotion,
  checkVoters,
  givenFields,
} from '../../api/index.ts'
import { utf8Decode, utf8Encode, WireError } from '../../lib/index.ts'
import type { Given } from '../../api/index.ts'
import type { NodeId } from '../../raft/index.ts'
import type { AdminRequest } from './membership-admin.ts'

const FIELDS = [
  'op',
  'nodeId',
  'endpointId',
  'members',
  'learners',
  'version',
  'ifMembers',
  'ifIndex',
  'replace',
  'force',
  'dryRun',
]
/** Beside what has no version of its own: whoever asks can read where a configuration stands. Earlier leaders do not look at it. */
const PLACED_ANSWER = 2
/** A few hundred ids of 16 digits take less. */
const MAX_REQUEST_SIZE = 64 * 1024

/** An administrative request as a JSON document: rare, small, and readable in a capture. */
export function encodeAdminRequest(request: AdminRequest): Uint8Array {
  return utf8Encode(JSON.stringify(request.op === 'raise-version' ? request : { ...request, version: PLACED_ANSWER }))
}

export interface DecodedRequest {
  readonly request: AdminRequest
  /** Whoever asks can read where the configuration stands. */
  readonly placed: boolean
}

/**
 * Checks what a peer hands over as strictly as what a caller of this node does: it goes into every node's log.
 * @throws WireError when the document is not an administrative request
 */
export function decodeAdminRequest(bytes: Uint8Array): DecodedRequest {
  return decoded(bytes, (given) => {
    const fields = givenFields(given, 'an administrative request', FIELDS)
    const request = toAdminRequest(fields)
    return { request, placed: request.op !== 'raise-version' && fields['version'] === PLACED_ANSWER }
  })
}

/** What a founding takes: that its founder is asked for it; and that the founder asks the other voters to found nothing else, or again whatever they like. */
const FOUNDING_STEPS = ['found', 'consent', 'release'] as const

export interface FoundingRequest {
  readonly step: (typeof FOUNDING_STEPS)[number]
  readonly voters: readonly NodeId[]
}

export function encodeFounding(request: FoundingRequest): Uint8Array {
  return utf8Encode(JSON.stringify(request))
}

/** @throws WireError */
export function decodeFounding(bytes: Uint8Array): FoundingRequest {
  return decoded(bytes, (request) => {
    const { step, voters } = givenFields(request, 'a founding', ['step', 'voters'])
    const known = FOUNDING_STEPS.find((one) => one === step)
    if (known === undefined) throw new WireError('a founding takes no such step')
    return { step: known, voters: checkVoters(voters) }
  })
}

function decoded<T>(bytes: Uint8Array, check: (request: unknown) => T): T {
  if (bytes.length > MAX_REQUEST_SIZE) throw new WireError(`an administrative request has ${bytes.length} bytes`)
  const text = utf8Decode(bytes)
  if (text === undefined) throw new WireError('an administrative request is not UTF-8')
  const request = parse(text)
  try {
    return check(request)
  } catch (error) {
    if (error instanceof AspenError) throw new WireError(error.message)
    throw error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WireError(`an administrative request is not JSON: ${(error as Error).message}`)
  }
}

/** @throws AspenError, WireError */
function toAdminRequest(fields: Given): AdminRequest {
  if (fields['op'] === 'add-learner') {
    const { nodeId, endpointId } = fields
    return {
      op: 'add-learner',
      nodeId: checkNodeId(nodeId, 'node_id'),
      endpointId: endpointId === null ? null : checkEndpointId(endpointId),
    }
  }
  if (fields['op'] === 'change-membership') {
    const { members, learners, ifMembers, ifIndex } = fields
    const change = { members, ifMembers, ifIndex, ...(learners === null ? {} : { learners: learners ?? 'none' }) }
    return { op: 'change-membership', learners: null, ...checkMembership(change) }
  }
  if (fields['op'] === 'promote-learner') {
    const { nodeId, replace, force, dryRun, ifMembers, ifIndex } = fields
    const promotion = checkPromotion({ nodeId, replace, force, dryRun, ifMembers, ifIndex })
    return { op: 'promote-learner', force: false, dryRun: false, ...promotion }
  }
  if (fields['op'] === 'transfer-leadership')
    return { op: 'transfer-leadership', nodeId: checkNodeId(fields['nodeId'], 'node_id') }
  if (fields['op'] === 'raise-version') return { op: 'raise-version', version: checkClusterVersion(fields['version']) }
  throw new WireError('an administrative request is of a kind that is not known here')
}
