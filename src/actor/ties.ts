import type { LifeEvent, Watch } from './target.ts'

/** What others have to do with an actor, which most have not: its name in the system, and who watches its lives. */
export class Ties {
  registeredAs: string | null = null
  readonly #told = new Set<{ readonly told: (event: LifeEvent) => void }>()

  watch(told: (event: LifeEvent) => void): Watch {
    const entry = { told }
    this.#told.add(entry)
    return { cancel: () => void this.#told.delete(entry) }
  }

  tell(event: LifeEvent): void {
    for (const { told } of this.#told) told(event)
  }
}
