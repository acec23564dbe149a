import type { PeerEntry } from './peer-book.ts'

/** Where a peer book is kept between two lives of a node. It holds hints: what is lost of it is learned again. */
export interface PeerStore {
  /** What was known. Times are those of a clock that is at `now`. @throws Error when what is kept is no peer book */
  load(now: number): readonly PeerEntry[]
  /** Keeps what `entries` gives, in the background; called again meanwhile, the latest after that. */
  save(entries: () => readonly PeerEntry[], now: () => number): void
  /** Resolves when everything that was to be kept by now is, or has failed to be. */
  saved(): Promise<void>
}

/** Keeps nothing. */
export const noPeerStore: PeerStore = {
  load: () => [],
  save: () => undefined,
  saved: () => Promise.resolve(),
}
