import { isEndpointId } from '../../api/index.ts'
import type { BackupHeader } from './backup-format.ts'

const DIGEST = /^[0-9a-f]{64}$/

/** Undefined for bytes that are no header: whoever wrote them was no program of ours. */
export function readBackupHeader(bytes: Uint8Array): BackupHeader | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
  return isHeader(value) ? value : undefined
}

function isHeader(value: unknown): value is BackupHeader {
  if (typeof value !== 'object' || value === null) return false
  const header = value as Record<string, unknown>
  const { clusterId, local, createdAt, snapshotDigest, snapshotId, members } = header
  return (
    typeof clusterId === 'string' &&
    clusterId !== '' &&
    typeof local === 'boolean' &&
    typeof createdAt === 'string' &&
    typeof snapshotId === 'string' &&
    typeof snapshotDigest === 'string' &&
    DIGEST.test(snapshotDigest) &&
    [header['clusterVersion'], header['nodeId'], header['index'], header['term'], header['snapshotSize']].every(isCount) &&
    isListOf(header['voters'], isCount) &&
    isListOf(header['learners'], isCount) &&
    isListOf(members, isMember)
  )
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isItem(item))
}

function isMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { id, endpointId, addresses } = value as Record<string, unknown>
  const isText = (item: unknown): boolean => typeof item === 'string'
  return isCount(id) && typeof endpointId === 'string' && isEndpointId(endpointId) && isListOf(addresses, isText)
}
