import { noMetrics } from '../ports/index.ts'
import type { Clock, Counter, Histogram, Metrics, Timer } from '../ports/index.ts'
import type { Envelope } from './envelope.ts'
import type { ActorEvent } from './runtime.ts'

/** Actors whose registered names are labels. All others are told apart by nobody: a series for each of a million would be of use to none. */
const MAX_LABELS = 64
const OTHERS = 'other'
/** One in so many messages is timed while it waits. */
const SAMPLE_EVERY = 64
/** One that waits longer is taken for this. */
const MAX_SAMPLE_MS = 10_000
/** How late a metric is. */
const FLUSH_MS = 100

/** What is counted of a registered actor, by plain numbers: they are handed on now and then. */
export class Meter {
  handled = 0
  refused = 0
  restarts = 0
  /** How long the message waited that was timed last, in milliseconds. */
  waitMs: number | null = null
  readonly #handled: Rest
  readonly #refused: Rest
  readonly #restarts: Rest
  readonly wait: Histogram

  constructor(metrics: Metrics, actor: string) {
    const counter = (outcome: string): Rest =>
      new Rest(metrics.counter('aspen_actor_registered_messages_total', { actor, outcome }))
    this.#handled = counter('handled')
    this.#refused = counter('refused')
    this.#restarts = new Rest(metrics.counter('aspen_actor_registered_restarts_total', { actor }))
    this.wait = metrics.histogram('aspen_actor_wait_seconds', { actor })
  }

  flush(): void {
    this.#handled.addUpTo(this.handled)
    this.#refused.addUpTo(this.refused)
    this.#restarts.addUpTo(this.restarts)
  }
}

/** A counter that follows a number. */
class Rest {
  readonly #counter: Counter
  #told = 0

  constructor(counter: Counter) {
    this.#counter = counter
  }

  addUpTo(count: number): void {
    if (count > this.#told) this.#counter.add(count - this.#told)
    this.#told = count
  }
}

/** What is counted of all actors of a system: an addition for each message, and nothing more. */
export class Meters {
  taken = 0
  handled = 0
  refused = 0
  /** Taken, and never handled, since the actor ended. */
  unhandled = 0
  /** The message that is timed; null: the next one may be. */
  sampled: Envelope | null = null
  #sampledAt = 0
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #rests: readonly (readonly [Rest, () => number])[]
  readonly #meters = new Map<string, Meter>()
  readonly #others: Meter
  #timer: Timer | null = null

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics
    this.#clock = clock
    const rest = (outcome: string): Rest => new Rest(metrics.counter('aspen_actor_messages_total', { outcome }))
    this.#rests = [
      [rest('taken'), () => this.taken],
      [rest('handled'), () => this.handled],
      [rest('refused'), () => this.refused],
      [rest('unhandled'), () => this.unhandled],
    ]
    this.#others = new Meter(metrics, OTHERS)
  }

  /** That of a registered name; with more names than there may be labels, that of all others. */
  meterOf(name: string): Meter {
    const known = this.#meters.get(name)
    if (known !== undefined || this.#meters.size >= MAX_LABELS) return known ?? this.#others
    const meter = new Meter(this.#metrics, name)
    this.#meters.set(name, meter)
    return meter
  }

  /** A message is taken. */
  take(envelope: Envelope): void {
    if (++this.taken % SAMPLE_EVERY !== 0) return
    const now = this.#clock.now()
    if (this.sampled !== null && now - this.#sampledAt < MAX_SAMPLE_MS) return
    // The one before is where nobody takes it out: what it will have waited is not known, but that it is long.
    if (this.sampled !== null) this.#others.wait.observe(MAX_SAMPLE_MS / 1_000)
    this.sampled = envelope
    this.#sampledAt = now
  }

  /** The message that was timed has its turn. */
  timed(meter: Meter | null): void {
    this.sampled = null
    const waitMs = this.#clock.now() - this.#sampledAt
    if (meter !== null) meter.waitMs = waitMs
    ;(meter ?? this.#others).wait.observe(waitMs / 1_000)
  }

  happened({ event }: ActorEvent): void {
    this.#metrics.counter('aspen_actor_events_total', { event }).add()
  }

  /** Something was done: what was counted is handed on before long. */
  touch(): void {
    if (this.#timer !== null || this.#metrics === noMetrics) return
    this.#timer = this.#clock.setTimer(FLUSH_MS, () => this.flush())
    this.#timer.hold?.(false)
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const [rest, count] of this.#rests) rest.addUpTo(count())
    for (const meter of this.#meters.values()) meter.flush()
    this.#others.flush()
  }
}
