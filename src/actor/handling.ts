import { ActorError, Refusal } from './actor-error.ts'
import type { Asker } from './asker.ts'
import { Sealed, Unbegun } from './elsewhere.ts'
import { crashed, sayReason, STOPPED, toError } from './end-reason.ts'
import type { EndReason } from './end-reason.ts'
import { Envelope, Inside } from './envelope.ts'
import { Inbox } from './inbox.ts'
import { Later } from './later.ts'
import type { Life, Turns } from './life.ts'
import type { Runnable } from './run-queue.ts'
import type { Faults } from './runtime.ts'
import type { ActorSnapshot } from './snapshot.ts'
import { isObject, isPromise, whenSettled } from './soon.ts'

/** Messages that an actor handles before others have their turn. */
const MESSAGES_A_VISIT = 16

/**
 * How messages are handled, while there is a life that can. A part of the cell, like the mailbox.
 *
 * Invariants: at most one message is in hand; nothing of a former life, a promise or what was to run between two messages, acts on a later one;
 * whoever waits for an answer gets it once. An error in a handler is a crash, a Refusal is for its sender.
 */
export abstract class Handling extends Inbox implements Runnable {
  phase: ActorSnapshot['phase'] = 'new'
  protected life: Life | null = null
  /** It is in the run queue, or will put itself there. */
  protected queued = false
  /** A handler's promise is waited for. */
  protected waiting = false
  /** Something of this actor's is on the stack at this moment. */
  protected handling = false

  abstract get path(): string
  /** Begins the life that it is to have. */
  protected abstract beginLife(): void
  protected abstract endLife(reason: EndReason): void
  /** This life has failed, and hears so in a turn of its own. */
  abstract crashSoon(life: Life, error: Error): void

  /** Whether nobody has asked for its end. */
  protected get isWanted(): boolean {
    const { ties } = this
    return ties === null || (ties.leaving === null && ties.halted === null && !ties.leaves)
  }

  protected override wake(): void {
    if (this.queued || this.waiting || this.handling || (this.phase !== 'running' && this.phase !== 'new')) return
    this.queued = true
    const { life } = this
    if (life === null || life.turns === null) this.runtime.runQueue.add(this)
    else this.#handleIn(life, life.turns)
  }

  /** Those that come while the others are handled wait for the next turn. */
  #handleIn(life: Life, turns: Turns): void {
    let hasCome = false
    const handle = (): void => {
      if (hasCome || life.over) return
      hasCome = true
      for (let left = Math.max(1, this.depth); left > 0; left -= MESSAGES_A_VISIT) if (!this.run()) return
      if (this.queued && !life.over) this.#handleIn(life, turns)
    }
    try {
      turns(handle)
    } catch (error) {
      // Whoever has sent it a message has nothing to do with that.
      hasCome = true
      this.crashSoon(life, toError(error))
    }
  }

  run(): boolean {
    this.queued = false
    if (this.phase === 'new') {
      this.beginLife()
      if (this.hasTurns) return this.#wakeInTurns()
    }
    this.handling = true
    let handled = 0
    for (; handled < MESSAGES_A_VISIT && this.#mayHandle; handled++) this.#handle(this.take())
    this.#count(handled)
    this.handling = false
    if (this.phase === 'running' && !this.waiting && !this.isWanted) this.endLife(STOPPED)
    this.queued = this.#mayHandle || this.phase === 'new'
    return this.queued
  }

  #count(handled: number): void {
    this.runtime.meters.handled += handled
    const meter = this.ties?.meter
    if (meter) meter.handled += handled
  }

  protected get hasTurns(): boolean {
    return this.life !== null && this.life.turns !== null
  }

  /** It has begun in the turns that all actors share, and goes on in its own. */
  #wakeInTurns(): false {
    if (!this.isEmpty) this.wake()
    return false
  }

  get #mayHandle(): boolean {
    return this.phase === 'running' && !this.waiting && !this.isEmpty && this.isWanted
  }

  #handle({ message, body, call }: Envelope): void {
    if (call === null) return this.#handleOpen(message, body, null)
    if (!call.begin()) return
    if (body instanceof Sealed) this.#handleSealed(message, body, call)
    else this.#handleOpen(message, body, call)
  }

  #handleSealed(message: string, sealed: Sealed, call: Asker): void {
    let body: unknown
    try {
      body = sealed.open()
    } catch (error) {
      return call.refuse(
        new ActorError('UNSENDABLE', `the body of ${message} is no plain data: it was not handled`, { cause: error }),
      )
    }
    this.#handleOpen(message, body, call)
  }

  #handleOpen(message: string, body: unknown, call: Asker | null): void {
    const life = this.life as Life
    if (this.runtime.faults !== null && message !== '')
      return this.#handleFaulty(life, { message, body, call }, this.runtime.faults)
    this.#answer(life, message, body, call)
  }

  #answer(life: Life, message: string, body: unknown, call: Asker | null): void {
    try {
      const answer = message === '' && body instanceof Inside ? body.run(life) : this.#answerTo(life, message, body)
      if (answer === NO_HANDLER) return this.#handleNone(message, call)
      if (isObject(answer)) {
        if (Later.is(answer)) return this.#keep(life, answer, call)
        if (isPromise(answer)) return this.#await(life, answer, call)
      }
      if (call !== null) call.answer(answer)
    } catch (error) {
      this.#threw(error, call)
    }
  }

  #handleFaulty(life: Life, { message, body, call }: Pick<Envelope, 'message' | 'body' | 'call'>, faults: Faults): void {
    const fault = faults.at(this.path, message)
    if (fault === null) return this.#answer(life, message, body, call)
    if ('crash' in fault) return this.#threw(fault.crash, call)
    this.waiting = true
    if (call !== null) life.keepCall(call)
    this.runtime.clock.setTimer(fault.delayMs, () => {
      if (life.over || this.phase !== 'running') return
      this.waiting = false
      this.#answer(life, message, body, call)
      if (!this.waiting && !life.over) this.goOn()
    })
  }

  #answerTo({ handlers }: Life, message: string, body: unknown): unknown {
    const handler = (handlers as Record<string, unknown>)[message]
    if (typeof handler !== 'function' || message in Object.prototype) return NO_HANDLER
    return handler.call(handlers, body) as unknown
  }

  #handleNone(message: string, call: Asker | null): void {
    const { path } = this
    const error = new ActorError('UNKNOWN_MESSAGE', `${path} handles no message called ${JSON.stringify(message)}`)
    this.runtime.report({ path, event: 'unknown-message', error })
    call?.refuse(error)
  }

  #threw(thrown: unknown, call: Asker | null): void {
    if (Refusal.is(thrown)) return this.#refuse(thrown, call)
    const reason = crashed(thrown)
    const words = `${this.path} failed with the message in hand: ${sayReason(reason)}`
    const told = new ActorError('CRASHED', words, { begun: true, cause: thrown })
    if (call?.failed === undefined) call?.refuse(told)
    else call.failed(told)
    if (this.phase === 'running') this.endLife(reason)
  }

  #refuse(refusal: Refusal, call: Asker | null): void {
    // Whoever cast it hears nothing.
    if (call === null) this.runtime.report({ path: this.path, event: 'refused', error: toError(refusal) })
    else call.refuse(refusal)
  }

  #keep(life: Life, answer: Later<unknown>, call: Asker | null): void {
    if (call === null) {
      if (answer instanceof Unbegun) this.dropped(answer.message, answer.body)
      return
    }
    life.keepCall(call)
    answer.attach(call)
    call.postponed?.()
  }

  #await(life: Life, answer: PromiseLike<unknown>, call: Asker | null): void {
    this.waiting = true
    if (call !== null) life.keepCall(call)
    const settled = (settle: () => void): void => {
      if (life.over) return
      this.waiting = false
      settle()
      if (!life.over) this.goOn()
    }
    whenSettled(
      answer,
      (value) => settled(() => (Later.is(value) ? this.#keep(life, value, call) : call?.answer(value))),
      (error) => settled(() => this.#threw(error, call)),
    )
  }

  /** What was waited for is done. */
  protected goOn(): void {
    if (this.phase !== 'running') return
    if (this.isWanted) this.wake()
    else this.endLife(STOPPED)
  }

  /** Runs something of a life between two messages, however many wait: an error of it is a crash. */
  runInside(life: Life, run: () => unknown): void {
    if (!life.over) this.put(new Envelope('', new Inside(life, run), null))
  }
}

const NO_HANDLER = Symbol('no handler')
