/**
 * The children of an actor, in the order in which they were started, and what is done when one of them fails.
 *
 * Invariants: a child ends before its supervisor's life does; whoever is restarted together is started in order, each when the one before it
 * has started; a pause that was cut short, by a stop or another failure, starts nothing.
 */
import { assert, unreachable } from '../lib/index.ts'
import { MAX_ACTOR_DEPTH, MAX_MAILBOX_CAPACITY } from '../limits.ts'
import type { Timer } from '../ports/index.ts'
import { ActorError } from './actor-error.ts'
import { Cell } from './cell.ts'
import type { ActorDefinition, SpawnOptions } from './definition.ts'
import { crashed, sayReason, toError } from './end-reason.ts'
import type { EndReason } from './end-reason.ts'
import { eachInTurn } from './each-in-turn.ts'
import { checkName } from './names.ts'
import { refTo } from './reference.ts'
import type { ActorRef } from './reference.ts'
import { RestartHistory } from './restart-history.ts'
import { RestartPolicy } from './restart-policy.ts'
import type { RestartSettings } from './restart-policy.ts'
import type { Handlers } from './protocol.ts'
import type { Runtime } from './runtime.ts'
import { checkDefinition, checkSpawnOptions } from './settings.ts'
import type { SupervisionRules } from './settings.ts'
import type { ActorSnapshot } from './snapshot.ts'
import { isPromise, whenSettled } from './soon.ts'
import { place } from './thread/index.ts'

/** Who wants a restart by hand, and is told how it went. */
interface Asking {
  readonly cell: Cell
  readonly restarted: (failed: ActorError | null) => void
}

/** Who fails is counted together: one child, or all that are restarted together. */
class Failing {
  readonly policy: RestartPolicy
  readonly history = new RestartHistory()
  /** It has failed, or is to be restarted by hand, and its restart has not begun. */
  isPaused = false
  pause: Timer | null = null
  /** There is no pause: somebody wants it started at once. */
  asking: Asking[] = []
  /** Those who are told when the present start is over; or, when somebody asks for another one meanwhile, when that is. */
  starting: Asking[] = []
  /** Of the present restart: what a former one had still to do is not done. */
  round = 0

  constructor(settings: RestartSettings) {
    this.policy = new RestartPolicy(settings)
  }

  cut(): void {
    this.round++
    this.pause?.cancel()
    this.pause = null
    const { asking } = this
    this.asking = []
    for (const { cell, restarted } of asking) restarted(notRestarted(cell))
  }
}

function notRestarted(cell: Cell): ActorError {
  return new ActorError('DOWN', `${cell.path} is not restarted: it is gone, or is to end for good`)
}

function tellRestarted({ cell, restarted }: Asking): void {
  if (cell.phase === 'running') restarted(null)
  else if (cell.isGone) restarted(notRestarted(cell))
  else restarted(new ActorError('CRASHED', `${cell.path} was restarted, and its start failed or was cut short`))
}

/** Of a life that nobody else has asked to end. */
function sayEnd(reason: EndReason): string {
  return reason.type === 'stopped' ? 'it stopped itself, and is permanent' : sayReason(reason)
}

/** Names that are numbers are found as such. */
function keyOf(name: string): string | number {
  return /^[1-9]\d{0,14}$/.test(name) ? Number(name) : name
}

export class Supervision {
  readonly #runtime: Runtime
  /** Null at the root. */
  readonly #owner: Cell | null
  readonly #rules: SupervisionRules
  /** Of the children: 1 for those that the system supervises. */
  readonly #depth: number
  readonly #children = new Map<string | number, Cell>()
  /** Of children that have failed; with another strategy than one-for-one, all share one. */
  readonly #failing = new Map<Cell, Failing>()
  #shared: Failing | null = null
  #nextNumber = 1
  #stopping = false

  constructor(runtime: Runtime, owner: Cell | null, rules: SupervisionRules) {
    this.#runtime = runtime
    this.#owner = owner
    this.#rules = rules
    this.#depth = owner === null ? 1 : owner.supervisor.#depth + 1
  }

  /** Of the children of a child. */
  below(owner: Cell, rules: SupervisionRules): Supervision {
    return new Supervision(this.#runtime, owner, rules)
  }

  get path(): string {
    return this.#owner?.path ?? ''
  }

  /** What can be seen of the children, in the order of their first starts. With another strategy than one-for-one they fail together. */
  snapshot(): ActorSnapshot[] {
    const now = this.#runtime.clock.now()
    return Array.from(this.#children.values(), (cell): ActorSnapshot => {
      const failing = this.#shared ?? this.#failing.get(cell)
      return {
        path: cell.path,
        phase: cell.phase,
        uptimeMs: cell.startedAt === null ? null : now - cell.startedAt,
        depth: cell.depth,
        refused: cell.refused,
        handled: cell.handled,
        waitMs: cell.waitMs,
        restarts: cell.restarts,
        failures: failing?.history.failures ?? 0,
        circuit: failing?.policy.circuitAt(now) ?? 'closed',
        history: failing?.history.notes ?? [],
        children: cell.children?.snapshot() ?? [],
      }
    })
  }

  spawn<H extends Handlers, A>(definition: ActorDefinition<H, A>, options: SpawnOptions<A>): ActorRef<H> {
    if (this.#stopping)
      throw new ActorError('DOWN', `${this.path === '' ? 'the system' : this.path} is ending: it starts no more actors`)
    if (this.#depth > MAX_ACTOR_DEPTH)
      throw new ActorError('OVERLOADED', `actors stand at most ${MAX_ACTOR_DEPTH} deep: ${this.path} starts none below it`)
    checkDefinition(definition)
    checkSpawnOptions(options)
    const { name: given, registerAs } = options
    if (given !== undefined) checkName(given, 'the name of an actor')
    if (registerAs !== undefined) checkName(registerAs, 'registerAs')
    const key = given === undefined ? this.#freeNumber() : keyOf(given)
    if (this.#children.has(key))
      throw new ActorError('NAME_TAKEN', `${this.path}/${key} is there already: give another name, or wait until it is gone`)
    // What a definition takes and makes is its own business from here on.
    const placed = place(this.#runtime.threads, definition as unknown as ActorDefinition<Handlers, unknown>, options)
    const cell = new Cell(this.#runtime, this, key, placed, options)
    if (registerAs !== undefined) cell.register(registerAs)
    this.#children.set(key, cell)
    cell.begin(null)
    return refTo<H>(cell)
  }

  #freeNumber(): number {
    while (this.#children.has(this.#nextNumber)) this.#nextNumber++
    return this.#nextNumber++
  }

  // --- Failures ---

  /** A life of a child has ended, which was not asked to end for good. */
  childEnded(cell: Cell, reason: EndReason, startedAt: number): void {
    if (this.#stopping) return
    const isWanted = cell.restart === 'permanent' || (cell.restart === 'transient' && reason.type !== 'stopped')
    if (reason.type === 'crashed') {
      const refused = isWanted ? this.#refusedRestart(cell, reason.error) : reason.error
      if (refused !== null) this.#report(cell, crashed(refused), null)
      if (refused !== null) return cell.bury()
    } else if (!isWanted) return cell.bury()
    // Whoever was asked may have ended it.
    if (this.#stopping || cell.isGone) return
    const now = this.#runtime.clock.now()
    const failing = this.#failingOf(cell, startedAt)
    // It was started while the others waited for their restart: it is started with them.
    if (failing.isPaused) return
    const pauseMs = failing.policy.failed(now)
    failing.history.addFailure({ path: cell.path, at: now, uptimeMs: now - startedAt, reason: sayEnd(reason), pauseMs })
    this.#report(cell, reason, pauseMs)
    const group = this.#groupOf(cell)
    if (pauseMs === null) return this.#giveUp(cell, reason)
    if (failing.policy.circuitAt(now) === 'open') {
      const words = `failed too often (the last time ${sayEnd(reason)}), and is started again in ${Math.ceil(pauseMs / 1000)} s`
      for (const one of group) one.close(one === cell ? `it ${words}` : `${cell.path} ${words}, and this one with it`)
    }
    this.#restartTogether(group, failing, pauseMs)
  }

  /** Why a child that crashed is not to be started again; null: it may be. */
  #refusedRestart(cell: Cell, error: Error): Error | null {
    try {
      const may: unknown = this.#rules.mayRestart?.(error, String(cell.key))
      if (!isPromise(may)) return may === false ? error : null
      const ignore = (): void => undefined
      whenSettled(may, ignore, ignore)
      throw new TypeError('it returned a promise, and has to say so at once')
    } catch (thrown) {
      // Who cannot say that it may be restarted has not said it.
      const words = `${error.message}; and mayRestart failed: ${toError(thrown).message}`
      return new Error(words, { cause: error })
    }
  }

  #failingOf(cell: Cell, startedAt: number): Failing {
    const known = this.#rules.strategy === 'one-for-one' ? this.#failing.get(cell) : this.#shared
    if (known !== null && known !== undefined) return known
    const failing = new Failing(this.#rules.restarts)
    failing.policy.started(startedAt)
    if (this.#rules.strategy === 'one-for-one') this.#failing.set(cell, failing)
    else this.#shared = failing
    return failing
  }

  #groupOf(cell: Cell): Cell[] {
    const all = [...this.#children.values()]
    switch (this.#rules.strategy) {
      case 'one-for-one':
        return [cell]
      case 'one-for-all':
        return all
      case 'rest-for-one':
        return all.slice(all.indexOf(cell))
      default:
        return unreachable(this.#rules.strategy)
    }
  }

  #report(cell: Cell, reason: EndReason, pauseMs: number | null): void {
    const error = reason.type === 'killed' ? {} : { error: reason.type === 'crashed' ? reason.error : new Error(sayEnd(reason)) }
    const event = pauseMs === null ? 'given-up' : 'failed'
    this.#runtime.report({ path: cell.path, event, ...error, ...(pauseMs === null ? {} : { pauseMs }) })
  }

  #giveUp(cell: Cell, reason: EndReason): void {
    if (this.#owner === null) return cell.bury()
    this.#owner.crash(new Error(`${cell.path} failed too often; the last time ${sayEnd(reason)}`))
  }

  /** Starts a child anew, with those that are restarted with it, at once: out of a pause and an open circuit as well. */
  restartByHand(cell: Cell, restarted: (failed: ActorError | null) => void): void {
    if (this.#stopping || cell.isEnding) return restarted(notRestarted(cell))
    const now = this.#runtime.clock.now()
    const { startedAt } = cell
    const failing = this.#failingOf(cell, startedAt ?? now)
    if (failing.asking.length + failing.starting.length >= MAX_MAILBOX_CAPACITY)
      return restarted(new ActorError('OVERLOADED', `${cell.path} is being restarted, and too many wait for that already`))
    const uptimeMs = startedAt === null ? 0 : now - startedAt
    failing.history.add({ path: cell.path, at: now, uptimeMs, reason: 'it was restarted by hand', pauseMs: 0 })
    failing.asking.push(...failing.starting.splice(0), { cell, restarted })
    // Those who are to be restarted with it are ending: it starts as soon as they have.
    if (failing.isPaused && failing.pause === null) return
    failing.pause?.cancel()
    failing.pause = null
    this.#runtime.report({ path: cell.path, event: 'restarted' })
    this.#restartTogether(this.#groupOf(cell), failing, 0)
  }

  /** Those that live end first; then there is the pause; then they are started in order. */
  #restartTogether(group: readonly Cell[], failing: Failing, pauseMs: number): void {
    const round = ++failing.round
    failing.isPaused = true
    const isAsked = (cell: Cell): boolean => failing.asking.some((one) => one.cell === cell)
    eachInTurn(
      group.toReversed(),
      (one, next) => (one.restart === 'temporary' && !isAsked(one) ? one.stop(next) : one.halt(next)),
      () => {
        if (round === failing.round) this.#pause(group, failing, pauseMs)
      },
    )
  }

  #pause(group: readonly Cell[], failing: Failing, pauseMs: number): void {
    if (failing.asking.length > 0) return this.#start(group, failing)
    failing.pause = this.#runtime.clock.setTimer(pauseMs, () => {
      failing.pause = null
      this.#start(group, failing)
    })
  }

  #start(group: readonly Cell[], failing: Failing): void {
    const { asking, round } = failing
    const now = this.#runtime.clock.now()
    failing.asking = []
    failing.starting = asking
    failing.isPaused = false
    if (asking.length > 0) failing.policy.startedByHand(now)
    else failing.policy.started(now)
    // Those that were started meanwhile and have failed are of the group as well.
    const all = this.#rules.strategy === 'one-for-one' ? group : [...this.#children.values()]
    eachInTurn(
      all,
      (one, next) => {
        if (round !== failing.round || one.phase !== 'down') next()
        else one.begin(next)
      },
      () => {
        for (const one of asking.splice(0)) tellRestarted(one)
      },
    )
  }

  // --- The end ---

  /** A child is gone for good. */
  childGone(cell: Cell): void {
    if (this.#children.get(cell.key) !== cell) return
    this.#children.delete(cell.key)
    const failing = this.#failing.get(cell)
    this.#failing.delete(cell)
    failing?.cut()
  }

  /** Ends all children in good order, the newest first; no more are started. */
  stopAll(stopped: () => void): void {
    this.#cut()
    eachInTurn([...this.#children.values()].reverse(), (one, next) => one.stop(next), stopped)
  }

  /** Ends all children now. */
  killAll(): void {
    this.#cut()
    for (const cell of [...this.#children.values()].reverse()) {
      cell.kill()
      if (cell.phase !== 'gone') cell.bury()
    }
    assert(this.#children.size === 0, 'a child outlives its supervisor')
  }

  #cut(): void {
    this.#stopping = true
    this.#shared?.cut()
    for (const failing of this.#failing.values()) failing.cut()
  }
}
