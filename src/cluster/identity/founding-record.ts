/** What a data directory says while a cluster is being founded anew in it, so that running the same command again goes on where it stopped. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectorySync } from '../../storage/index.ts'
import { writeFileAtomicallySync } from './atomic-file.ts'

const FILE = 'found-anew.json'
const FILE_VERSION = 1
/** Within the data directory: everything that is made on the way; nothing of it counts before there is a record. */
export const FOUNDING_FOLDER = 'found-anew'

/** No cluster was founded; the message says why, what was changed, and what to do. */
export class FoundingError extends Error {
  override readonly name = 'FoundingError'
}

/** From here on the new data directory is whole, and takes the place of what there was. */
export interface FoundingRecord {
  /** The new cluster. */
  readonly clusterId: string
  /** The folder, within the data directory, that keeps what was there before; null when there was nothing. */
  readonly asideFolder: string | null
  /** Whether all of it is in that folder: only then is what else is in the data directory new. */
  readonly aside: boolean
}

function isRecord(value: unknown): value is FoundingRecord {
  if (typeof value !== 'object' || value === null) return false
  const { version, clusterId, asideFolder, aside } = value as Record<string, unknown>
  return (
    version === FILE_VERSION &&
    typeof clusterId === 'string' &&
    (asideFolder === null || (typeof asideFolder === 'string' && /^set-aside-\d+$/.test(asideFolder))) &&
    typeof aside === 'boolean'
  )
}

/** The record in `directory`, or undefined when there is none. @throws FoundingError when it cannot be read */
export function readFoundingRecord(directory: string): FoundingRecord | undefined {
  const path = join(directory, FILE)
  let record: unknown
  try {
    record = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    record = error
  }
  if (isRecord(record)) return record
  throw new FoundingError(
    `${path} cannot be read: it tells how far a cluster was founded anew here. All there is is in this folder, in found-anew and in set-aside-*: ` +
      'look at them before anything is deleted',
  )
}

/** Durable before the call returns. */
export function writeFoundingRecord(directory: string, record: FoundingRecord): void {
  writeFileAtomicallySync(join(directory, FILE), `${JSON.stringify({ version: FILE_VERSION, ...record }, null, 2)}\n`)
}

export function removeFoundingRecord(directory: string): void {
  rmSync(join(directory, FILE), { force: true })
  syncDirectorySync(directory)
}
