import type { KeptNode, RegistryStore } from '../node/index.ts'

/** What is known of nodes on a machine: it outlives processes, and the time between two of them counts. What is saved is there at once. */
export class SimRegistryStore implements RegistryStore {
  readonly #wallClock: () => number
  #kept: readonly KeptNode[] = []

  constructor(wallClock: () => number) {
    this.#wallClock = wallClock
  }

  load(now: number): readonly KeptNode[] {
    return this.#kept.map((node) => moved(node, now - this.#wallClock()))
  }

  save(records: () => readonly KeptNode[], now: () => number): void {
    this.#kept = records().map((node) => moved(node, this.#wallClock() - now()))
  }

  saved(): Promise<void> {
    return Promise.resolve()
  }

  wipe(): void {
    this.#kept = []
  }
}

function moved({ firstSeenAt, seenAt, changedAt, ...node }: KeptNode, by: number): KeptNode {
  return { ...node, firstSeenAt: firstSeenAt + by, seenAt: seenAt === null ? null : seenAt + by, changedAt: changedAt + by }
}
