import type { LifeEvent, Watch } from '../target.ts'
import type { Ended } from './statements.ts'

type Down = Extract<LifeEvent, { type: 'down' }>

/** Where a watched actor is said to live: asked to tell of it, and not to any more. */
export interface WatchedNode {
  /** False when it cannot be asked now. */
  watch(name: string, isOn: boolean): boolean
}

/** One named actor of another node, and all on this node that watch its lives. */
class RemoteWatch {
  readonly told = new Set<(event: LifeEvent) => void>()
  /** Null while it lives, or nothing is known yet. */
  down: Down | null = null
  /** Whether its node was asked, and has not been lost since. */
  isAsked = false

  tell(event: LifeEvent): void {
    const wasDown = this.down !== null
    this.down = event.type === 'down' ? event : null
    // Down and up in turns, whatever the peer says.
    if (wasDown === (event.type === 'down')) return
    for (const told of this.told) told(event)
  }
}

/**
 * Who on this node watches the named actors of one other node. While there is no talk with it they are unreachable; when there is, the node
 * is asked once for each of them.
 */
export class RemoteWatches {
  readonly #byName = new Map<string, RemoteWatch>()
  #node: WatchedNode | null = null
  /** Why there is none. */
  #silence: string

  constructor(silence: string) {
    this.#silence = silence
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0
  }

  add(name: string, told: (event: LifeEvent) => void): Watch {
    let watch = this.#byName.get(name)
    if (watch === undefined) {
      watch = new RemoteWatch()
      this.#byName.set(name, watch)
      this.#ask(name, watch)
    }
    const entry = (event: LifeEvent): void => told(event)
    watch.told.add(entry)
    if (watch.down !== null) told(watch.down)
    return { cancel: () => this.#cancel(name, watch, entry) }
  }

  #cancel(name: string, watch: RemoteWatch, entry: (event: LifeEvent) => void): void {
    if (!watch.told.delete(entry) || watch.told.size > 0) return
    this.#byName.delete(name)
    if (watch.isAsked) this.#node?.watch(name, false)
  }

  /** A talk with the node has begun. */
  reached(node: WatchedNode): void {
    this.#node = node
    for (const [name, watch] of this.#byName) this.#ask(name, watch)
  }

  #ask(name: string, watch: RemoteWatch): void {
    if (this.#node === null) return watch.tell(unreachable(this.#silence))
    watch.isAsked = this.#node.watch(name, true)
    if (!watch.isAsked) watch.tell(unreachable('too many actors of its node are written to, or watched'))
  }

  lost(words: string): void {
    this.#node = null
    this.#silence = words
    for (const watch of this.#byName.values()) {
      watch.isAsked = false
      watch.tell(unreachable(words))
    }
  }

  lives(name: string, down: Ended | null): void {
    this.#byName.get(name)?.tell(down === null ? { type: 'up' } : { type: 'down', ...down, final: false })
  }
}

function unreachable(words: string): Down {
  return { type: 'down', reason: 'unreachable', words, final: false }
}
