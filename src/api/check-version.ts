import { invalid, kindOf } from './given.ts'

/** What an entry of the log can say. */
const MAX_VERSION = 255

/** @throws AspenError INVALID_REQUEST */
export function checkClusterVersion(version: unknown): number {
  if (typeof version === 'number' && Number.isInteger(version) && version >= 1 && version <= MAX_VERSION) return version
  const given = typeof version === 'number' ? version : kindOf(version)
  throw invalid(`version is ${given}: it must be a whole number from 1 to ${MAX_VERSION}`)
}
