/** What an unfinished rejoin has written down, so that running it again goes on where it stopped. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isEndpointId } from '../../api/index.ts'
import { writeFileAtomicallySync } from './atomic-file.ts'
import { RejoinError } from './rejoin-error.ts'

const FILE = 'rejoin.json'
const FILE_VERSION = 1

export interface RejoinRecord {
  /** What the node is to become again. */
  readonly role: 'voter' | 'learner'
  /** The key that must never vote again. */
  readonly oldEndpointId: string
  /** The folder, within the data directory, that keeps what was there before; null when there was nothing. */
  readonly asideFolder: string | null
  /** Whether all of it is in that folder: only then is what else is in the data directory new. */
  readonly aside: boolean
}

function isRecord(value: unknown): value is RejoinRecord {
  if (typeof value !== 'object' || value === null) return false
  const { version, role, oldEndpointId, asideFolder, aside } = value as Record<string, unknown>
  return (
    version === FILE_VERSION &&
    (role === 'voter' || role === 'learner') &&
    typeof oldEndpointId === 'string' &&
    isEndpointId(oldEndpointId) &&
    (asideFolder === null || (typeof asideFolder === 'string' && /^set-aside-\d+$/.test(asideFolder))) &&
    typeof aside === 'boolean'
  )
}

/** The record in `directory`, or undefined when no rejoin is under way. @throws RejoinError when it cannot be read */
export function readRejoinRecord(directory: string): RejoinRecord | undefined {
  const path = join(directory, FILE)
  let record: unknown
  try {
    record = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    record = error
  }
  if (isRecord(record)) return record
  throw new RejoinError(
    `the record of an unfinished rejoin, ${path}, cannot be read: move the data directory away and run the command again with an empty one`,
  )
}

/** Whether a rejoin has changed anything in `directory` and is not done. */
export function isRejoinUnderWay(directory: string): boolean {
  return existsSync(join(directory, FILE))
}

/** Durable before the call returns. */
export function writeRejoinRecord(directory: string, record: RejoinRecord): void {
  writeFileAtomicallySync(join(directory, FILE), `${JSON.stringify({ version: FILE_VERSION, ...record }, null, 2)}\n`)
}

export function removeRejoinRecord(directory: string): void {
  rmSync(join(directory, FILE), { force: true })
}
