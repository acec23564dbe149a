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
import { ActorError } from './actor-error.ts'
import { Call, sayLate } from './call.ts'
import { CellContext } from './cell-context.ts'
import type { ActorDefinition, Restart, SpawnOptions } from './definition.ts'
import { contentOf, Elsewhere } from './elsewhere.ts'
import { crashed, KILLED, sayReason, STOPPED, toError } from './end-reason.ts'
import type { EndReason } from './end-reason.ts'
import { Handling } from './handling.ts'
import type { Offered } from './inbox.ts'
import { Life } from './life.ts'
import { link, lostLink } from './link.ts'
import type { Linked } from './link.ts'
import type { Handlers } from './protocol.ts'
import type { ActorRef } from './reference.ts'
import type { Runtime } from './runtime.ts'
import { readSettings, RULES } from './settings.ts'
import { isPromise, whenSettled } from './soon.ts'
import type { Supervision } from './supervision.ts'
import type { LifeEvent, Watch } from './target.ts'
import type { Ties } from './ties.ts'

export class Cell extends Handling {
  readonly supervisor: Supervision
  /** Its name among its siblings; a number, where none was given. */
  readonly key: string | number
  readonly #argument: unknown
  children: Supervision | null = null

  constructor(
    runtime: Runtime,
    supervisor: Supervision,
    key: string | number,
    definition: ActorDefinition<Handlers, unknown>,
    options: SpawnOptions<unknown>,
  ) {
    super(runtime, readSettings(definition, options))
    this.supervisor = supervisor
    this.key = key
    this.#argument = options.argument
  }

  override get path(): string {
    return `${this.supervisor.path}/${this.key}`
  }

  /** Its handlers run in a thread: what is sent to it is copied. */
  get isElsewhere(): boolean {
    return this.settings.definition instanceof Elsewhere
  }

  /** When the present life began; null without one. */
  get startedAt(): number | null {
    return this.life?.startedAt ?? null
  }

  get restart(): Restart {
    return this.settings.restart
  }

  /** How long the message waited that was timed last; null for an actor without a name. */
  get waitMs(): number | null {
    return this.ties?.meter?.waitMs ?? null
  }

  get restarts(): number {
    return this.ties?.restarts ?? 0
  }

  /** A child of a life. @throws ActorError DOWN when that is over, or ending */
  spawn<H extends Handlers, A>(life: Life, definition: ActorDefinition<H, A>, options: SpawnOptions<A>): ActorRef<H> {
    if (life.over || this.phase === 'ending') throw new ActorError('DOWN', `${this.path} has ended: it starts no more actors`)
    this.children ??= this.supervisor.below(this, this.settings.supervision ?? RULES)
    return this.children.spawn(definition, options)
  }

  // --- Its senders ---

  newCall(message: string, timeoutMs: number): Call {
    return new Call(this.runtime.deadlines, timeoutMs, (begun) => {
      return sayLate(`${message} to ${this.path}`, begun) + (begun ? '' : this.#sayIdle())
    })
  }

  /** Why it handles nothing at the moment, where that is to be said. */
  #sayIdle(): string {
    const lastEnd = this.ties?.lastEnd
    if (lastEnd === undefined || lastEnd === null) return this.phase === 'starting' ? ', since its start has not ended' : ''
    const now = this.phase === 'starting' ? 'it is starting again' : 'it has not been started again'
    return `, since ${now} after its last life: ${sayReason(lastEnd)}`
  }

  #sayGone(): string {
    const lastEnd = this.ties?.lastEnd
    return `it is gone${lastEnd === undefined || lastEnd === null || lastEnd.type === 'stopped' ? '' : ` (${sayReason(lastEnd)})`}`
  }

  override refusal(offered: Exclude<Offered, 'taken'>, message: string): ActorError {
    switch (offered) {
      case 'full':
        return new ActorError('OVERLOADED', `the mailbox of ${this.path} is full: ${message} was not taken${this.#sayIdle()}`)
      case 'down': {
        const why = this.isGone ? this.#sayGone() : (this.ties?.closed ?? 'it has ended')
        return new ActorError('DOWN', `${this.path} takes no messages, since ${why}: ${message} was not handled`)
      }
      default:
        return unreachable(offered)
    }
  }

  protected override dropped(message: string, body: unknown): void {
    try {
      const heard: unknown = this.settings.onDropped?.(message, contentOf(body))
      if (isPromise(heard))
        whenSettled(
          heard,
          () => undefined,
          (error) => this.#stopFailed(error),
        )
    } catch (error) {
      this.#stopFailed(error)
    }
  }

  // --- Lives ---

  /** Begins a life, in its turn. `started` is called when its start is over, one way or the other. */
  begin(started: (() => void) | null): void {
    assert(this.phase === 'new' || this.phase === 'down', 'an actor that lives is started')
    this.phase = 'new'
    if (this.ties !== null) this.ties.closed = null
    if (started !== null) this.tied().started = started
    this.wake()
  }

  protected override beginLife(): void {
    const life = new Life(Math.trunc(this.runtime.clock.now()))
    this.life = life
    this.phase = 'starting'
    if (this.ties !== null) this.#beginTied(life)
    const handlers = this.#start(life)
    if (handlers instanceof StartFailed) return this.endLife(handlers.reason)
    if (!isPromise(handlers)) return this.#live(life, handlers)
    whenSettled(
      handlers,
      (value) => {
        if (life.over || this.phase !== 'starting') return this.#startedLate(life, value)
        this.#live(life, value)
        this.goOn()
      },
      (error) => {
        if (!life.over && this.phase === 'starting') this.endLife(crashed(error))
      },
    )
  }

  #start(life: Life): Handlers | PromiseLike<Handlers> | StartFailed {
    this.handling = true
    try {
      return this.settings.definition.start(new CellContext(this, life), this.#argument)
    } catch (error) {
      return new StartFailed(crashed(error))
    } finally {
      this.handling = false
    }
  }

  #beginTied(life: Life): void {
    const ties = this.tied()
    if (ties.lastEnd !== null) {
      ties.restarts++
      if (ties.meter !== null) ties.meter.restarts++
    }
    const { linked } = ties
    ties.linked = null
    for (const other of linked ?? []) link(other, { cell: this, life })
  }

  #live(life: Life, handlers: Handlers): void {
    if (typeof handlers !== 'object' || handlers === null)
      return this.endLife(crashed(new TypeError('start returned no object with handlers')))
    life.handlers = handlers
    this.phase = 'running'
    this.runtime.report({ path: this.path, event: 'started' })
    if (this.ties !== null) this.#tellStarted()
    if (this.phase === 'running' && !this.isWanted) this.endLife(STOPPED)
  }

  #tellStarted(): void {
    const { ties } = this
    if (ties === null) return
    if (this.phase === 'running' && ties.lastEnd !== null) {
      ties.lastEnd = null
      ties.tell({ type: 'up' })
    }
    const { started } = ties
    ties.started = null
    started?.()
  }

  /** A failure from outside: of its children, say, more than may be. */
  crash(error: Error): void {
    if (this.phase === 'running' || this.phase === 'starting') this.endLife(crashed(error))
  }

  /** The same of this life, and in a turn of its own. */
  override crashSoon(life: Life, error: Error): void {
    const run = (): boolean => {
      if (!life.over) this.crash(error)
      return false
    }
    this.runtime.runQueue.add({ run })
  }

  /** First the children, then its own hook; when the deadline comes before, it is not waited for. */
  protected override endLife(reason: EndReason): void {
    const life = this.life as Life
    this.phase = 'ending'
    this.waiting = false
    if (reason.type !== 'stopped') life.failed(reason)
    if (!this.settings.keepsMessages) this.refuseWaiting()
    const { children } = this
    // Most end at once, and need no deadline.
    if (children === null) this.#runHook(life, reason)
    else children.stopAll(() => this.#runHook(life, reason))
    if (this.phase === 'ending') this.#armDeadline()
  }

  #armDeadline(): void {
    const kill = (): void => this.kill()
    this.tied().deadline ??= this.runtime.clock.setTimer(this.settings.shutdownMs, kill)
  }

  #runHook(life: Life, reason: EndReason): void {
    if (life.over) return
    const { handlers } = life
    if (handlers === null) this.#ended(life, reason)
    else this.#letGo(handlers, reason, () => this.#ended(life, reason))
  }

  /** `done` is called when they have let go of what they hold, one way or the other. */
  #letGo(handlers: Handlers, reason: EndReason, done: () => void): void {
    let ended: void | PromiseLike<void> = undefined
    try {
      ended = this.settings.definition.stop?.(handlers, reason)
    } catch (error) {
      this.#stopFailed(error)
    }
    if (!isPromise(ended)) return done()
    whenSettled(ended, done, (error) => {
      this.#stopFailed(error)
      done()
    })
  }

  /** Nobody else knows what they hold: the end of their life has them let go of it; if that is over, they do so beside whatever is now. */
  #startedLate(life: Life, handlers: Handlers): void {
    const { endedBy } = life
    if (typeof handlers !== 'object' || handlers === null) return
    if (endedBy === null) life.handlers = handlers
    else this.#letGo(handlers, endedBy, () => undefined)
  }

  #stopFailed(error: unknown): void {
    this.runtime.report({ path: this.path, event: 'stop-failed', error: toError(error) })
  }

  #ended(life: Life, reason: EndReason): void {
    if (life.over) return
    life.end(() => this.path, reason)
    this.#afterLife(reason, life.startedAt)
  }

  #afterLife(reason: EndReason, startedAt: number): void {
    // The turn that it was to have does nothing any more.
    if (this.hasTurns) this.queued = false
    this.life = null
    this.children = null
    this.waiting = false
    this.phase = 'down'
    const ties = this.tied()
    const { deadline, halted, lastEnd } = ties
    deadline?.cancel()
    ties.deadline = null
    ties.halted = null
    ties.leaves = false
    ties.lastEnd = reason
    this.#tellStarted()
    if (ties.leaving !== null) this.bury()
    if (halted !== null) halted()
    else if (this.phase === 'down') this.supervisor.childEnded(this, reason, startedAt)
    if (lastEnd === null && !this.isGone && ties.isWatched) ties.tell(downBy(reason, false))
  }

  // --- The end ---

  /** Whether it is to be no more, or is no more. */
  get isEnding(): boolean {
    return this.isGone || (this.ties !== null && this.ties.leaving !== null)
  }

  get isGone(): boolean {
    return this.phase === 'gone'
  }

  /**
   * Ends it in good order; `gone` is called when it is gone for good, or at once when it is this actor that asks: what it waits for cannot
   * be its own end. `byItself` says so where that cannot be seen.
   */
  stop(gone: () => void, byItself = false): void {
    if (this.isGone) return gone()
    const ties = this.tied()
    const isFirst = ties.leaving === null
    ties.leaving ??= []
    if (this.isAsking(byItself)) gone()
    else ties.leaving.push(gone)
    if (!isFirst) return
    if (this.life === null) this.bury()
    else this.#endSoon()
  }

  /** Ends its life, as it asks itself. One that is permanent gets another from its supervisor, unless somebody wants its end for good meanwhile. */
  leave(): void {
    if (this.restart !== 'permanent') return this.stop(() => undefined, true)
    if (this.phase === 'ending' || this.life === null) return
    this.tied().leaves = true
    this.#endSoon()
  }

  /** Whether it is this actor that asks something of itself, and is waited for meanwhile. */
  isAsking(byItself: boolean): boolean {
    return this.handling || (byItself && (this.waiting || this.phase === 'starting' || this.phase === 'ending'))
  }

  /** Ends its life in good order; `halted` is called when it has none, and it may begin another. */
  halt(halted: () => void): void {
    if (this.life === null) {
      if (this.phase === 'new') this.phase = 'down'
      this.#tellStarted()
      return halted()
    }
    const ties = this.tied()
    assert(ties.halted === null, 'an actor that is being halted is halted')
    ties.halted = halted
    this.#endSoon()
  }

  /** Now, or when what it waits for is done, or when it has waited too long. */
  #endSoon(): void {
    if (this.phase === 'running' && !this.waiting && !this.handling) this.endLife(STOPPED)
    else this.#armDeadline()
  }

  /** Ends it now: what it was doing is not waited for, and not heard. */
  kill(): void {
    const { life } = this
    if (life === null) return
    life.failed(KILLED)
    // First of all: nothing that ends with the children acts on it any more.
    life.end(() => this.path, KILLED)
    this.children?.killAll()
    this.runtime.report({ path: this.path, event: 'killed' })
    this.#afterLife(KILLED, life.startedAt)
  }

  /** No message is taken until it begins a life again, and those that wait are refused. */
  close(why: string): void {
    this.tied().closed = why
    this.refuseWaiting()
  }

  /** It has no life, and gets none any more. */
  bury(): void {
    this.phase = 'gone'
    const ties = this.tied()
    ties.closed = 'it is gone'
    this.refuseWaiting()
    this.supervisor.childGone(this)
    if (ties.registeredAs !== null) this.runtime.names.release(ties.registeredAs)
    if (ties.isWatched) ties.tell(downBy(ties.lastEnd ?? STOPPED, true))
    this.#breakLinks(ties)
    ties.forget()
    this.#tellStarted()
    const told = ties.leaving ?? []
    ties.leaving = null
    for (const gone of told) gone()
  }

  // --- Those who look after it ---

  /** Begins another life at once, whatever keeps it from that. `restarted` is told how that went. */
  restartByHand(restarted: (failed: ActorError | null) => void, byItself: boolean): void {
    if (!this.isAsking(byItself)) return this.supervisor.restartByHand(this, restarted)
    // It would be started for ever, and nobody would see it.
    if (this.phase === 'starting') this.crashSoon(this.life as Life, new Error('it asked to be restarted in its own start'))
    else this.supervisor.restartByHand(this, () => undefined)
    restarted(null)
  }

  /** Gives it a name in the whole system. @throws ActorError NAME_TAKEN */
  register(name: string): void {
    this.runtime.names.claim(name, this)
    const ties = this.tied()
    ties.registeredAs = name
    ties.meter = this.runtime.meters.meterOf(name)
  }

  /** Tells of each end of a life, and of each beginning after one. */
  watch(told: (event: LifeEvent) => void): Watch {
    if (this.isGone) {
      told({ type: 'down', reason: 'gone', words: `${this.path} is gone`, final: true })
      return { cancel: () => undefined }
    }
    const ties = this.tied()
    if (ties.lastEnd !== null) told(downBy(ties.lastEnd, false))
    return ties.watch(told)
  }

  /** Links a life of another to the present one, or to the next if there is none. @throws ActorError DOWN when there will be none */
  link(other: Linked): void {
    const { life, phase } = this
    if (this.isEnding)
      throw new ActorError('DOWN', `${this.path} is gone, or about to be: ${other.cell.path} cannot be linked to it`)
    if (life !== null && phase !== 'ending') return link(other, { cell: this, life })
    const ties = this.tied()
    const linked = (ties.linked ?? []).filter((one) => !one.life.over && one.life !== other.life)
    ties.linked = [...linked, other]
  }

  /** Nothing comes of the links to a next life: whoever wanted one fails, if this actor failed. */
  #breakLinks({ linked, lastEnd }: Ties): void {
    if (linked === null || lastEnd === null || lastEnd.type === 'stopped') return
    for (const { cell, life } of linked) cell.crashSoon(life, lostLink(this.path, lastEnd))
  }
}

class StartFailed {
  readonly reason: EndReason

  constructor(reason: EndReason) {
    this.reason = reason
  }
}

function downBy(reason: EndReason, final: boolean): LifeEvent {
  return { type: 'down', reason: reason.type, words: sayReason(reason), final }
}
