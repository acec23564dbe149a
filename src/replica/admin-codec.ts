import { utf8Decode, utf8Encode } from '../lib/index.ts'
import { WireError } from '../wire/index.ts'
import type { AdminRequest } from './membership-admin.ts'

/** An administrative request as a JSON document: rare, small, and readable in a capture. */
export function encodeAdminRequest(request: AdminRequest): Uint8Array {
  return utf8Encode(JSON.stringify(request))
}

/** @throws WireError when the document is not an administrative request */
export function decodeAdminRequest(bytes: Uint8Array): AdminRequest {
  const text = utf8Decode(bytes)
  if (text === undefined) throw new WireError('an administrative request is not UTF-8')
  const request: unknown = parse(text)
  if (isAddLearner(request) || isChangeMembership(request)) return request
  throw new WireError('an administrative request is neither add-learner nor change-membership')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WireError(`an administrative request is not JSON: ${(error as Error).message}`)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isId)
}

function isAddLearner(value: unknown): value is AdminRequest & { op: 'add-learner' } {
  if (!isRecord(value) || value['op'] !== 'add-learner') return false
  return isId(value['nodeId']) && (value['endpointId'] === null || typeof value['endpointId'] === 'string')
}

function isChangeMembership(value: unknown): value is AdminRequest & { op: 'change-membership' } {
  if (!isRecord(value) || value['op'] !== 'change-membership') return false
  const { members, learners } = value
  return isIds(members) && members.length > 0 && (learners === null || isIds(learners))
}
