import { Cell } from '../cell.ts'
import type { EndReason } from '../end-reason.ts'
import { RULES } from '../settings.ts'
import { Supervision } from '../supervision.ts'

/** Who is told of the end of an actor that somebody else supervises, on the other side. */
export interface HostedListener {
  /** It is to end for good. */
  stopping(): void
  /** It has asked for the end of its life. */
  leaving(): void
  /** It wants to begin anew. */
  restarting(): void
  /** It has crashed, and is about to end. */
  failing(error: Error): void
  /** There is nothing of it any more. */
  ended(): void
}

/** Where an actor hangs that is supervised on the other side: it has one life here, under its path there. */
export class HostedRoot extends Supervision {
  readonly #path: string
  readonly #listener: HostedListener

  constructor(runtime: Cell['runtime'], path: string, listener: HostedListener) {
    super(runtime, null, RULES)
    this.#path = path
    this.#listener = listener
  }

  override get path(): string {
    return this.#path
  }

  override childEnded(cell: Cell): void {
    cell.bury()
  }

  /** Its next life begins on the other side. */
  override restartByHand(_cell: Cell, restarted: (failed: null) => void): void {
    this.#listener.restarting()
    restarted(null)
  }
}

/** An actor that is supervised on the other side. */
export class HostedCell extends Cell {
  readonly #listener: HostedListener

  constructor(listener: HostedListener, ...given: ConstructorParameters<typeof Cell>) {
    super(...given)
    this.#listener = listener
  }

  override stop(gone: () => void, byItself = false): void {
    this.#listener.stopping()
    super.stop(gone, byItself)
  }

  /** Whether another life follows is decided on the other side. */
  override leave(): void {
    this.#listener.leaving()
    super.stop(() => undefined, true)
  }

  /** The other side wants the end of this life. What the actor wants of itself meanwhile is news all the same. */
  stopAsAsked(): void {
    super.stop(() => undefined)
  }

  protected override endLife(reason: EndReason): void {
    if (reason.type === 'crashed') this.#listener.failing(reason.error)
    super.endLife(reason)
  }

  override bury(): void {
    super.bury()
    this.#listener.ended()
  }
}
