/**
 * One actor, over all its lives: its mailbox, and which of them there is at the moment.
 *
 *   new       waits for its turn to begin a life        running   handles messages, one at a time
 *   starting  its start has not ended yet               ending    nothing is handled any more: first its children end, then its own hook
 *   down      no life: its supervisor decides           gone      for good
 *
 * Invariants: at most one message is in hand, or one start, or one end; nothing that a former life left behind, a timer or a promise,
 * acts on a later one; whoever waits for an answer is settled once. Messages in the mailbox survive a failure, the one in hand does not.
 */
import { assert, unreachable } from '../lib/index.ts'
import type { Timer } from '../ports/index.ts'
import { ActorError, Refusal } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Call } from './call.ts'
import { CellContext } from './cell-context.ts'
import type { ActorDefinition, Restart, SpawnOptions } from './definition.ts'
import { crashed, KILLED, sayReason, STOPPED } from './end-reason.ts'
import type { EndReason } from './end-reason.ts'
import { Envelope, Inside } from './envelope.ts'
import { Inbox } from './inbox.ts'
import type { Offered } from './inbox.ts'
import { Later } from './later.ts'
import { Life } from './life.ts'
import type { Turns } from './life.ts'
import type { Handlers } from './protocol.ts'
import type { ActorRef } from './reference.ts'
import type { Runnable } from './run-queue.ts'
import type { Runtime } from './runtime.ts'
import type { ActorSnapshot } from './snapshot.ts'
import { isPromise } from './soon.ts'
import type { Supervision } from './supervision.ts'
import type { LifeEvent, Watch } from './target.ts'
import { Ties } from './ties.ts'

const DEFAULT_SHUTDOWN_MS = 5_000
/** Messages that an actor handles before others have their turn. */
const MESSAGES_A_VISIT = 16

type Phase = ActorSnapshot['phase']

export class Cell extends Inbox implements Runnable {
  readonly supervisor: Supervision
  /** Among its siblings. */
  readonly name: string
  readonly #definition: ActorDefinition<Handlers, unknown>
  readonly #options: SpawnOptions<unknown>
  #phase: Phase = 'new'
  #life: Life | null = null
  #children: Supervision | null = null
  #ties: Ties | null = null
  /** How its last life ended; null while it lives, or has not lived yet. */
  #lastEnd: EndReason | null = null
  /** It is in the run queue, or will put itself there. */
  #queued = false
  /** A handler's promise is waited for. */
  #waiting = false
  /** A handler runs at this moment. */
  #handling = false
  /** Its life is to end, and another may follow. */
  #halted: (() => void) | null = null
  /** It is to end for good: those who want to know when it has. */
  #leaving: (() => void)[] | null = null
  /** Why no message is taken while it is down. */
  #closed: string | null = null
  #deadline: Timer | null = null
  /** Told once when the life that is being started has started, or failed to. */
  #started: (() => void) | null = null

  constructor(
    runtime: Runtime,
    supervisor: Supervision,
    name: string,
    definition: ActorDefinition<Handlers, unknown>,
    options: SpawnOptions<unknown>,
  ) {
    super(runtime, options)
    this.supervisor = supervisor
    this.name = name
    this.#definition = definition
    this.#options = options
  }

  get path(): string {
    return `${this.supervisor.path}/${this.name}`
  }

  get phase(): Phase {
    return this.#phase
  }

  get restart(): Restart {
    return this.#options.restart ?? 'permanent'
  }

  /** When the present life began; null without one. */
  get startedAt(): number | null {
    return this.#life?.startedAt ?? null
  }

  get children(): Supervision | null {
    return this.#children
  }

  /** A child of a life. @throws ActorError DOWN when that is over, or ending */
  spawn<H extends Handlers, A>(life: Life, definition: ActorDefinition<H, A>, options: SpawnOptions<A>): ActorRef<H> {
    if (life.over || this.#phase === 'ending') throw new ActorError('DOWN', `${this.path} has ended: it starts no more actors`)
    this.#children ??= this.supervisor.below(this, this.#options.supervision)
    return this.#children.spawn(definition, options)
  }

  // --- Messages ---

  protected override get isClosed(): boolean {
    return this.#leaving !== null || this.#closed !== null || this.#phase === 'gone'
  }

  newCall(message: string, timeoutMs: number): Call {
    return new Call(this.runtime.deadlines, timeoutMs, () => `${message} to ${this.path}`)
  }

  override refusal(offered: Exclude<Offered, 'taken'>, message: string): ActorError {
    switch (offered) {
      case 'full':
        return new ActorError('OVERLOADED', `the mailbox of ${this.path} is full: ${message} was not taken`)
      case 'down':
        return new ActorError(
          'DOWN',
          `${this.path} takes no messages, since ${this.#closed ?? (this.#phase === 'gone' ? 'it is gone' : 'it has ended')}: ${message} was not handled`,
        )
      default:
        return unreachable(offered)
    }
  }

  protected override wake(): void {
    if (this.#queued || this.#waiting || this.#handling || (this.#phase !== 'running' && this.#phase !== 'new')) return
    this.#queued = true
    const life = this.#life
    if (life === null || life.turns === null) this.runtime.runQueue.add(this)
    else this.#handleIn(life, life.turns)
  }

  /** Those that come while the others are handled wait for the next turn. */
  #handleIn(life: Life, turns: Turns): void {
    turns(() => {
      if (life.over) return
      for (let left = this.depth; left > 0; left -= MESSAGES_A_VISIT) if (!this.run()) return
      if (this.#queued && !life.over) this.#handleIn(life, turns)
    })
  }

  run(): boolean {
    this.#queued = false
    if (this.#phase === 'new') {
      this.#begin()
      if (this.#hasTurns) return this.#wakeInTurns()
    }
    this.#handling = true
    for (let handled = 0; handled < MESSAGES_A_VISIT && this.#mayHandle; handled++) this.#handle(this.take())
    this.#handling = false
    if (this.#phase === 'running' && !this.#waiting && !this.#isWanted) this.#endLife(STOPPED)
    this.#queued = this.#mayHandle || this.#phase === 'new'
    return this.#queued
  }

  get #hasTurns(): boolean {
    return this.#life !== null && this.#life.turns !== null
  }

  /** It has begun in the turns that all actors share, and goes on in its own. */
  #wakeInTurns(): false {
    if (!this.isEmpty) this.wake()
    return false
  }

  get #mayHandle(): boolean {
    return this.#phase === 'running' && !this.#waiting && !this.isEmpty && this.#isWanted
  }

  #handle({ message, body, call }: Envelope): void {
    if (call !== null && !call.begin()) return
    const life = this.#life as Life
    const handlers = life.handlers as Record<string, unknown>
    let answer: unknown
    try {
      const handler = handlers[message]
      if (typeof handler !== 'function' || message in Object.prototype) return this.#handleNone(message, body, call)
      answer = handler.call(handlers, body) as unknown
    } catch (error) {
      return this.#threw(error, call)
    }
    if (typeof answer === 'object' && answer !== null) {
      if (answer instanceof Later) return this.#keep(life, answer, call)
      if (isPromise(answer)) return this.#await(life, answer, call)
    }
    if (call !== null) call.answer(answer)
  }

  #handleNone(message: string, body: unknown, call: Asker | null): void {
    if (body instanceof Inside) return this.#runInside(body)
    const { path } = this
    this.runtime.report({ path, event: 'unknown-message' })
    call?.refuse(new ActorError('UNKNOWN_MESSAGE', `${path} handles no message called ${JSON.stringify(message)}`))
  }

  #threw(error: unknown, call: Asker | null): void {
    if (error instanceof Refusal) return this.#refuse(error, call)
    const reason = crashed(error)
    call?.refuse(
      new ActorError('CRASHED', `${this.path} failed with the message in hand: ${sayReason(reason)}`, {
        begun: true,
        cause: error,
      }),
    )
    if (this.#phase === 'running') this.#endLife(reason)
  }

  #refuse(refusal: Refusal, call: Asker | null): void {
    // Whoever cast it hears nothing.
    if (call === null) this.runtime.report({ path: this.path, event: 'refused', error: refusal })
    else call.refuse(refusal)
  }

  #keep(life: Life, answer: Later<unknown>, call: Asker | null): void {
    if (call === null) return
    life.keepCall(call)
    answer.attach(call)
  }

  #await(life: Life, answer: PromiseLike<unknown>, call: Asker | null): void {
    this.#waiting = true
    if (call !== null) life.keepCall(call)
    // Of a library, it may call back twice, or throw.
    Promise.resolve(answer).then(
      (value) => {
        if (life.over) return
        this.#waiting = false
        call?.answer(value)
        this.#goOn()
      },
      (error: unknown) => {
        if (life.over) return
        this.#waiting = false
        this.#threw(error, call)
        if (!life.over) this.#goOn()
      },
    )
  }

  /** What was waited for is done. */
  #goOn(): void {
    if (this.#phase !== 'running') return
    if (this.#isWanted) this.wake()
    else this.#endLife(STOPPED)
  }

  /** Whether nobody has asked for its end. */
  get #isWanted(): boolean {
    return this.#leaving === null && this.#halted === null
  }

  /** Runs something of a life between two messages, however many wait: an error of it is a crash. */
  runInside(life: Life, run: () => unknown): void {
    if (!life.over) this.put(new Envelope('', new Inside(life, run), null))
  }

  #runInside({ life, run }: Inside): void {
    if (life.over) return
    let ran: unknown
    try {
      ran = run()
    } catch (error) {
      return this.#threw(error, null)
    }
    if (isPromise(ran)) this.#await(life, ran, null)
  }

  // --- Lives ---

  /** Begins a life, in its turn. `started` is called when its start is over, one way or the other. */
  begin(started: (() => void) | null): void {
    assert(this.#phase === 'new' || this.#phase === 'down', 'an actor that lives is started')
    this.#phase = 'new'
    this.#closed = null
    this.#started = started
    this.wake()
  }

  #begin(): void {
    const { clock } = this.runtime
    const life = new Life(clock.now())
    this.#life = life
    this.#phase = 'starting'
    let handlers: Handlers | PromiseLike<Handlers>
    try {
      handlers = this.#definition.start(new CellContext(this, life), this.#options.argument)
    } catch (error) {
      return this.#startFailed(error)
    }
    if (!isPromise(handlers)) return this.#live(life, handlers)
    // Not behind another promise: some of them call back at once.
    handlers.then(
      (value) => {
        if (life.over || this.#phase !== 'starting') return
        this.#live(life, value)
        this.#goOn()
      },
      (error: unknown) => {
        if (!life.over && this.#phase === 'starting') this.#startFailed(error)
      },
    )
  }

  #live(life: Life, handlers: Handlers): void {
    if (typeof handlers !== 'object' || handlers === null)
      return this.#startFailed(new TypeError('start returned no object with handlers'))
    life.handlers = handlers
    this.#phase = 'running'
    if (this.#lastEnd !== null) {
      this.#lastEnd = null
      this.#ties?.tell({ type: 'up' })
    }
    this.runtime.report({ path: this.path, event: 'started' })
    this.#tellStarted()
    if (this.#phase === 'running' && !this.#isWanted) this.#endLife(STOPPED)
  }

  #startFailed(error: unknown): void {
    this.#endLife(crashed(error))
  }

  #tellStarted(): void {
    const started = this.#started
    this.#started = null
    started?.()
  }

  /** A failure from outside: of its children, say, more than may be. */
  crash(error: Error): void {
    if (this.#phase === 'running' || this.#phase === 'starting') this.#endLife(crashed(error))
  }

  /** First the children, then its own hook; when the deadline comes before, it is not waited for. */
  #endLife(reason: EndReason): void {
    const life = this.#life as Life
    this.#phase = 'ending'
    this.#waiting = false
    if (this.#options.keepsMessages === false) this.refuseWaiting()
    this.#deadline ??= this.#armDeadline()
    const { children } = this
    if (children === null) this.#runHook(life, reason)
    else children.stopAll(() => this.#runHook(life, reason))
  }

  #armDeadline(): Timer {
    return this.runtime.clock.setTimer(this.#options.shutdownMs ?? DEFAULT_SHUTDOWN_MS, () => this.kill())
  }

  #runHook(life: Life, reason: EndReason): void {
    if (life.over) return
    const { handlers } = life
    let ended: void | PromiseLike<void> = undefined
    try {
      if (handlers !== null) ended = this.#definition.stop?.(handlers, reason)
    } catch (error) {
      this.#stopFailed(error)
    }
    if (!isPromise(ended)) return this.#ended(life, reason)
    ended.then(
      () => this.#ended(life, reason),
      (error: unknown) => {
        this.#stopFailed(error)
        this.#ended(life, reason)
      },
    )
  }

  #stopFailed(error: unknown): void {
    this.runtime.report({ path: this.path, event: 'stop-failed', error: crashed(error).error })
  }

  #ended(life: Life, reason: EndReason): void {
    if (life.over) return
    life.end(this.path, sayReason(reason))
    this.#afterLife(reason, life.startedAt)
  }

  #afterLife(reason: EndReason, startedAt: number): void {
    this.#deadline?.cancel()
    this.#deadline = null
    // The turn that it was to have does nothing any more.
    if (this.#hasTurns) this.#queued = false
    this.#life = null
    this.#children = null
    this.#waiting = false
    this.#phase = 'down'
    const wasUp = this.#lastEnd === null
    this.#lastEnd = reason
    this.#tellStarted()
    const halted = this.#halted
    this.#halted = null
    if (this.#leaving !== null) this.bury()
    if (halted !== null) halted()
    else if (this.#phase === 'down') this.supervisor.childEnded(this, reason, startedAt)
    if (wasUp && this.phase !== 'gone') this.#ties?.tell(downBy(reason, false))
  }

  // --- The end ---

  /** Ends it in good order; `gone` is called when it is gone for good. */
  stop(gone: () => void): void {
    if (this.#phase === 'gone') return gone()
    const isFirst = this.#leaving === null
    this.#leaving ??= []
    this.#leaving.push(gone)
    if (!isFirst) return
    if (this.#life === null) this.bury()
    else this.#endSoon()
  }

  /** Ends its life in good order; `halted` is called when it has none, and it may begin another. */
  halt(halted: () => void): void {
    if (this.#life === null) {
      if (this.#phase === 'new') this.#phase = 'down'
      this.#tellStarted()
      return halted()
    }
    assert(this.#halted === null, 'an actor that is being halted is halted')
    this.#halted = halted
    this.#endSoon()
  }

  /** Now, or when what it waits for is done, or when it has waited too long. */
  #endSoon(): void {
    if (this.#phase === 'running' && !this.#waiting && !this.#handling) this.#endLife(STOPPED)
    else this.#deadline ??= this.#armDeadline()
  }

  /** Ends it now: what it was doing is not waited for, and not heard. */
  kill(): void {
    const life = this.#life
    if (life === null) return
    // First of all: nothing that ends with the children acts on it any more.
    life.end(this.path, sayReason(KILLED))
    this.#children?.killAll()
    this.runtime.report({ path: this.path, event: 'killed' })
    this.#afterLife(KILLED, life.startedAt)
  }

  /** No message is taken until it begins a life again, and those that wait are refused. */
  close(why: string): void {
    this.#closed = why
    this.refuseWaiting()
  }

  /** It has no life, and gets none any more. */
  bury(): void {
    this.#phase = 'gone'
    this.refuseWaiting()
    this.supervisor.childGone(this)
    this.#untie()
    const told = this.#leaving ?? []
    this.#leaving = null
    for (const gone of told) gone()
  }

  protected override dropped(message: string, body: unknown): void {
    try {
      this.#options.onDropped?.(message, body)
    } catch (error) {
      this.runtime.report({ path: this.path, event: 'stop-failed', error: crashed(error).error })
    }
  }

  // --- What others have to do with it ---

  #tied(): Ties {
    return (this.#ties ??= new Ties())
  }

  /** Gives it a name in the whole system. @throws Error when another has it */
  register(name: string): void {
    this.runtime.names.claim(name, this)
    this.#tied().registeredAs = name
  }

  /** Tells of each end of a life, and of each beginning after one. */
  watch(told: (event: LifeEvent) => void): Watch {
    const { path } = this
    if (this.#phase === 'gone') {
      told({ type: 'down', reason: 'gone', words: `${path} is gone`, final: true })
      return { cancel: () => undefined }
    }
    if (this.#lastEnd !== null) told(downBy(this.#lastEnd, false))
    return this.#tied().watch(told)
  }

  #untie(): void {
    const ties = this.#ties
    if (ties === null) return
    if (ties.registeredAs !== null) this.runtime.names.release(ties.registeredAs)
    ties.tell(downBy(this.#lastEnd ?? STOPPED, true))
    this.#ties = null
  }
}

function downBy(reason: EndReason, final: boolean): LifeEvent {
  return { type: 'down', reason: reason.type, words: sayReason(reason), final }
}
