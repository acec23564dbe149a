/**
 * The children of an actor, in the order in which they were started, and what is done when one of them fails.
 *
 * Invariants: a child ends before its supervisor's life does; whoever is restarted together is started in order, each when the one before it
 * has started; a pause that was cut short, by a stop or another failure, starts nothing.
 */
import { assert, unreachable } from '../lib/index.ts'
import type { Timer } from '../ports/index.ts'
import { ActorError } from './actor-error.ts'
import { Cell } from './cell.ts'
import type { ActorDefinition, SpawnOptions, Strategy, SupervisionSettings } from './definition.ts'
import { sayReason } from './end-reason.ts'
import type { EndReason } from './end-reason.ts'
import { eachInTurn } from './each-in-turn.ts'
import { checkName } from './names.ts'
import { refTo } from './reference.ts'
import type { ActorRef } from './reference.ts'
import { RestartHistory } from './restart-history.ts'
import { RestartPolicy, RESTART_SETTINGS } from './restart-policy.ts'
import type { RestartSettings } from './restart-policy.ts'
import type { Handlers } from './protocol.ts'
import type { Runtime } from './runtime.ts'
import type { ActorSnapshot } from './snapshot.ts'

/** Who fails is counted together: one child, or all that are restarted together. */
class Failing {
  readonly policy: RestartPolicy
  readonly history = new RestartHistory()
  /** It has failed, and its restart has not begun. */
  isPaused = false
  pause: Timer | null = null

  constructor(settings: RestartSettings) {
    this.policy = new RestartPolicy(settings)
  }
}

export class Supervision {
  readonly #runtime: Runtime
  /** Null at the root. */
  readonly #owner: Cell | null
  readonly #strategy: Strategy
  readonly #restarts: RestartSettings
  readonly #mayRestart: SupervisionSettings['mayRestart']
  readonly #children = new Map<string, Cell>()
  /** Of children that have failed; with another strategy than one-for-one, all share one. */
  readonly #failing = new Map<Cell, Failing>()
  #shared: Failing | null = null
  #nextNumber = 1
  #stopping = false
  /** Of the present restart of several: what a former one had still to do is not done. */
  #round = 0

  constructor(runtime: Runtime, owner: Cell | null, settings: SupervisionSettings = {}) {
    const { strategy = 'one-for-one', restarts, mayRestart } = settings
    this.#runtime = runtime
    this.#owner = owner
    this.#strategy = strategy
    this.#restarts = { ...RESTART_SETTINGS, ...restarts }
    this.#mayRestart = mayRestart
  }

  /** Of the children of a child. */
  below(owner: Cell, settings: SupervisionSettings | undefined): Supervision {
    return new Supervision(this.#runtime, owner, settings)
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
        failures: failing?.history.count ?? 0,
        circuit: failing?.policy.circuitAt(now) ?? 'closed',
        history: failing?.history.notes ?? [],
        children: cell.children?.snapshot() ?? [],
      }
    })
  }

  spawn<H extends Handlers, A>(definition: ActorDefinition<H, A>, options: SpawnOptions<A>): ActorRef<H> {
    if (this.#stopping)
      throw new ActorError('DOWN', `${this.path === '' ? 'the system' : this.path} is ending: it starts no more actors`)
    const { name: given, registerAs } = options
    if (given !== undefined) checkName(given, 'the name of an actor')
    if (registerAs !== undefined) checkName(registerAs, 'registerAs')
    const name = given ?? this.#freeNumber()
    if (this.#children.has(name))
      throw new ActorError('NAME_TAKEN', `${this.path}/${name} is there already: give another name, or wait until it is gone`)
    // What a definition takes and makes is its own business from here on.
    const cell = new Cell(this.#runtime, this, name, definition as unknown as ActorDefinition<Handlers, unknown>, options)
    if (registerAs !== undefined) cell.register(registerAs)
    this.#children.set(name, cell)
    cell.begin(null)
    return refTo<H>(cell)
  }

  #freeNumber(): string {
    while (this.#children.has(String(this.#nextNumber))) this.#nextNumber++
    return String(this.#nextNumber++)
  }

  // --- Failures ---

  /** A life of a child has ended, which was not asked to end for good. */
  childEnded(cell: Cell, reason: EndReason, startedAt: number): void {
    if (this.#stopping) return
    const isWanted = cell.restart === 'permanent' || (cell.restart === 'transient' && reason.type !== 'stopped')
    if (!isWanted) return cell.bury()
    if (reason.type === 'crashed' && this.#mayRestart?.(reason.error, cell.name) === false) {
      this.#report(cell, reason, null)
      return cell.bury()
    }
    const now = this.#runtime.clock.now()
    const failing = this.#failingOf(cell, startedAt)
    // It was started while the others waited for their restart: it is started with them.
    if (failing.isPaused) return
    const pauseMs = failing.policy.failed(now)
    failing.history.add({ path: cell.path, at: now, uptimeMs: now - startedAt, reason: sayReason(reason), pauseMs })
    this.#report(cell, reason, pauseMs)
    const group = this.#groupOf(cell)
    if (pauseMs === null) return this.#giveUp(cell, reason)
    if (failing.policy.circuitAt(now) === 'open') {
      const words = `it failed too often, and is started again in ${Math.ceil(pauseMs / 1000)} s`
      for (const one of group) one.close(words)
    }
    this.#restartTogether(group, failing, pauseMs)
  }

  #failingOf(cell: Cell, startedAt: number): Failing {
    const known = this.#strategy === 'one-for-one' ? this.#failing.get(cell) : this.#shared
    if (known !== null && known !== undefined) return known
    const failing = new Failing(this.#restarts)
    failing.policy.started(startedAt)
    if (this.#strategy === 'one-for-one') this.#failing.set(cell, failing)
    else this.#shared = failing
    return failing
  }

  #groupOf(cell: Cell): Cell[] {
    const all = [...this.#children.values()]
    switch (this.#strategy) {
      case 'one-for-one':
        return [cell]
      case 'one-for-all':
        return all
      case 'rest-for-one':
        return all.slice(all.indexOf(cell))
      default:
        return unreachable(this.#strategy)
    }
  }

  #report(cell: Cell, reason: EndReason, pauseMs: number | null): void {
    const error = reason.type === 'crashed' ? { error: reason.error } : {}
    const event = pauseMs === null ? 'given-up' : 'failed'
    this.#runtime.report({ path: cell.path, event, ...error, ...(pauseMs === null ? {} : { pauseMs }) })
  }

  #giveUp(cell: Cell, reason: EndReason): void {
    if (this.#owner === null) return cell.bury()
    this.#owner.crash(new Error(`${cell.path} failed too often; the last time ${sayReason(reason)}`))
  }

  /** Those that live end first; then there is the pause; then they are started in order. */
  #restartTogether(group: readonly Cell[], failing: Failing, pauseMs: number): void {
    const round = ++this.#round
    failing.isPaused = true
    if (this.#strategy === 'one-for-one') return this.#pause(group, failing, pauseMs, round)
    eachInTurn(
      group.toReversed(),
      (one, next) => (one.restart === 'temporary' ? one.stop(next) : one.halt(next)),
      () => {
        if (round === this.#round) this.#pause(group, failing, pauseMs, round)
      },
    )
  }

  #pause(group: readonly Cell[], failing: Failing, pauseMs: number, round: number): void {
    const { clock } = this.#runtime
    failing.pause = clock.setTimer(pauseMs, () => {
      failing.pause = null
      failing.isPaused = false
      failing.policy.started(clock.now())
      // Those that were started meanwhile and have failed are of the group as well.
      if (this.#strategy === 'one-for-one') for (const one of group) one.begin(null)
      else this.#startInOrder([...this.#children.values()], round)
    })
  }

  #startInOrder(all: readonly Cell[], round: number): void {
    eachInTurn(
      all,
      (one, next) => {
        if (round !== this.#round || one.phase !== 'down') next()
        else one.begin(next)
      },
      () => undefined,
    )
  }

  // --- The end ---

  /** A child is gone for good. */
  childGone(cell: Cell): void {
    if (this.#children.get(cell.name) !== cell) return
    this.#children.delete(cell.name)
    this.#failing.get(cell)?.pause?.cancel()
    this.#failing.delete(cell)
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
    this.#round++
    this.#shared?.pause?.cancel()
    for (const { pause } of this.#failing.values()) pause?.cancel()
  }
}
