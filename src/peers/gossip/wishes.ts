/**
 * What was asked for and has not come. Each is asked of one neighbour at a time; one that offers and does not give is not asked again for the same
 * before others have had their turn.
 */

/** When it may be asked of another, in milliseconds. */
const PATIENCE_MS = 2_000
/** When it may be asked again of the one that did not give it. */
const GRUDGE_MS = 60_000
const MAX_WISHES = 1_000

export class Wishes {
  readonly #asked = new Map<string, { readonly from: string; readonly at: number }>()

  /** Which of these to ask this neighbour for. */
  ask(from: string, wanted: readonly string[], now: number): string[] {
    const asked: string[] = []
    for (const shortId of wanted) {
      const before = this.#asked.get(shortId)
      if (before !== undefined && now < before.at + (before.from === from ? GRUDGE_MS : PATIENCE_MS)) continue
      if (before === undefined && this.#asked.size >= MAX_WISHES) break
      this.#asked.set(shortId, { from, at: now })
      asked.push(shortId)
    }
    return asked
  }

  /** It came, from wherever. */
  fulfilled(shortId: string): void {
    this.#asked.delete(shortId)
  }

  tidy(now: number): void {
    for (const [shortId, { at }] of this.#asked) if (at + GRUDGE_MS < now) this.#asked.delete(shortId)
  }
}
