import { ActorError } from './actor-error.ts'
import type { Cell } from './cell.ts'
import type { Watch } from './target.ts'

const MAX_NAME_LENGTH = 128
const NAME = /^[A-Za-z0-9._:@-]+$/

/** Whether something can name an actor, or a group of them. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= MAX_NAME_LENGTH && NAME.test(name) && name !== '.' && name !== '..'
}

/** @throws TypeError when it cannot name an actor: names are parts of paths and labels, and go to other nodes */
export function checkName(name: unknown, what: string): asserts name is string {
  if (isName(name)) return
  const given = typeof name === 'string' ? JSON.stringify(name.slice(0, MAX_NAME_LENGTH)) : typeof name
  throw new TypeError(`${what} is ${given}: give 1 to ${MAX_NAME_LENGTH} letters, digits, or any of . _ : @ -`)
}

/** Actors by the names that they have in the whole system. A name is its actor's until that is gone for good. */
export class Names {
  readonly #cells = new Map<string, Cell>()
  /** By the name that they wait for. */
  readonly #watchers = new Map<string, Set<() => void>>()
  /** Told of each name that is free again, and notes it. */
  released: (name: string) => void = () => undefined

  get(name: string): Cell | undefined {
    return this.#cells.get(name)
  }

  /** @throws Error when another has it */
  claim(name: string, cell: Cell): void {
    const other = this.#cells.get(name)
    if (other !== undefined)
      throw new ActorError(
        'NAME_TAKEN',
        `the name ${name} is that of ${other.path}: give another one, or wait until that is gone`,
      )
    this.#cells.set(name, cell)
    for (const claimed of this.#watchers.get(name) ?? []) claimed()
  }

  /** `claimed` is told whenever an actor is given the name, and notes it. */
  watch(name: string, claimed: () => void): Watch {
    const watchers = this.#watchers.get(name) ?? new Set()
    const entry = (): void => claimed()
    this.#watchers.set(name, watchers.add(entry))
    return {
      cancel: () => {
        if (watchers.delete(entry) && watchers.size === 0) this.#watchers.delete(name)
      },
    }
  }

  release(name: string): void {
    this.#cells.delete(name)
    this.released(name)
  }
}
