/** Names of snapshot files. A finished snapshot's name tells its position and its digest, and sorts by position. */
import type { LogId } from '../../raft/index.ts'

const NAME = /^(\d{16})-(\d{1,16})-([0-9a-f]{64})\.snapshot$/
const PARTIAL = '.partial'

export function snapshotName(last: LogId, digest: string): string {
  return `${String(last.index).padStart(16, '0')}-${last.term}-${digest}.snapshot`
}

/** The parts of a finished snapshot's name, or undefined for any other name. */
export function parseSnapshotName(name: string): { readonly last: LogId; readonly digest: string } | undefined {
  const match = NAME.exec(name)
  if (match === null) return undefined
  return { last: { index: Number(match[1]), term: Number(match[2]) }, digest: match[3] as string }
}

/** The file that a snapshot is received into. */
export function partialName(id: string): string {
  return id + PARTIAL
}

/** The snapshot that a partial file will become, or undefined for any other name. */
export function partialOf(name: string): string | undefined {
  if (!name.endsWith(PARTIAL)) return undefined
  const id = name.slice(0, -PARTIAL.length)
  return parseSnapshotName(id) === undefined ? undefined : id
}
