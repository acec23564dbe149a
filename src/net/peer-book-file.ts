import { readFileSync } from 'node:fs'
import { MAX_PEERS } from '../limits.ts'
import { writeFileAtomically } from './atomic-file.ts'
import { checkPeerHint, createPeerEntry, PEER_SOURCES, PeerBook } from './peer-book.ts'
import type { PeerEntry, PeerSource } from './peer-book.ts'

const FILE_VERSION = 1

/** The file holds something else than a peer book. */
export class PeerBookFileError extends Error {
  override readonly name = 'PeerBookFileError'
}

export interface PeerBookFile {
  readonly book: PeerBook
  /** Resolves when every change made so far has been written, or has failed to be. */
  saved(): Promise<void>
}

/**
 * A peer book that is kept in a JSON file; one in memory when `path` is null. Changes are written in the background,
 * those made during a write together after it. A write that fails is reported and the next change writes again: the
 * book is made of hints, and the node goes on with those in memory. Throws {@link PeerBookFileError} for a file that
 * is no peer book.
 */
export function openPeerBook(path: string | null, onSaveError: (error: Error) => void): PeerBookFile {
  if (path === null) return { book: new PeerBook(), saved: async () => undefined }
  let dirty = false
  let saving: Promise<void> | undefined
  const save = async (): Promise<void> => {
    while (dirty) {
      dirty = false
      try {
        await writeFileAtomically(path, format(book.entries()))
      } catch (error) {
        onSaveError(error as Error)
      }
    }
    saving = undefined
  }
  const book = new PeerBook(load(path), () => {
    dirty = true
    saving ??= save()
  })
  return { book, saved: async () => saving }
}

function format(entries: readonly PeerEntry[]): string {
  const peers = entries.map(({ endpointId, nodeId, relay, hints }) => ({
    endpointId,
    nodeId,
    relay,
    hints: Object.fromEntries(hints),
  }))
  return `${JSON.stringify({ version: FILE_VERSION, peers }, null, 2)}\n`
}

function load(path: string): PeerEntry[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  try {
    return parse(text)
  } catch (error) {
    throw new PeerBookFileError(
      `the peer book ${path} cannot be read: ${(error as Error).message}. Correct it, or delete it: it holds hints only, ` +
        'and the node learns them again from --peers, /add-peer and its cluster',
      { cause: error },
    )
  }
}

function parse(text: string): PeerEntry[] {
  const { version, peers } = asObject(JSON.parse(text), 'the file')
  if (version !== FILE_VERSION) throw new Error(`its version is ${JSON.stringify(version)}, this release reads ${FILE_VERSION}`)
  if (!Array.isArray(peers)) throw new Error('"peers" is not a list')
  if (peers.length > MAX_PEERS) throw new Error(`it lists ${peers.length} peers, at most ${MAX_PEERS} are allowed`)
  return peers.map((peer, position) => parseEntry(asObject(peer, `peer ${position}`), position))
}

function parseEntry(peer: Record<string, unknown>, position: number): PeerEntry {
  const { endpointId, nodeId, relay, hints } = peer
  const sources = Object.entries(asObject(hints, `"hints" of peer ${position}`))
  const bySource = new Map<PeerSource, readonly string[]>()
  for (const [source, addresses] of sources) {
    if (!isSource(source)) throw new Error(`peer ${position} has hints of an unknown source ${JSON.stringify(source)}`)
    const hint = { endpointId: String(endpointId), nodeId: nodeId as number | null, addresses: asStrings(addresses, position) }
    const problem = checkPeerHint(hint)
    if (problem !== undefined) throw new Error(`peer ${position}: ${problem}`)
    bySource.set(source, hint.addresses)
  }
  if (bySource.size === 0) throw new Error(`peer ${position} has no hints`)
  if (relay !== null && typeof relay !== 'string') throw new Error(`"relay" of peer ${position} is neither text nor null`)
  return createPeerEntry(String(endpointId), nodeId as number | null, relay, bySource)
}

function isSource(text: string): text is PeerSource {
  return (PEER_SOURCES as readonly string[]).includes(text)
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not a JSON object`)
  return value as Record<string, unknown>
}

function asStrings(value: unknown, position: number): string[] {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
    throw new Error(`the addresses of peer ${position} are not a list of texts`)
  }
  return value
}
