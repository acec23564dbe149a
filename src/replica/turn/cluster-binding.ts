/** Which cluster a node belongs to: none at first, then one for good, which the log is told once. */
export class ClusterBinding {
  #id: string | null
  #toPersist: string | undefined

  /** @param id what the log remembers */
  constructor(id: string | null) {
    this.#id = id
  }

  get id(): string | null {
    return this.#id
  }

  join(id: string): void {
    this.#id = id
    this.#toPersist = id
  }

  /** What the next batch has to write, once. */
  take(): string | undefined {
    const id = this.#toPersist
    this.#toPersist = undefined
    return id
  }
}
