/**
 * Whatever others can cause again and again is said once, then counted. A warning or an error is written when it is news; while the
 * same goes on it is counted, and a line says how many more there were: after a minute, then after twice as long each time, and when a
 * minute has passed without it. A line of a lower level is treated so when its writer says what makes it the same.
 *
 * Bounds: so many sources are told apart for each cause, and the rest of them counted together, so that a crowd of strangers writes no
 * more than a few; of all, those heard of last are remembered.
 */
import type { Clock, Timer } from './clock.ts'
import type { Logger, LogLevel, Sameness } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { MAX_LOG_SOURCES_PER_CAUSE, MAX_REPEATED_LOG_LINES } from '../limits.ts'

/** Between two lines of the same, in milliseconds, at least; and how long it must be away to be news again. */
export const REPEAT_INTERVAL_MS = 60_000
/** The longest time between two such lines while it goes on. */
const MAX_REPEAT_INTERVAL_MS = 64 * REPEAT_INTERVAL_MS
/** What all further sources of a cause are counted as. */
const OTHERS = 'others'
const UNNAMED: Sameness = { cause: 'OTHER', from: '' }

type Facts = Readonly<Record<string, unknown>>

interface Repeated {
  readonly key: string
  readonly kind: string
  readonly level: LogLevel
  readonly message: string
  readonly cause: string
  facts: Facts
  /** Lines that may still be written before the rest is counted. */
  left: number
  more: number
  lastAt: number
  saidAt: number
  intervalMs: number
}

export class LogThrottle implements Logger {
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #clock: Clock
  /** The one heard of longest ago first. */
  readonly #repeated = new Map<string, Repeated>()
  /** By message and cause, the sources that are told apart. */
  readonly #sources = new Map<string, number>()
  #timer: Timer | null = null
  #closed = false

  constructor(logger: Logger, metrics: Metrics, clock: Clock) {
    this.#logger = logger
    this.#metrics = metrics
    this.#clock = clock
  }

  log(level: LogLevel, message: string, facts: Facts = {}, same?: Sameness): void {
    const isRepeatable = level === 'warn' || level === 'error' || (level === 'info' && same !== undefined)
    if (!isRepeatable || this.#closed) return this.#logger.log(level, message, facts)
    const { cause, from, burst = 1 } = same ?? UNNAMED
    const repeated = this.#find(level, message, cause, from) ?? this.#begin(level, message, { cause, from, burst })
    const now = this.#clock.now()
    if (isOver(repeated, now)) Object.assign(repeated, { left: burst, intervalMs: REPEAT_INTERVAL_MS })
    Object.assign(repeated, { facts, lastAt: now })
    if (repeated.left > 0) {
      repeated.left--
      repeated.saidAt = now
      this.#logger.log(level, message, facts)
      return
    }
    repeated.more++
    this.#metrics.counter('aspen_log_lines_counted_total', { cause }).add()
  }

  /** Says what is still unsaid; from now on every line is written. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    for (const repeated of this.#repeated.values()) this.#say(repeated)
    this.#repeated.clear()
  }

  #find(level: LogLevel, message: string, cause: string, from: string): Repeated | undefined {
    const kind = `${level} ${message} ${cause}`
    const key = `${kind} ${from}`
    const found = this.#repeated.get(key) ?? this.#repeated.get(`${kind} ${this.#isCrowded(kind) ? OTHERS : from}`)
    if (found === undefined) return undefined
    this.#repeated.delete(found.key)
    this.#repeated.set(found.key, found)
    return found
  }

  #isCrowded(kind: string): boolean {
    return (this.#sources.get(kind) ?? 0) >= MAX_LOG_SOURCES_PER_CAUSE
  }

  #begin(level: LogLevel, message: string, { cause, from, burst }: Required<Sameness>): Repeated {
    const kind = `${level} ${message} ${cause}`
    const key = `${kind} ${this.#isCrowded(kind) ? OTHERS : from}`
    const now = this.#clock.now()
    const repeated: Repeated = {
      key,
      kind,
      level,
      message,
      cause,
      facts: {},
      left: burst,
      more: 0,
      lastAt: now,
      saidAt: now,
      intervalMs: REPEAT_INTERVAL_MS,
    }
    this.#repeated.set(key, repeated)
    this.#sources.set(kind, (this.#sources.get(kind) ?? 0) + 1)
    if (this.#repeated.size > MAX_REPEATED_LOG_LINES) this.#dropOldest()
    this.#timer ??= this.#lookLater()
    return repeated
  }

  #dropOldest(): void {
    const [oldest] = this.#repeated.values()
    if (oldest === undefined) return
    this.#say(oldest)
    this.#forget(oldest)
  }

  #forget({ key, kind }: Repeated): void {
    this.#repeated.delete(key)
    const sources = (this.#sources.get(kind) ?? 0) - 1
    if (sources > 0) this.#sources.set(kind, sources)
    else this.#sources.delete(kind)
  }

  #lookLater(): Timer {
    return this.#clock.setTimer(REPEAT_INTERVAL_MS, () => {
      this.#look()
      this.#timer = this.#repeated.size === 0 ? null : this.#lookLater()
    })
  }

  #look(): void {
    const now = this.#clock.now()
    for (const repeated of [...this.#repeated.values()]) {
      const hasEnded = now - repeated.lastAt >= REPEAT_INTERVAL_MS
      const sinceSaid = now - repeated.saidAt
      if (sinceSaid >= (hasEnded ? REPEAT_INTERVAL_MS : repeated.intervalMs)) this.#say(repeated)
      if (isOver(repeated, now)) this.#forget(repeated)
    }
  }

  #say(repeated: Repeated): void {
    const { level, message, facts, more } = repeated
    if (more === 0) return
    const now = this.#clock.now()
    const minutes = Math.max(1, Math.round((now - repeated.saidAt) / REPEAT_INTERVAL_MS))
    const time = minutes === 1 ? 'the last minute' : `the last ${minutes} minutes`
    this.#logger.log(level, `${message}: ${more} more in ${time}`, facts)
    repeated.more = 0
    repeated.saidAt = now
    repeated.intervalMs = Math.min(2 * repeated.intervalMs, MAX_REPEAT_INTERVAL_MS)
  }
}

/** All of it is said, and both it and the last word on it are long enough ago: when it comes again, it is news. */
function isOver({ more, lastAt, saidAt }: Repeated, now: number): boolean {
  return more === 0 && now - Math.max(lastAt, saidAt) >= REPEAT_INTERVAL_MS
}
