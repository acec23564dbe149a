export interface LogPosition {
  readonly term: number
  readonly index: number
}

/** The terms of a node's log, as far as its log store was told. */
export class LogMirror {
  #first: number
  #purgedTerm: number
  #terms: number[] = []

  constructor(purged: LogPosition) {
    this.#first = purged.index + 1
    this.#purgedTerm = purged.term
  }

  get purgedIndex(): number {
    return this.#first - 1
  }

  get lastIndex(): number {
    return this.#first + this.#terms.length - 1
  }

  get lastTerm(): number {
    return this.#terms.at(-1) ?? this.#purgedTerm
  }

  /** Undefined where nothing is held; the position before the first entry is known. */
  termAt(index: number): number | undefined {
    return index === this.#first - 1 ? this.#purgedTerm : this.#terms[index - this.#first]
  }

  append(term: number): void {
    this.#terms.push(term)
  }

  truncateFrom(index: number): void {
    if (index <= this.lastIndex) this.#terms.length = Math.max(0, index - this.#first)
  }

  purge(position: LogPosition): void {
    if (position.index < this.#first) return
    this.#terms = this.#terms.slice(position.index - this.#first + 1)
    this.#first = position.index + 1
    this.#purgedTerm = position.term
  }
}
