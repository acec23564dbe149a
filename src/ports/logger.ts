export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** What makes two lines of one message the same news. */
export interface Sameness {
  /** Why: a code of this program or of the system, from a set that nobody outside can extend. It labels a metric. */
  readonly cause: string
  /** Whom it is about, or where it came from: a key, an address. */
  readonly from: string
  /** So many are written before the rest is counted; 1 when absent. */
  readonly burst?: number
}

/** Structured logging: what happened, then the facts. */
export interface Logger {
  /** `same` is for whoever counts repetitions instead of writing them: see {@link LogThrottle}. */
  log(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>, same?: Sameness): void
}

/** Says nothing. */
export const silentLogger: Logger = { log: () => undefined }
