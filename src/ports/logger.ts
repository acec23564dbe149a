export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Structured logging: what happened, then the facts. */
export interface Logger {
  log(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void
}

/** Says nothing. */
export const silentLogger: Logger = { log: () => undefined }
