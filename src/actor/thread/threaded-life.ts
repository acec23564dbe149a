/**
 * A life whose handlers run in a thread. Its mailbox stays where its cell is: one message at a time is handed over, so that what
 * waits is neither lost with the thread nor more than may wait.
 *
 * Invariants: a message that was handed over is settled once, by what the thread says of it, or by the end of this life; once it has let go
 * of its thread, nothing from there acts on its cell.
 */
import { assert, unreachable } from '../../lib/index.ts'
import { Refusal } from '../actor-error.ts'
import type { Cell } from '../cell.ts'
import { Parcel, Unbegun } from '../elsewhere.ts'
import type { EndReason } from '../end-reason.ts'
import { errorFromData, errorToData } from '../error-data.ts'
import { Later } from '../later.ts'
import { decodePlainData } from '../plain-data/index.ts'
import type { Handlers } from '../protocol.ts'
import type { ActorThread, Lodger } from './actor-thread.ts'
import type { Lodging } from './lodging.ts'
import { OpenLaters } from './open-laters.ts'
import type { News, Order } from './thread-messages.ts'

export type StartFacts = Omit<Extract<Order, { type: 'start' }>, 'type' | 'life'>

interface Starting {
  readonly resolve: (handlers: Handlers) => void
  readonly reject: (error: Error) => void
}

interface InHand {
  readonly id: number
  readonly message: string
  readonly parcel: Parcel
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export class ThreadedLife implements Lodger {
  readonly #cell: Cell
  readonly #lodging: Lodging
  readonly #thread: ActorThread
  readonly #life: number
  #starting: Starting | null = null
  #inHand: InHand | null = null
  readonly #laters = new OpenLaters()
  #nextId = 1
  #hasFailed = false
  /** It has said that it ends by itself. */
  #endsItself = false
  /** There is nothing of it in the thread any more. */
  #isOverThere = false
  /** It has let go of its thread. */
  #hasLeft = false
  /** Told when it is over there; not null once it has been asked to end. */
  #ending: (() => void) | null = null

  /** @throws Error when there is no thread for it */
  constructor(cell: Cell, lodging: Lodging) {
    this.#cell = cell
    this.#lodging = lodging
    this.#thread = lodging.threadFor(cell.path)
    this.#life = this.#thread.enter(this)
  }

  /** Begins it; what handles its messages hands them over. */
  start(facts: StartFacts): Promise<Handlers> {
    this.#tell({ type: 'start', life: this.#life, ...facts })
    return new Promise((resolve, reject) => (this.#starting = { resolve, reject }))
  }

  #tell(order: Order): void {
    this.#thread.tell(order)
  }

  /** Whatever the name of the message: which there are is known in the thread. */
  #handlers(): Handlers {
    const named = (_: object, name: string | symbol): unknown =>
      // Names without a letter are the runtime's. What has a `then` is taken for a promise.
      typeof name !== 'string' || name === '' || name === 'then' ? undefined : (body: unknown) => this.#handOver(name, body)
    return new Proxy({}, { get: named })
  }

  #handOver(message: string, body: unknown): Promise<unknown> | Later<unknown> {
    assert(this.#inHand === null, 'a message is handed over before the one before it is done')
    let parcel: Parcel
    try {
      // Whoever has sent it without one did so past the reference.
      parcel = body instanceof Parcel ? body : new Parcel(body, true, message)
    } catch (error) {
      return refused(error as Error)
    }
    const id = this.#nextId++
    const { body: bytes, wantsAnswer } = parcel
    this.#tell({ type: 'message', life: this.#life, id, message, body: bytes, wantsAnswer })
    return new Promise((resolve, reject) => (this.#inHand = { id, message, parcel, resolve, reject }))
  }

  // --- What the thread says ---

  heard(news: News): void {
    switch (news.type) {
      case 'started':
        this.#starting?.resolve(this.#handlers())
        this.#starting = null
        return
      case 'answered':
        return this.#answered(news.id, decodePlainData(news.value))
      case 'refused':
        return this.#refused(news.id, errorFromData(news.error), news.begun)
      case 'later':
        return this.#later(news.id)
      case 'failed':
        return this.#fail(errorFromData(news.error))
      case 'stopping':
        this.#endsItself = true
        return this.#cell.stop(() => undefined)
      case 'leaving':
        this.#endsItself = true
        return this.#cell.leave()
      case 'restarting':
        return this.#cell.restartByHand(() => undefined, true)
      case 'ended':
        return this.#ended()
      case 'event':
        return this.#cell.runtime.report(eventOf(news))
      default:
        return unreachable(news)
    }
  }

  /** The message in hand is done with, if it is this one. */
  #takeInHand(id: number): InHand | null {
    const inHand = this.#inHand
    if (inHand?.id !== id) return null
    this.#inHand = null
    return inHand
  }

  #answered(id: number, value: unknown): void {
    const inHand = this.#takeInHand(id)
    if (inHand === null) this.#laters.take(id)?.answer(value)
    else inHand.resolve(value)
  }

  #refused(id: number, error: Error, begun: boolean): void {
    const inHand = this.#takeInHand(id)
    if (inHand === null) return this.#laters.take(id)?.refuse(error)
    if (!begun) return inHand.resolve(new Unbegun(inHand.message, inHand.parcel, error))
    // Other errors that are rejected with are crashes.
    if (Refusal.is(error)) return inHand.reject(error)
    inHand.resolve(refused(error))
  }

  #later(id: number): void {
    const inHand = this.#takeInHand(id)
    if (inHand === null) return
    const later = new Later()
    if (inHand.parcel.wantsAnswer) this.#laters.keep(id, later)
    inHand.resolve(later)
  }

  #ended(): void {
    this.#isOverThere = true
    const inHand = this.#inHand
    if (this.#ending !== null) this.#ending()
    else if (this.#endsItself && inHand !== null) {
      // It ends in good order with nothing in hand: this one was on its way.
      this.#inHand = null
      const { message, parcel } = inHand
      inHand.resolve(new Unbegun(message, parcel, this.#cell.refusal('down', message)))
    } else if (this.#starting !== null || inHand !== null) this.#fail(new Error('it ended in its thread, unasked'))
  }

  lost(error: Error): void {
    this.#isOverThere = true
    if (this.#ending === null) this.#fail(error)
    else this.#ending()
  }

  /** A crash of this life, unless it is ending already. */
  #fail(error: Error): void {
    if (this.#hasFailed || this.#ending !== null) return
    this.#hasFailed = true
    const failing = this.#starting ?? this.#inHand
    if (failing === null) this.#cell.crash(error)
    else failing.reject(error)
  }

  // --- The end ---

  /** Ends it in good order. Resolves when nothing is left of it. */
  end(reason: EndReason): Promise<void> {
    return new Promise((resolve) => {
      this.#ending = () => this.#leave(resolve)
      if (this.#isOverThere) this.#ending()
      else this.#tell({ type: 'stop', life: this.#life, error: reason.type === 'crashed' ? errorToData(reason.error) : null })
    })
  }

  stop(gone: () => void): void {
    this.#cell.stop(gone)
  }

  /** Its cell has no more to do with it. */
  cancel(): void {
    if (this.#hasLeft) return
    if (!this.#isOverThere) this.#tell({ type: 'kill', life: this.#life })
    this.#leave(() => undefined)
  }

  #leave(left: () => void): void {
    this.#hasLeft = true
    this.#thread.leave(this.#life)
    this.#lodging.left(this.#thread, left)
  }
}

/** An answer that is none, and no crash. */
function refused(error: Error): Later<unknown> {
  const later = new Later<unknown>()
  later.refuse(error)
  return later
}

type EventNews = Extract<News, { type: 'event' }>
type ReportedEvent = Parameters<Cell['runtime']['report']>[0]

function eventOf({ path, event, error, pauseMs }: EventNews): ReportedEvent {
  return {
    path,
    event: event as ReportedEvent['event'],
    ...(error === null ? {} : { error: errorFromData(error) }),
    ...(pauseMs === null ? {} : { pauseMs }),
  }
}
