import type { EntryKind } from '../raft/index.ts'
import { WireError } from '../lib/index.ts'

const CODES: Readonly<Record<EntryKind, number>> = { command: 1, noop: 2, membership: 3 }
const KINDS: readonly (EntryKind | undefined)[] = [undefined, 'command', 'noop', 'membership']

/** The byte that stands for an entry's kind, on the wire and in the log. */
export function entryKindCode(kind: EntryKind): number {
  return CODES[kind]
}

/** The kind that a byte stands for. @throws WireError when it stands for none */
export function entryKindOf(code: number): EntryKind {
  const kind = KINDS[code]
  if (kind === undefined) throw new WireError(`${code} is the code of no kind of entry: 1 to 3 are`)
  return kind
}
