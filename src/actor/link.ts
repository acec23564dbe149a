import type { Cell } from './cell.ts'
import { sayReason } from './end-reason.ts'
import type { EndReason } from './end-reason.ts'
import type { Life } from './life.ts'

/** A life that is linked, and whose it is. */
export interface Linked {
  readonly cell: Cell
  readonly life: Life
}

/** Between two lives: a crash or a kill of one is a crash of the other, once. Each keeps it, and it is gone with the first of them that ends. */
class Link {
  readonly #a: Linked
  readonly #b: Linked

  constructor(a: Linked, b: Linked) {
    this.#a = a
    this.#b = b
  }

  isOf(a: Life, b: Life): boolean {
    return (this.#a.life === a && this.#b.life === b) || (this.#a.life === b && this.#b.life === a)
  }

  cancel(): void {
    this.#a.life.drop(this)
    this.#b.life.drop(this)
  }

  /** The other fails in a turn of its own: a chain of links is no chain of calls. */
  failed(life: Life, reason: EndReason): void {
    const [one, other] = life === this.#a.life ? [this.#a, this.#b] : [this.#b, this.#a]
    other.cell.crashSoon(other.life, lostLink(one.cell.path, reason))
  }
}

/** Does nothing when they are linked, or one of them is over. */
export function link(a: Linked, b: Linked): void {
  if (a.life.over || b.life.over) return
  for (const kept of a.life.kept) if (kept instanceof Link && kept.isOf(a.life, b.life)) return
  const made = new Link(a, b)
  a.life.keep(made)
  b.life.keep(made)
}

/** What fails a life that is linked. Along a chain of links it names the one before, and where it began: not all between. */
class LostLink extends Error {
  override readonly name = 'LostLink'
  /** Who failed first, and of what. */
  readonly origin: string

  constructor(words: string, origin: string) {
    super(words)
    this.origin = origin
  }
}

export function lostLink(path: string, reason: EndReason): Error {
  const lost = `${path}, to which it is linked, is over`
  if (reason.type !== 'crashed' || !(reason.error instanceof LostLink))
    return new LostLink(`${lost}: ${sayReason(reason)}`, `${path}: ${sayReason(reason)}`)
  const { origin } = reason.error
  return new LostLink(`${lost}, because of ${origin}`, origin)
}
