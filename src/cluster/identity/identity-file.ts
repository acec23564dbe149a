import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { REJOIN_ADVICE } from '../../api/index.ts'
import { fromHex, toHex } from '../../lib/index.ts'
import { writeFileAtomicallySync } from './atomic-file.ts'
import { generateIdentity, identityFromSeed, SEED_SIZE } from '../../net/index.ts'
import type { NodeIdentity } from '../../net/index.ts'
import { openWithKept } from '../../storage/index.ts'

/** The file's name within a data directory. */
export const IDENTITY_FILE = 'identity.json'

/** Fields: its log has existed, and under which id the node has spoken. */
export const LOG_CREATED = 'logCreated'
export const NODE_ID = 'nodeId'

const FILE_VERSION = 1
const OTHERS_MAY_ACCESS = 0o077

/** What makes a node the same node after a restart. */
export interface IdentityFile {
  readonly identity: NodeIdentity
  /** Names the log this node's votes are in: key and log belong together, one without the other must not start. */
  readonly logStoreId: string
  /** Whatever else the creator put in. */
  readonly fields: Readonly<Record<string, unknown>>
  /** True when others than the owner may read or write the file: worth a warning, for it holds a secret key. */
  readonly exposed: boolean
}

/** The file cannot be used: to start under another key would make the node a stranger to its own cluster. */
export class IdentityFileError extends Error {
  override readonly name = 'IdentityFileError'
}

/**
 * Reads the identity at `path`, or creates one (mode 0600, durable before the call returns) when there is no file.
 * `fields` are stored at creation only. Throws {@link IdentityFileError} for a file that does not hold an identity,
 * and the system's error when it cannot be read or written.
 */
export function loadOrCreateIdentityFile(path: string, fields: Readonly<Record<string, unknown>> = {}): IdentityFile {
  const text = readIfPresent(path)
  if (text === undefined) return createIdentityFile(path, fields)
  const exposed = (statSync(path).mode & OTHERS_MAY_ACCESS) !== 0
  return { ...parseIdentity(path, text), exposed }
}

function createIdentityFile(path: string, fields: Readonly<Record<string, unknown>>): IdentityFile {
  const identity = generateIdentity()
  const logStoreId = randomBytes(16).toString('hex')
  const content = { ...fields, version: FILE_VERSION, endpointId: identity.endpointId, seed: toHex(identity.seed), logStoreId }
  writeFileAtomicallySync(path, `${JSON.stringify(content, null, 2)}\n`)
  return { identity, logStoreId, fields, exposed: false }
}

function readIfPresent(path: string): string | undefined {
  try {
    return openWithKept(() => readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseIdentity(path: string, text: string): Pick<IdentityFile, 'identity' | 'logStoreId' | 'fields'> {
  const content = parseObject(path, text)
  const { version, endpointId, seed, logStoreId, ...fields } = content
  if (version !== FILE_VERSION)
    throw unusable(path, `its version is ${JSON.stringify(version)}, this release reads ${FILE_VERSION}`)
  if (typeof seed !== 'string' || !/^[0-9a-f]+$/.test(seed) || seed.length !== 2 * SEED_SIZE) {
    throw unusable(path, `"seed" is not ${2 * SEED_SIZE} hexadecimal digits`)
  }
  if (typeof logStoreId !== 'string' || logStoreId === '') throw unusable(path, '"logStoreId" is missing')
  const identity = identityFromSeed(fromHex(seed))
  if (endpointId !== identity.endpointId) throw unusable(path, '"endpointId" is not the public key of "seed"')
  return { identity, logStoreId, fields }
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message would quote the text, and with it the key.
    throw unusable(path, 'it is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unusable(path, 'it is not a JSON object')
  return value as Record<string, unknown>
}

function unusable(path: string, problem: string): IdentityFileError {
  return new IdentityFileError(`the identity file ${path} cannot be used: ${problem}. Restore it from a backup. ${REJOIN_ADVICE}`)
}

/** Adds `fields` to the file at `path`, which must hold an identity and keeps it; durable before the call returns. */
export function addIdentityFields(path: string, fields: Readonly<Record<string, unknown>>): void {
  const text = openWithKept(() => readFileSync(path, 'utf8'))
  const { identity, logStoreId } = parseIdentity(path, text)
  const own = { version: FILE_VERSION, endpointId: identity.endpointId, seed: toHex(identity.seed), logStoreId }
  writeFileAtomicallySync(path, `${JSON.stringify({ ...parseObject(path, text), ...fields, ...own }, null, 2)}\n`)
}
