import { readFileSync } from 'node:fs'
import { MAX_PEERS } from '../../limits.ts'
import { checkPeerHint, createPeerEntry, PEER_SOURCES } from '../../peers/index.ts'
import type { Heard, PeerEntry, PeerSource, PeerStore } from '../../peers/index.ts'
import { openWithKept } from '../../storage/index.ts'
import { BackgroundFile } from './background-file.ts'

const FILE_VERSION = 2

/** The file holds something else than a peer book. */
export class PeerBookFileError extends Error {
  override readonly name = 'PeerBookFileError'
}

/**
 * A peer book in a JSON file. A write that fails is reported: the book is made of hints, and the node goes on with those in memory. Ages are those at the time of the write; the time between two lives does not count.
 */
export class PeerBookFile implements PeerStore {
  readonly #path: string
  readonly #file: BackgroundFile

  constructor(path: string, onError: (error: Error) => void) {
    this.#path = path
    this.#file = new BackgroundFile(path, onError)
  }

  /** @throws PeerBookFileError for a file that is no peer book */
  load(now: number): readonly PeerEntry[] {
    let text: string
    try {
      text = openWithKept(() => readFileSync(this.#path, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw new PeerBookFileError(`the peer book ${this.#path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
    try {
      return parse(text, now)
    } catch (error) {
      throw new PeerBookFileError(`the peer book ${this.#path} cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }

  save(entries: () => readonly PeerEntry[], now: () => number): void {
    this.#file.save(() => format(entries(), now()))
  }

  saved(): Promise<void> {
    return this.#file.saved()
  }
}

/** What others say of a peer is heard again, or was not true; former releases know no such source. */
function worthKeeping(entries: readonly PeerEntry[]): readonly PeerEntry[] {
  return entries.flatMap((entry) => {
    const hints = new Map([...entry.hints].filter(([source]) => source !== 'hearsay'))
    return hints.size === 0 ? [] : [{ ...entry, hints }]
  })
}

function format(entries: readonly PeerEntry[], now: number): string {
  const peers = worthKeeping(entries).map(({ endpointId, nodeId, relay, hints }) => ({
    endpointId,
    nodeId,
    relay,
    hints: Object.fromEntries(
      Array.from(hints, ([source, { addresses, heardAt }]) => [
        source,
        { addresses, ageMs: Math.max(0, Math.round(now - heardAt)) },
      ]),
    ),
  }))
  return `${JSON.stringify({ version: FILE_VERSION, peers }, null, 2)}\n`
}

function parse(text: string, now: number): PeerEntry[] {
  const { version, peers } = asObject(JSON.parse(text), 'the file')
  if (version !== FILE_VERSION) throw new Error(`its version is ${JSON.stringify(version)}, this release reads ${FILE_VERSION}`)
  if (!Array.isArray(peers)) throw new Error('"peers" is not a list')
  if (peers.length > MAX_PEERS) throw new Error(`it lists ${peers.length} peers, at most ${MAX_PEERS} are allowed`)
  return peers.map((peer, position) => parseEntry(asObject(peer, `peer ${position}`), position, now))
}

function parseEntry(peer: Record<string, unknown>, position: number, now: number): PeerEntry {
  const { endpointId, nodeId, relay, hints } = peer
  const bySource = new Map<PeerSource, Heard>()
  for (const [source, said] of Object.entries(asObject(hints, `"hints" of peer ${position}`))) {
    if (!isSource(source)) throw new Error(`peer ${position} has hints of an unknown source ${JSON.stringify(source)}`)
    const { addresses, ageMs } = asObject(said, `the hint of ${source} of peer ${position}`)
    const hint = { endpointId: String(endpointId), nodeId: nodeId as number | null, addresses: asStrings(addresses, position) }
    const problem = checkPeerHint(hint)
    if (problem !== undefined) throw new Error(`peer ${position}: ${problem}`)
    if (typeof ageMs !== 'number' || !(ageMs >= 0)) throw new Error(`"ageMs" of peer ${position} is no age`)
    bySource.set(source, { addresses: hint.addresses, heardAt: now - ageMs })
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
