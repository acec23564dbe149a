import { WireError } from '../lib/index.ts'
import { ActorError } from './actor-error.ts'
import type { ActorContext } from './context.ts'
import type { EndReason } from './end-reason.ts'
import { Later } from './later.ts'
import { decodePlainData, encodePlainData, PlainDataError } from './plain-data/index.ts'
import type { Handlers } from './protocol.ts'

/** A body on its way out of this thread, as it was when it was sent. */
export class Parcel {
  /** The bytes of plain data. */
  readonly body: Uint8Array
  /** Somebody waits for what the handler returns. */
  readonly wantsAnswer: boolean

  /** `message` is for the error. @throws ActorError UNSENDABLE */
  constructor(body: unknown, wantsAnswer: boolean, message?: string) {
    this.body = pack(body, message === undefined ? 'body' : `${message}: body`)
    this.wantsAnswer = wantsAnswer
  }
}

/** The bytes of plain data, in memory of their own: what a thread is given is given whole. @throws ActorError UNSENDABLE */
export function pack(value: unknown, what: string, begun = false): Uint8Array<ArrayBuffer> {
  try {
    return encodePlainData(value, what).slice()
  } catch (error) {
    if (!(error instanceof PlainDataError)) throw error
    throw new ActorError('UNSENDABLE', error.message, { begun, cause: error })
  }
}

/**
 * A body that came from another node, as it came: what it becomes may take a hundred times its bytes, so that it is unpacked when it
 * is in hand, and what waits takes what it is counted for.
 */
export class Sealed {
  readonly #body: Uint8Array
  readonly #spoiled: (error: WireError) => void

  /** `spoiled` is told when it turns out to be no plain data. */
  constructor(body: Uint8Array, spoiled: (error: WireError) => void) {
    // A view would keep all that came with it.
    this.#body = body.slice()
    this.#spoiled = spoiled
  }

  /** @throws WireError when it is no plain data */
  open(): unknown {
    try {
      return decodePlainData(this.#body)
    } catch (error) {
      if (error instanceof WireError) this.#spoiled(error)
      throw error
    }
  }
}

/** The body of a message, in a parcel or not. */
export function contentOf(body: unknown): unknown {
  return body instanceof Parcel ? decodePlainData(body.body) : body
}

/** What such a cell is handed over, of a body that shares nothing with its sender. */
export function contentFor(cell: { readonly isElsewhere: boolean }, body: unknown, wantsAnswer: boolean): unknown {
  return cell.isElsewhere ? new Parcel(body, wantsAnswer) : body
}

/** In the place of an answer to what was on its way out of this thread, and was not begun there. */
export class Unbegun extends Later<unknown> {
  readonly message: string
  readonly body: Parcel

  constructor(message: string, body: Parcel, error: Error) {
    super()
    this.message = message
    this.body = body
    this.refuse(error)
  }
}

/** A definition whose handlers run elsewhere: who sends to such an actor hands over a {@link Parcel}. */
export abstract class Elsewhere {
  abstract start(context: ActorContext, argument: unknown): Promise<Handlers>
  abstract stop(handlers: Handlers, reason: EndReason): Promise<void>
}
