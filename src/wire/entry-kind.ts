import { LaterVersion } from '../commands/index.ts'
import type { EntryKind } from '../raft/index.ts'
import { WireError } from '../lib/index.ts'

const CODES: Readonly<Record<EntryKind, number>> = { command: 1, noop: 2, membership: 3, version: 4 }
const KINDS: readonly (EntryKind | undefined)[] = [undefined, 'command', 'noop', 'membership', 'version']

/** The byte that stands for an entry's kind, on the wire and in the log. */
export function entryKindCode(kind: EntryKind): number {
  return CODES[kind]
}

/** The version of the command language that every kind up to now needs. A kind that comes later says its own. */
const NEEDS = 1

/** The version that an entry of this kind needs: it stands beside the kind, for those who do not know the kind. */
export function entryKindNeeds(_kind: EntryKind): number {
  return NEEDS
}

/**
 * The kind that a byte stands for, for a program that can apply versions up to `own`; `needs` stands beside the byte.
 * @throws LaterVersion when it needs a later version; WireError when it stands for none of its version
 */
export function entryKindOf(code: number, needs: number, own: number): EntryKind {
  const kind = KINDS[code]
  if (needs > own) throw new LaterVersion(`an entry of kind ${code}`, needs, own)
  if (kind === undefined) throw new WireError(`${code} is the code of no kind of entry that version ${needs} has: 1 to 4 are`)
  return kind
}
