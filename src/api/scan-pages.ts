/** Turns scan requests into ranges and back into tokens. A token names the key that ended its page. */
import { toKey } from './commands.ts'
import type { Data } from './commands.ts'
import { AspenError } from './errors.ts'
import { checked, givenData, givenFields, givenText, kindOf } from './given.ts'
import type { ScanRange, ScanRequest } from './key-value-store.ts'
import { compareBytes, concatBytes, fromBase64url, prefixEnd, toBase64url, utf8Encode } from '../lib/index.ts'
import { DEFAULT_SCAN_LIMIT, MAX_KEY_SIZE, MAX_SCAN_LIMIT, MAX_SCAN_TOKEN_SIZE } from '../limits.ts'

const TOKEN_PREFIX = 's1.'
const NOTHING = new Uint8Array(0)

const BOUNDS = ['prefix', 'start', 'end'] as const

/**
 * A scan in a copy that nobody else can change. An empty token is none: it is what some languages send for one that is not there.
 * @throws AspenError INVALID_REQUEST, KEY_TOO_LARGE
 */
export function checkScan(request: unknown): ScanRequest {
  return checked('the scan', () => {
    const fields = givenFields(request, 'the scan', [...BOUNDS, 'limit', 'token'])
    const own: { prefix?: Data; start?: Data; end?: Data; limit?: number; token?: string } = {}
    for (const name of BOUNDS) {
      if (fields[name] !== undefined) own[name] = ownBound(fields[name], name)
    }
    const { limit, token } = fields
    if (limit !== undefined) own.limit = checkLimit(limit)
    if (token !== undefined && token !== '') own.token = givenText(token, 'the token')
    return own
  })
}

function ownBound(value: unknown, name: string): Data {
  const data = givenData(value, `the ${name} of the scan`)
  return data.length === 0 || typeof data === 'string' ? data : toKey(data)
}

/** An empty bound is allowed where an empty key is not: it means the beginning, or no prefix. */
function toBound(data: Data | undefined): Uint8Array {
  return data === undefined || data.length === 0 ? NOTHING : toKey(data)
}

function requestedRange(request: ScanRequest): ScanRange {
  if (request.prefix !== undefined) {
    if (request.start !== undefined || request.end !== undefined) {
      throw new AspenError('INVALID_REQUEST', 'a scan has either a prefix, or start and end: not both')
    }
    const start = toBound(request.prefix)
    return { start, end: prefixEnd(start) ?? null }
  }
  return { start: toBound(request.start), end: request.end === undefined ? null : toKey(request.end) }
}

function parseToken(token: string): Uint8Array {
  try {
    return token.startsWith(TOKEN_PREFIX) ? fromBase64url(token.slice(TOKEN_PREFIX.length)) : NOTHING
  } catch {
    return NOTHING
  }
}

/** The key a token names. @throws AspenError INVALID_TOKEN unless the token was made for this range */
function lastKey(token: string, range: ScanRange): Uint8Array {
  if (token.length > MAX_SCAN_TOKEN_SIZE) {
    const message = `the token has ${token.length} characters, and no scan gives more than ${MAX_SCAN_TOKEN_SIZE}: start from the first page`
    throw new AspenError('INVALID_TOKEN', message)
  }
  const key = parseToken(token)
  const outside = compareBytes(key, range.start) < 0 || (range.end !== null && compareBytes(key, range.end) >= 0)
  if (key.length === 0 || key.length > MAX_KEY_SIZE || outside || scanToken(key) !== token) {
    throw new AspenError(
      'INVALID_TOKEN',
      'the token is not one that a scan of this prefix or range gave: start from the first page',
    )
  }
  return key
}

export function scanToken(last: Uint8Array): string {
  return TOKEN_PREFIX + toBase64url(last)
}

/** The range that is left to scan. @throws AspenError INVALID_REQUEST, INVALID_KEY, KEY_TOO_LARGE, INVALID_TOKEN */
export function remainingRange(request: ScanRequest): ScanRange {
  const range = requestedRange(request)
  if (request.token === undefined) return range
  // The first key after k is k followed by a zero byte.
  return { start: concatBytes([lastKey(request.token, range), utf8Encode('\0')]), end: range.end }
}

export function scanLimit({ limit }: ScanRequest): number {
  return limit === undefined ? DEFAULT_SCAN_LIMIT : checkLimit(limit)
}

function checkLimit(limit: unknown): number {
  if (Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= MAX_SCAN_LIMIT) return limit as number
  const given = typeof limit === 'number' ? limit : kindOf(limit)
  throw new AspenError('INVALID_REQUEST', `the limit is ${given}: it must be a whole number from 1 to ${MAX_SCAN_LIMIT}`)
}
