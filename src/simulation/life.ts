/**
 * One life of a simulated process, from its start to its crash. Whatever was scheduled on its behalf dies with
 * it: nothing of the old life reaches the next. A crash falls between two events, or, with a fuse, between two effects of
 * one. A process that is paused does nothing; what falls due meanwhile runs when it wakes, late and all at once.
 */
import type { Clock, Timer } from '../ports/index.ts'
import type { ScheduledEvent, Scheduler } from './scheduler.ts'

interface Task {
  /** Null once it ran or was cancelled. */
  run: (() => void) | null
  /** Null while it waits for the process to wake. */
  event: ScheduledEvent | null
}

interface ClockTimer {
  /** A time of the process's clock. */
  readonly dueAt: number
  readonly task: Task
}

/** A process that is stopped, as by SIGSTOP, finds the time passed; on a machine that is suspended the clock stands still. */
export type PauseKind = 'stopped' | 'suspended'

interface Fuse {
  effectsLeft: number
  spent: boolean
  readonly burnt: () => void
}

export class Life {
  readonly name: string
  readonly clock: Clock
  readonly #scheduler: Scheduler
  readonly #afterEvent: () => void
  readonly #pace: number
  readonly #born: number
  readonly #timers = new Set<ClockTimer>()
  #late: Task[] = []
  #jumpedMs = 0
  #alive = true
  #paused = false
  #pauses = 0
  #suspendedAt: number | null = null
  #fuse: Fuse | null = null
  #startled: { effectsLeft: number; readonly run: () => void } | null = null

  /** `afterEvent` is called after everything this process does; `pace` is what its clock makes of a millisecond. */
  constructor(scheduler: Scheduler, name: string, afterEvent: () => void = () => undefined, pace = 1) {
    this.name = name
    this.#scheduler = scheduler
    this.#afterEvent = afterEvent
    this.#pace = pace
    // Clocks of different lives have nothing in common, not even quite their pace.
    this.#born = scheduler.now
    this.clock = {
      now: () => this.#now(),
      setTimer: (delayMs, run) => this.#setTimer(Math.max(0, delayMs), run),
      defer: (run) => {
        this.after(0, run)
      },
    }
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether its clock does not keep the world's pace. */
  get drifts(): boolean {
    return this.#pace !== 1
  }

  /** How often it was paused: tells one pause from the next. */
  get pauses(): number {
    return this.#pauses
  }

  /** Runs `run` later as an event of this process, unless it has died by then. The delay is one of the world's time. */
  after(delayMs: number, run: () => void): Timer {
    const task: Task = { run, event: null }
    this.#schedule(task, delayMs)
    return { cancel: () => this.#cancel(task) }
  }

  /**
   * Kills the process between two effects: so many more of them reach the world. What the process does in the rest of that event is
   * a dream, and when the event is over `burnt` is called, to end this life.
   */
  lightFuse(effects: number, burnt: () => void): void {
    this.#fuse ??= { effectsLeft: effects, spent: false, burnt }
  }

  /** Nothing kills it any more; to be called between events. */
  douseFuse(): void {
    this.#fuse = null
    this.#startled = null
  }

  /** Calls `run` in the middle of an event: after so many more effects, before the next, which happens all the same. */
  startle(effects: number, run: () => void): void {
    this.#startled ??= { effectsLeft: effects, run }
  }

  /** To be asked before every effect on disk or network: whether it happens. */
  affects(): boolean {
    const startled = this.#startled
    if (startled !== null && startled.effectsLeft-- <= 0) {
      this.#startled = null
      startled.run()
    }
    if (this.#fuse === null) return true
    if (this.#fuse.effectsLeft-- > 0) return true
    this.#fuse.spent = true
    return false
  }

  end(): void {
    this.#alive = false
    this.#late = []
    this.#timers.clear()
  }

  pause(kind: PauseKind = 'stopped'): void {
    this.#paused = true
    this.#pauses++
    if (kind === 'suspended') this.#suspendedAt ??= this.#scheduler.now
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#suspendedAt !== null) this.#jumpedMs -= (this.#scheduler.now - this.#suspendedAt) * this.#pace
    this.#suspendedAt = null
    const late = this.#late
    this.#late = []
    for (const task of late) if (task.run !== null) this.#schedule(task, 0)
  }

  /** Its clock says that so much time has passed, as that of a virtual machine does which slept: timers are due early. */
  jumpClock(ms: number): void {
    this.#jumpedMs += ms
    const now = this.#now()
    for (const { dueAt, task } of this.#timers) {
      if (task.event === null) continue
      this.#scheduler.cancel(task.event)
      this.#schedule(task, Math.max(0, dueAt - now) / this.#pace)
    }
  }

  #now(): number {
    return (this.#scheduler.now - this.#born) * this.#pace + this.#jumpedMs
  }

  #setTimer(delayMs: number, run: () => void): Timer {
    const task: Task = { run: null, event: null }
    const timer = { dueAt: this.#now() + delayMs, task }
    task.run = () => {
      this.#timers.delete(timer)
      run()
    }
    this.#timers.add(timer)
    this.#schedule(task, delayMs / this.#pace)
    return {
      cancel: () => {
        this.#timers.delete(timer)
        this.#cancel(task)
      },
    }
  }

  #schedule(task: Task, delayMs: number): void {
    task.event = this.#scheduler.after(delayMs, () => this.#perform(task))
  }

  #cancel(task: Task): void {
    task.run = null
    if (task.event !== null) this.#scheduler.cancel(task.event)
  }

  #perform(task: Task): void {
    const { run } = task
    if (!this.#alive || run === null) return
    task.event = null
    if (this.#paused) {
      this.#late.push(task)
      return
    }
    task.run = null
    run()
    this.#afterEvent()
    if (this.#fuse?.spent === true && this.#alive) this.#fuse.burnt()
  }
}
