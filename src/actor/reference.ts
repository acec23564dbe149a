import { MAX_TIMER_MS } from '../limits.ts'
import type { Cell } from './cell.ts'
import { Parcel } from './elsewhere.ts'
import type {
  AnswerOf,
  BodyOf,
  CallArguments,
  CallOptions,
  Handlers,
  MessageOf,
  SendArguments,
  SendOptions,
  handles,
} from './protocol.ts'
import { Restarting } from './restarting.ts'
import { checkKeys, checkObject, say } from './settings.ts'
import { watchLives } from './target.ts'
import type { LifeEvent, Target, Watch } from './target.ts'

/** Until a call has to be answered, or a message be taken, where its sender says nothing else: what gen_server of OTP takes. */
const DEFAULT_TIMEOUT_MS = 5_000

const OPTIONS: ReadonlySet<string> = new Set(['timeoutMs'] satisfies (keyof (CallOptions & SendOptions))[])

/** What messages are sent by, to an actor of this node or of another. */
export type Messenger<H extends Handlers> = Omit<ActorRef<H>, 'stop' | 'restart'>

/**
 * An actor, to others. It stays the same over restarts, and is never handed to another actor: once the actor is gone for good, every
 * message is refused.
 */
export interface ActorRef<H extends Handlers> extends Target {
  readonly [handles]?: H
  /** Hands a message over; false when the mailbox is full or the actor is gone, and it was not taken. Never waits. */
  trySend<K extends MessageOf<H>>(message: K, ...body: BodyOf<H, K>): boolean
  /** The same, for those who do not expect to be refused. @throws ActorError OVERLOADED, DOWN: it was not taken */
  cast<K extends MessageOf<H>>(message: K, ...body: BodyOf<H, K>): void
  /**
   * Hands a message over as soon as there is room for it, those who came first before. Resolves when it was taken: then it will be handled,
   * unless the actor ends before. Rejects with an ActorError: OVERLOADED when there was no room in time, DOWN; it was not taken.
   * A sender that waits for each goes as fast as the receiver does.
   */
  send<K extends MessageOf<H>>(message: K, ...given: SendArguments<H, K>): Promise<void>
  /** Waits for the answer. @throws ActorError whatever it was that kept the answer; what the handler refused with */
  call<K extends MessageOf<H>>(message: K, ...given: CallArguments<H, K>): Promise<AnswerOf<H, K>>
  /** Ends it in good order, and its children before it. Resolves when it is gone; where it is the actor itself that asks, at once. */
  stop(): Promise<void>
  /**
   * Ends its life in good order, with those that are restarted with it, and begins the next one without a pause: also out of one, and out of an
   * open circuit, which is half-open then. A life that does not end, or whose start does not, is killed after `shutdownMs`. Resolves when the next one
   * has started; where it is the actor itself that asks, at once. Asking for it in its own start is a failure of that. Rejects with an ActorError: DOWN
   * when it is gone for good, CRASHED when its start failed, DEADLINE_EXCEEDED when it has not started in `timeoutMs`, which are 5 s more than
   * `shutdownMs` when absent (the restart goes on), OVERLOADED when too many wait for the same.
   */
  restart(options?: CallOptions): Promise<void>
}

/** Without the types of the messages: what they say holds of the handlers that were given to `spawn`. */
class UntypedRef {
  readonly #cell: Cell

  constructor(cell: Cell) {
    this.#cell = cell
  }

  get path(): string {
    return this.#cell.path
  }

  trySend(message: string, body?: unknown): boolean {
    checkMessage(message)
    return this.#cell.offer(message, body, null) === 'taken'
  }

  cast(message: string, body?: unknown): void {
    checkMessage(message)
    const offered = this.#cell.offer(message, body, null)
    if (offered !== 'taken') throw this.#cell.refusal(offered, message)
  }

  send(message: string, body?: unknown, options?: SendOptions): Promise<void> {
    checkMessage(message)
    return this.#cell.send(message, body, timeoutOf(options))
  }

  call(message: string, body?: unknown, options?: CallOptions): Promise<unknown> {
    checkMessage(message)
    const timeoutMs = timeoutOf(options)
    const call = this.#cell.newCall(message, timeoutMs)
    const offered = this.#cell.offer(message, body, call)
    if (offered !== 'taken') call.refuseAtOnce(this.#cell.refusal(offered, message))
    return call.promise
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#cell.stop(resolve, this.isOwn))
  }

  restart(options?: CallOptions): Promise<void> {
    const cell = this.#cell
    const patienceMs = Math.min(MAX_TIMER_MS, cell.settings.shutdownMs + DEFAULT_TIMEOUT_MS)
    const restarting = new Restarting(cell, cell.runtime.deadlines, timeoutOf(options, patienceMs, 'the options of a restart'))
    cell.restartByHand(restarting.told, this.isOwn)
    return restarting.promise
  }

  /** Whether it is the actor that has it of itself. */
  protected get isOwn(): boolean {
    return false
  }

  static cellOf(ref: unknown): Cell | null {
    return typeof ref === 'object' && ref !== null && #cell in ref ? ref.#cell : null
  }

  [watchLives](told: (event: LifeEvent) => void): Watch {
    return this.#cell.watch(told)
  }
}

/** To an actor in a thread: what is sent is copied when it is sent, and refused when it cannot be. */
class CopyingRef extends UntypedRef {
  override trySend(message: string, body?: unknown): boolean {
    return super.trySend(message, new Parcel(body, false, message))
  }

  override cast(message: string, body?: unknown): void {
    super.cast(message, new Parcel(body, false, message))
  }

  // Whatever is wrong with what is given is heard where the answer is.

  override async send(message: string, body?: unknown, options?: SendOptions): Promise<void> {
    return super.send(message, new Parcel(body, false, message), options)
  }

  override async call(message: string, body?: unknown, options?: CallOptions): Promise<unknown> {
    return super.call(message, new Parcel(body, true, message), options)
  }
}

/** Of a program without types: another thing would fail in the receiver. */
function checkMessage(message: unknown): void {
  if (typeof message !== 'string') throw new TypeError(`a message is called ${say(message)}: give the name of a method`)
}

export function timeoutOf(
  options: CallOptions | undefined,
  standardMs: number = DEFAULT_TIMEOUT_MS,
  what = 'the options of a message',
): number {
  if (options === undefined) return standardMs
  checkObject(options, what)
  checkKeys(options, OPTIONS, what)
  const { timeoutMs = standardMs } = options
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS) return timeoutMs
  throw new RangeError(`timeoutMs is ${say(timeoutMs)}: give milliseconds, more than 0 and at most ${MAX_TIMER_MS}`)
}

/**
 * What an actor has of itself. Its handler may wait for the end of what it asks for by it, which would wait for the handler: so it is not
 * waited for while it has something in hand, whoever asks.
 */
class OwnRef extends UntypedRef {
  protected override get isOwn(): boolean {
    return true
  }
}

/** For the runtime: a reference to the actor whose handlers are of this type. */
export function refTo<H extends Handlers>(cell: Cell): ActorRef<H> {
  return (cell.isElsewhere ? new CopyingRef(cell) : new UntypedRef(cell)) as unknown as ActorRef<H>
}

/** The same, for the actor itself. */
export function ownRefTo<H extends Handlers>(cell: Cell): ActorRef<H> {
  return new OwnRef(cell) as unknown as ActorRef<H>
}

/** The actor that a reference is of; null: it is none of this thread. */
export function cellOf(ref: unknown): Cell | null {
  return UntypedRef.cellOf(ref)
}

/** For tests: ends the present life of an actor as an error in it would, also while it has a message in hand. @throws TypeError */
export function crashFromOutside(ref: unknown, error: Error): void {
  const cell = cellOf(ref)
  if (cell === null) throw new TypeError(`${say(ref)} is to crash: give a reference to an actor of this system`)
  cell.crash(error)
}
