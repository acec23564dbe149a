/** What happened, as one running hash: two runs are the same run when their hashes agree. Lines are kept on request. */
export class Trace {
  readonly #keep: number
  readonly #lines: string[] = []
  #high = 0x811c_9dc5
  #low = 0x2d35_8dcc

  /** Keeps the last `keep` lines for people. */
  constructor(keep = 0) {
    this.#keep = keep
  }

  record(timeMs: number, node: string, event: string, ...facts: readonly (string | number | boolean | null)[]): void {
    const line = [timeMs.toFixed(3), node, event, ...facts].join(' ')
    this.#mix(line)
    this.#keepLine(line)
  }

  /** As {@link Trace.record}, and no line is kept for people. */
  mix(timeMs: number, node: string, event: string, ...facts: readonly string[]): void {
    this.#mix([timeMs.toFixed(3), node, event, ...facts].join(' '))
  }

  #mix(line: string): void {
    for (let i = 0; i < line.length; i++) {
      const unit = line.charCodeAt(i)
      this.#high = Math.imul(this.#high ^ unit, 0x0100_0193)
      this.#low = Math.imul(this.#low ^ unit, 0x85eb_ca6b) + this.#high
    }
  }

  /** Detail for people alone: the hash does not depend on whether anybody looks. */
  note(text: () => string): void {
    if (this.#keep > 0) this.#keepLine(`    ${text()}`)
  }

  /** 64 bits, in hex. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** The last lines kept. */
  lines(): readonly string[] {
    return this.#keep === 0 ? [] : this.#lines.slice(-this.#keep)
  }

  #keepLine(line: string): void {
    if (this.#keep === 0) return
    this.#lines.push(line)
    if (this.#lines.length >= 2 * this.#keep) this.#lines.splice(0, this.#keep)
  }
}
