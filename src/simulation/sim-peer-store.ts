import type { PeerEntry, PeerStore } from '../peers/index.ts'

/** A peer book on a machine: it outlives processes, and what was heard keeps its age. What is saved is there at once. */
export class SimPeerStore implements PeerStore {
  #kept: readonly PeerEntry[] = []
  #keptAt = 0

  load(now: number): readonly PeerEntry[] {
    const shift = now - this.#keptAt
    return this.#kept.map((entry) => {
      const hints = Array.from(entry.hints, ([source, { addresses, heardAt }]) => {
        return [source, { addresses, heardAt: heardAt + shift }] as const
      })
      return { ...entry, hints: new Map(hints) }
    })
  }

  save(entries: () => readonly PeerEntry[], now: () => number): void {
    this.#kept = entries()
    this.#keptAt = now()
  }

  saved(): Promise<void> {
    return Promise.resolve()
  }

  wipe(): void {
    this.#kept = []
  }
}
